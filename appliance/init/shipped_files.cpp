// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/shipped_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <format>

namespace ocu::init {

namespace {

std::string by_descriptor(int file) { return "/proc/self/fd/" + std::to_string(file); }

// Which key is wrong, and why: the stick as a whole, the file that a name stands for, or what is in it.
manifest::Refusal refusal_of(Fetch::File const& file, std::string const& device, StickFailure const& failure)
{
    if (failure.about == CopyFault::stick) return {"sandbox.mounts", std::format("{}: {}", device, failure.reason)};
    auto const key = file.key + (failure.about == CopyFault::content ? ".sha256" : ".name");
    return {key, std::format("mounts/{}.erofs on {}: {}", file.name, device, failure.reason)};
}

manifest::Refusal cannot_keep(Fetch::File const& file)
{
    return {file.key + ".name", std::format("mounts/{}.erofs: this machine cannot keep it", file.name)};
}

}  // namespace

void ShippedFiles::fetch(Fetch const& order, std::function<void(manifest::Refusal)> done)
{
    fetch_next(std::make_shared<Order>(Order{order, 0, std::move(done)}));
}

void ShippedFiles::fetch_next(std::shared_ptr<Order> const& order)
{
    auto const& file = order->fetch.files[order->next];
    UniqueFd into(::open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0400));
    // What is linked later, and only read: the descriptor for writing goes to the helper and ends with it.
    auto const kept = std::make_shared<UniqueFd>(into ? ::open(by_descriptor(into.get()).c_str(), O_RDONLY | O_CLOEXEC) : -1);
    if (!*kept) return order->done(cannot_keep(file));
    copy_(order->fetch.from, {file.name, file.sha256, std::move(into)},
        [this, order, kept](std::optional<StickFailure> const& failure) { fetched(order, kept->get(), failure); });
}

void ShippedFiles::fetched(std::shared_ptr<Order> const& order, int file, std::optional<StickFailure> const& failure)
{
    auto const& wanted = order->fetch.files[order->next];
    if (failure) return order->done(refusal_of(wanted, order->fetch.from.device, *failure));
    auto const place = folder_ + "/" + wanted.sha256;
    if (::linkat(AT_FDCWD, by_descriptor(file).c_str(), AT_FDCWD, place.c_str(), AT_SYMLINK_FOLLOW) != 0 && errno != EEXIST)
        return order->done(cannot_keep(wanted));
    held_.insert(wanted.sha256);
    if (++order->next == order->fetch.files.size()) return order->done({});
    fetch_next(order);
}

void ShippedFiles::keep_only(std::set<std::string> const& hashes)
{
    std::erase_if(held_, [&](std::string const& each) { return !hashes.contains(each) && ::unlink((folder_ + "/" + each).c_str()) == 0; });
}

Result<std::string> ShippedFiles::lay_out(std::vector<manifest::ShippedDirectory> const& wanted)
{
    auto now = folder_ + "/now";
    if (::mkdir(now.c_str(), 0700) != 0 && errno != EEXIST) return fail_os("make a directory");
    for (auto const& each : laid_out_) (void)::unlink(each.c_str());
    laid_out_.clear();
    for (auto const& each : wanted) {
        auto const place = now + "/" + each.name + ".erofs";
        if (::symlink(("../" + each.sha256).c_str(), place.c_str()) != 0) return fail_os("name a shipped file");
        laid_out_.push_back(place);
    }
    return now;
}

}  // namespace ocu::init
