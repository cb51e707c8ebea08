// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A directory as a zip archive, made as it is read. libarchive writes here and reads nothing: names and bytes come from the session's broker, so
// what a guest chose is its content and never its grammar. What may not be fetched is left out.

#include <memory>

#include "storage/files_job.h"

namespace ocu::storage {

// Bytes of an archive, in order, to be taken after each call. Errors: os.
class ZipStream {
public:
    ZipStream();
    ~ZipStream();
    ZipStream(ZipStream const&) = delete;
    ZipStream& operator=(ZipStream const&) = delete;

    Result<void> begin(std::string_view name, std::uint64_t size, std::int64_t modified_ns);
    Result<void> data(std::string_view bytes);
    Result<void> end();  // of the whole
    std::string take() { return std::exchange(*out_, {}); }

private:
    struct State;
    std::unique_ptr<std::string> out_ = std::make_unique<std::string>();
    std::unique_ptr<State> state_;
};

class ArchiveJob final : public FilesJob {
public:
    using FilesJob::FilesJob;

private:
    void begin() override { ask_page(); }
    bool said(wire::Link::Frame const& frame) override;
    void ask_page();
    void next();
    void read_more();
    void put(Result<void> const& done, bool last);

    ZipStream zip_;
    std::vector<proto::FileEntry> page_;
    std::size_t at_ = 0;
    std::string last_;
    bool more_ = true;
    std::uint64_t left_ = 0;  // of the file that is being read
    std::uint64_t offset_ = 0;
};

}  // namespace ocu::storage
