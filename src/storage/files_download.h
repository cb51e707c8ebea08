// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A file's bytes, whole or a part of them, at the pace of whoever reads them: the broker is asked for a piece when the last one is on its way.

#include "storage/files_job.h"

namespace ocu::storage {

class DownloadJob final : public FilesJob {
public:
    using FilesJob::FilesJob;

private:
    void begin() override;
    bool said(wire::Link::Frame const& frame) override;
    bool opened(proto::FileEntry const& entry);
    void send_head(proto::FileEntry const& entry);
    void pump();
    bool take(std::string bytes);
    proto::FileUse use() const;

    bool looked_ = false;  // the entry alone was asked for, to compare
    std::string etag_;
    std::uint64_t asked_ = 0;  // up to here, from the file's beginning
    std::uint64_t sent_ = 0;
    std::uint64_t end_ = 0;
    bool welcome_ = true;
};

}  // namespace ocu::storage
