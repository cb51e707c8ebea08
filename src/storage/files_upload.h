// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Uploads: a body as it is, or a form with one or more files. Bytes go on as they come and as the broker takes them, at most kFileAheadBytes
// ahead of it; nothing is asked of the client before the broker has said that there is room.

#include "storage/files_job.h"
#include "wire/multipart_face.h"
#include "wire/json.h"

namespace ocu::storage {

class UploadJob final : public FilesJob {
public:
    using FilesJob::FilesJob;

private:
    void begin() override;
    bool said(wire::Link::Frame const& frame) override;
    void read_on();
    void took(wire::HttpPiece piece);

    std::uint64_t unanswered_ = 0;
    bool reading_ = false;
    bool ended_ = false;
};

class FormJob final : public FilesJob {
public:
    explicit FormJob(Context context) : FilesJob(std::move(context)), form_(context_.request.boundary) {}

private:
    void begin() override { go_on(); }
    bool said(wire::Link::Frame const& frame) override;
    void go_on();
    bool step();
    bool take_part();
    bool take_data();
    bool take_end();
    bool all_read();

    enum class Part { none, file, field };
    wire::Multipart form_;
    Part part_ = Part::none;
    std::string field_;
    std::string directory_ = "uploads";
    proto::Downloadable downloadable_ = proto::Downloadable::yes;
    wire::Json files_ = wire::Json::array();
    std::size_t count_ = 0;
    std::uint64_t unanswered_ = 0;
    bool waiting_ = false;  // for the broker's word on this file
    bool reading_ = false;  // for the client
    bool last_read_ = false;
};

}  // namespace ocu::storage
