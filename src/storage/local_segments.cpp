// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/local_segments.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <format>
#include <memory>

#include "storage/limits.h"
#include "storage/open_beneath.h"

namespace ocu::storage {

namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kDigits = 8;
constexpr char kSpareName[] = "spare";

// Only what segments.h promises leaves this file.
std::unexpected<int> refuse_os()
{
    switch (errno) {
    case ENOSPC:
    case EDQUOT: return refuse(ENOSPC);
    case ENOENT: return refuse(ENOENT);
    default: return refuse(EIO);
    }
}

// 0: not the name of a segment.
SegmentNumber number_of(std::string_view name)
{
    SegmentNumber number = 0;
    if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return 0;
    auto const* const end = name.data() + kDigits;
    auto const [at, fault] = std::from_chars(name.data(), end, number);
    return fault == std::errc{} && at == end ? number : 0;
}

}  // namespace

LocalSegments::LocalSegments(UniqueFd directory) : directory_(std::move(directory)) {}

std::string LocalSegments::name_of(SegmentNumber segment) { return std::format("{:08}.seg", segment); }

Answer<std::vector<Segments::Found>> LocalSegments::list()
{
    auto copy = open_beneath(directory_.get(), ".", O_RDONLY | O_DIRECTORY);
    if (!copy) return refuse_os();
    std::unique_ptr<DIR, decltype([](DIR* directory) { ::closedir(directory); })> const listing(::fdopendir(copy.get()));
    if (!listing) return refuse_os();
    (void)copy.release();  // closedir closes it
    std::vector<Found> found;
    for (;;) {
        errno = 0;
        auto const* const entry = ::readdir(listing.get());
        if (entry == nullptr && errno != 0) return refuse_os();
        if (entry == nullptr) break;
        auto const number = number_of(entry->d_name);
        struct stat is{};
        if (number == 0) continue;
        if (::fstatat(directory_.get(), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) != 0) return refuse_os();
        if (!S_ISREG(is.st_mode)) return refuse(EIO);
        found.push_back({number, static_cast<std::uint64_t>(is.st_size)});
    }
    std::ranges::sort(found, {}, &Found::number);
    return found;
}

Answer<int> LocalSegments::file_of(SegmentNumber segment)
{
    auto const at = std::ranges::find(open_, segment, &Open::segment);
    if (at != open_.end()) {
        open_.splice(open_.begin(), open_, at);
        return open_.front().file.get();
    }
    auto file = open_beneath(directory_.get(), name_of(segment), O_RDWR);
    if (!file) return refuse_os();
    auto const number = file.get();
    if (auto const kept = keep(segment, std::move(file)); !kept) return refuse(kept.error());
    return number;
}

// One that was written is synced before it is closed: an error of its write-back is told to whoever has it open.
Answer<void> LocalSegments::keep(SegmentNumber segment, UniqueFd file)
{
    if (open_.size() >= kSegmentFilesOpenMax) {
        if (auto const synced = sync_file(open_.back()); !synced) return synced;
        open_.pop_back();
    }
    open_.push_front({segment, std::move(file)});
    return {};
}

Answer<void> LocalSegments::make(SegmentNumber segment)
{
    if (failed_) return refuse(EIO);
    auto file = open_beneath(directory_.get(), name_of(segment), O_RDWR | O_CREAT | O_EXCL, kOwnerOnly);
    if (!file) return refuse_os();
    directory_unsynced_ = true;
    unsynced_.insert(segment);
    return keep(segment, std::move(file));
}

Answer<void> LocalSegments::append(SegmentNumber segment, std::uint64_t offset, std::span<std::byte const> bytes)
{
    if (failed_) return refuse(EIO);
    auto const file = file_of(segment);
    if (!file) return refuse(file.error());
    unsynced_.insert(segment);
    for (std::size_t done = 0; done < bytes.size();) {
        auto const part = bytes.subspan(done);
        auto const written = ::pwrite(*file, part.data(), part.size(), static_cast<off_t>(offset + done));
        if (written > 0) {
            done += static_cast<std::size_t>(written);
            continue;
        }
        if (written < 0 && errno == EINTR) continue;
        auto const fault = written < 0 ? refuse_os() : refuse(EIO);
        // What is left of it would stand where the next one is to begin.
        failed_ = ::ftruncate(*file, static_cast<off_t>(offset)) != 0;
        return failed_ ? refuse(EIO) : fault;
    }
    return {};
}

Answer<std::size_t> LocalSegments::read(SegmentNumber segment, std::uint64_t offset, std::span<std::byte> into)
{
    auto const file = file_of(segment);
    if (!file) return refuse(file.error());
    std::size_t done = 0;
    while (done < into.size()) {
        auto const part = into.subspan(done);
        auto const got = ::pread(*file, part.data(), part.size(), static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return refuse_os();
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

Answer<void> LocalSegments::cut(SegmentNumber segment, std::uint64_t bytes)
{
    if (failed_) return refuse(EIO);
    auto const file = file_of(segment);
    if (!file) return refuse(file.error());
    unsynced_.insert(segment);
    if (::ftruncate(*file, static_cast<off_t>(bytes)) != 0) return refuse_os();
    return {};
}

Answer<void> LocalSegments::sync_file(Open const& each)
{
    if (!unsynced_.contains(each.segment)) return {};
    if (failed_ || ::fdatasync(each.file.get()) != 0) {
        failed_ = true;
        return refuse(EIO);
    }
    unsynced_.erase(each.segment);
    return {};
}

Answer<void> LocalSegments::sync()
{
    if (failed_) return refuse(EIO);
    while (!unsynced_.empty()) {
        if (auto const file = file_of(*unsynced_.begin()); !file) return refuse(file.error());
        if (auto const synced = sync_file(open_.front()); !synced) return synced;
    }
    if (directory_unsynced_ && ::fsync(directory_.get()) != 0) {
        failed_ = true;
        return refuse(EIO);
    }
    directory_unsynced_ = false;
    return {};
}

Answer<void> LocalSegments::remove(SegmentNumber segment)
{
    std::erase_if(open_, [segment](Open const& each) { return each.segment == segment; });
    unsynced_.erase(segment);
    if (::unlinkat(directory_.get(), name_of(segment).c_str(), 0) != 0) return refuse_os();
    return {};
}

bool LocalSegments::give_up_spare()
{
    if (!spare_) return false;
    spare_ = false;
    return ::unlinkat(directory_.get(), kSpareName, 0) == 0;
}

void LocalSegments::keep_spare()
{
    if (spare_ || failed_) return;
    auto const file = open_beneath(directory_.get(), kSpareName, O_RDWR | O_CREAT | O_TRUNC, kOwnerOnly);
    if (!file) return;
    spare_ = ::fallocate(file.get(), 0, 0, static_cast<off_t>(kSpareBytes)) == 0;
    if (!spare_) (void)::unlinkat(directory_.get(), kSpareName, 0);
}

}  // namespace ocu::storage
