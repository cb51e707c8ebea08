// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/sink_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "audit/disk.h"

namespace ocu::audit {

namespace {

constexpr std::size_t kTailBytes = 64u << 10;

std::string full_name(std::uint64_t last)
{
    char text[64];
    std::snprintf(text, sizeof text, "%s%020llu", SinkFile::kFullPrefix, static_cast<unsigned long long>(last));
    return text;
}

// Where the last whole line ends. Errors: os.
Result<std::uint64_t> end_of_lines(int file, std::uint64_t size)
{
    std::string chunk;
    while (size > 0) {
        auto const want = static_cast<std::size_t>(std::min<std::uint64_t>(size, kTailBytes));
        chunk.resize(want);
        if (std::cmp_not_equal(::pread(file, chunk.data(), want, static_cast<off_t>(size - want)), want))
            return fail_os("read a sink's file");
        if (auto const found = chunk.rfind('\n'); found != std::string::npos) return size - want + found + 1;
        size -= want;
    }
    return 0;
}

}  // namespace

Result<void> SinkFile::open()
{
    if (file_) return {};
    // Every line that counts ends; what does not was under way when the machine or the disk gave out.
    UniqueFd file(::openat(folder_, kCurrent, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return fail_os("open a sink's file");
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return fail_os("look at a sink's file");
    auto const size = static_cast<std::uint64_t>(status.st_size);
    size_ = OCU_TRY(end_of_lines(file.get(), size));
    if (size_ != size && ::ftruncate(file.get(), static_cast<off_t>(size_)) != 0) return fail_os("cut a sink's file");
    file_ = std::move(file);
    return {};
}

Result<void> SinkFile::begin_next(std::uint64_t before)
{
    SystemDisk disk;
    OCU_CHECK(disk.rename(folder_, kCurrent, full_name(before)));
    file_.reset();
    OCU_CHECK(remove_oldest());
    return open();
}

Result<void> SinkFile::remove_oldest()
{
    SystemDisk disk;
    auto names = OCU_TRY(disk.list(folder_, "."));
    std::erase_if(names, [](std::string const& name) { return !name.starts_with(kFullPrefix); });
    for (std::size_t i = 0; names.size() - i > files_max_ - 1; ++i)
        if (::unlinkat(folder_, names[i].c_str(), 0) != 0) return fail_os("remove a sink's oldest file");
    return {};
}

Result<void> SinkFile::add(std::string_view lines, std::uint64_t before)
{
    OCU_CHECK(open());
    if (size_ > 0 && size_ + lines.size() > bytes_max_) OCU_CHECK(begin_next(before));
    SystemDisk disk;
    auto done = disk.write(file_.get(), lines, size_);
    if (done) done = disk.sync(file_.get());
    if (done && size_ == 0) done = disk.sync_folder(folder_, ".");
    if (!done) {
        // As it was, as far as that still works; if not, it is looked at when it is opened again.
        (void)!::ftruncate(file_.get(), static_cast<off_t>(size_));
        file_.reset();
        return done;
    }
    size_ += lines.size();
    return {};
}

}  // namespace ocu::audit
