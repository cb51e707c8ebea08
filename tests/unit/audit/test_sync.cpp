// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/log on a disk that counts what a power cut would take: bytes written and names given since the last sync. A killed process
// shows nothing of that, because the kernel still writes its pages. Nothing may be acknowledged that is not synced (AU-3, T-10).

#include <sys/stat.h>

#include <set>

#include "unit/audit/support.h"

namespace test_sync {

using namespace audit_support;

class PowerDisk final : public SystemDisk {
public:
    Result<UniqueFd> open(int directory, std::string const& path, Open how) override
    {
        auto file = SystemDisk::open(directory, path, how);
        if (file) names_[inode(file->get())] = path;
        return file;
    }
    Result<void> write(int file, std::string_view bytes, std::uint64_t offset) override
    {
        dirty_.insert(inode(file));
        return SystemDisk::write(file, bytes, offset);
    }
    Result<void> sync(int file) override
    {
        dirty_.erase(inode(file));
        return SystemDisk::sync(file);
    }
    Result<void> rename(int directory, std::string const& from, std::string const& to) override
    {
        for (auto& [file, name] : names_)
            if (name == from) {
                if (dirty_.contains(file)) ++renamed_unsynced;
                name = to;
            }
        if (to.starts_with("journal/")) journal_names_dirty_ = true;
        return SystemDisk::rename(directory, from, to);
    }
    Result<void> sync_folder(int directory, std::string const& path) override
    {
        if (path == "journal") journal_names_dirty_ = false;
        return SystemDisk::sync_folder(directory, path);
    }

    // What of the journal a power cut would take now.
    bool journal_is_safe() const
    {
        return !journal_names_dirty_ &&
               std::ranges::none_of(dirty_, [this](ino_t file) { return names_.at(file).starts_with("journal/"); });
    }
    int renamed_unsynced = 0;

private:
    static ino_t inode(int file)
    {
        struct stat is{};
        REQUIRE(::fstat(file, &is) == 0);
        return is.st_ino;
    }

    std::map<ino_t, std::string> names_;
    std::set<ino_t> dirty_;
    bool journal_names_dirty_ = false;
};

TEST_CASE("log: given a power cut after any acknowledgement, when its disk is looked at, then nothing acknowledged would be lost",
    "[audit][T-10][AU-3]")
{
    Folder const folder;
    ManualClock const clock;
    Signer const signer;
    PowerDisk disk;
    auto log = open_log(disk, folder, clock);
    REQUIRE(log);
    CHECK(disk.journal_is_safe());  // the opening is itself a record
    int unsafe = 0;
    for (std::uint64_t i = 0; i < 300; ++i) {  // over several segments
        std::array const batch{entry(i), entry(i, proto::Source::control)};
        REQUIRE(log->append(batch));
        if (!disk.journal_is_safe()) ++unsafe;
        if (i % 100 == 50) sign(*log, signer);
    }
    CHECK(unsafe == 0);
    CHECK(disk.renamed_unsynced == 0);
    CHECK(std::filesystem::exists(folder.path() / "journal"));
    CHECK(std::ranges::distance(std::filesystem::directory_iterator(folder.path() / "journal")) > 1);
}

}  // namespace test_sync
