// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/tree_removal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

#include "storage/open_beneath.h"

namespace ocu::storage {

namespace {

bool is_dots(std::string_view name) { return name == "." || name == ".."; }

}  // namespace

Result<TreeRemoval::Directory> TreeRemoval::open(int parent, std::string const& name)
{
    auto fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
    if (!fd) return fail_os("open directory to remove");
    Directory directory(::fdopendir(fd.get()));
    if (!directory) return fail_os("read directory to remove");
    (void)fd.release();  // closedir closes it
    return directory;
}

Result<TreeRemoval> TreeRemoval::begin(int store, std::string name)
{
    TreeRemoval removal;
    removal.store_ = store;
    removal.top_ = OCU_TRY(open(store, name));
    removal.name_ = std::move(name);
    return removal;
}

Result<void> TreeRemoval::remove_file(int directory, char const* name)
{
    struct stat is{};
    if (::fstatat(directory, name, &is, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(is.st_mode)) bytes_ += static_cast<std::uint64_t>(is.st_size);
    if (::unlinkat(directory, name, 0) != 0) return fail_os("remove file");
    return {};
}

Result<void> TreeRemoval::move_up(std::string const& name)
{
    int const top = ::dirfd(top_.get());
    for (;;) {
        auto const free_name = "up" + std::to_string(moved_++);
        if (::renameat2(::dirfd(inside_.get()), name.c_str(), top, free_name.c_str(), RENAME_NOREPLACE) == 0) return {};
        if (errno != EEXIST) return fail_os("move directory up");
    }
}

// One entry of the directory being emptied. True when it was handled, or the directory is gone.
Result<bool> TreeRemoval::step_inside()
{
    auto const* const entry = ::readdir(inside_.get());
    if (entry == nullptr) {
        if (inside_found_) {
            inside_found_ = false;
            ::rewinddir(inside_.get());
            return true;
        }
        inside_.reset();
        if (::unlinkat(::dirfd(top_.get()), inside_name_.c_str(), AT_REMOVEDIR) != 0) return fail_os("remove directory");
        return true;
    }
    if (is_dots(entry->d_name)) return true;
    inside_found_ = true;
    if (entry->d_type == DT_DIR)
        OCU_CHECK(move_up(entry->d_name));
    else
        OCU_CHECK(remove_file(::dirfd(inside_.get()), entry->d_name));
    return true;
}

// One entry of the session's directory itself. False when there is none any more.
Result<bool> TreeRemoval::step_top()
{
    auto const* const entry = ::readdir(top_.get());
    if (entry == nullptr) {
        if (!found_) return false;
        found_ = false;
        ::rewinddir(top_.get());
        return true;
    }
    if (is_dots(entry->d_name)) return true;
    found_ = true;
    if (entry->d_type != DT_DIR) {
        OCU_CHECK(remove_file(::dirfd(top_.get()), entry->d_name));
        return true;
    }
    inside_name_ = entry->d_name;
    inside_ = OCU_TRY(open(::dirfd(top_.get()), inside_name_));
    inside_found_ = false;
    return true;
}

Result<bool> TreeRemoval::step(std::size_t entries)
{
    for (std::size_t i = 0; i < entries; ++i) {
        bool const more = inside_ ? OCU_TRY(step_inside()) : OCU_TRY(step_top());
        if (more) continue;
        top_.reset();
        if (::unlinkat(store_, name_.c_str(), AT_REMOVEDIR) != 0) return fail_os("remove session directory");
        return true;
    }
    return false;
}

}  // namespace ocu::storage
