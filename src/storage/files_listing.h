// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Listings of the file API: one directory, or every file; and the removal of one entry.

#include "base/crypto/crypto.h"
#include "storage/files_job.h"
#include "wire/json.h"

namespace ocu::storage {

class ListingJob final : public FilesJob {
public:
    using FilesJob::FilesJob;

private:
    void begin() override { ask_more(); }
    bool said(wire::Link::Frame const& frame) override;
    void ask_more();
    void answer_page(bool more);

    wire::Json entries_ = wire::Json::array();
    std::uint32_t count_ = 0;
    std::string last_;
    crypto::Sha256 digest_;
};

class RemovalJob final : public FilesJob {
public:
    using FilesJob::FilesJob;

private:
    void begin() override { ask(proto::FileRemove{context_.request.path}); }
    bool said(wire::Link::Frame const& frame) override
    {
        if (!is<proto::FileRemoved>(frame)) return false;
        answer({204, {{"Cache-Control", "no-store"}}});
        return true;
    }
};

}  // namespace ocu::storage
