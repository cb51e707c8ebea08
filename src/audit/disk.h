// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The system calls of the log, each whole or failed, so that a test can make any one of them fail or be the last. Paths are relative to
// the audit directory, which is the only thing that the confined writer can reach.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace ocu::audit {

enum class Open { existing_to_read, existing_to_write, new_file };  // new_file: created or emptied

class Disk {
public:
    virtual ~Disk() = default;
    // All errors: os; not_found where the file or a folder on its path is missing.
    virtual Result<UniqueFd> open(int directory, std::string const& path, Open how) = 0;
    virtual Result<void> write(int file, std::string_view bytes, std::uint64_t offset) = 0;
    virtual Result<void> sync(int file) = 0;  // contents
    virtual Result<void> rename(int directory, std::string const& from, std::string const& to) = 0;
    virtual Result<void> sync_folder(int directory, std::string const& path) = 0;
    virtual Result<void> make_folder(int directory, std::string const& path) = 0;  // one that exists is success
    virtual Result<void> remove_folder(int directory, std::string const& path) = 0;  // of plain files; one that is missing is success
    virtual Result<void> remove_file(int directory, std::string const& path) = 0;  // one that is missing is success
    virtual Result<std::vector<std::string>> list(int directory, std::string const& path) = 0;  // sorted, without . and ..
    // Errors: also over_limit.
    virtual Result<std::string> read_file(int directory, std::string const& path, std::size_t bytes_max) = 0;
};

class SystemDisk : public Disk {
public:
    Result<UniqueFd> open(int directory, std::string const& path, Open how) override;
    Result<void> write(int file, std::string_view bytes, std::uint64_t offset) override;
    Result<void> sync(int file) override;
    Result<void> rename(int directory, std::string const& from, std::string const& to) override;
    Result<void> sync_folder(int directory, std::string const& path) override;
    Result<void> make_folder(int directory, std::string const& path) override;
    Result<void> remove_folder(int directory, std::string const& path) override;
    Result<void> remove_file(int directory, std::string const& path) override;
    Result<std::vector<std::string>> list(int directory, std::string const& path) override;
    Result<std::string> read_file(int directory, std::string const& path, std::size_t bytes_max) override;
};

// Writes `bytes` so that `path` has either its old contents or all the new ones, on disk. Makes the folders that are missing.
Result<void> replace_file(Disk& disk, int directory, std::string const& path, std::string_view bytes);

}  // namespace ocu::audit
