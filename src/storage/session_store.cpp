// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/session_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <format>
#include <utility>

#include "base/log.h"
#include "storage/limits.h"
#include "storage/open_beneath.h"

namespace ocu::storage {

namespace {

constexpr mode_t kOwnerOnly = 0700;

Result<UniqueFd> make_directory(int parent, char const* name, uid_t owner)
{
    if (::mkdirat(parent, name, kOwnerOnly) != 0) {
        if (errno == EEXIST) return fail(Fault::conflict, "session directory exists");
        return fail_os("make session directory");
    }
    auto fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
    if (!fd) return fail_os("open session directory");
    if (::fchown(fd.get(), owner, owner) != 0) return fail_os("own session directory");
    return fd;
}

}  // namespace

SessionStore::SessionStore(wire::Loop& loop, UniqueFd store) : loop_(loop), store_(std::move(store)) {}

std::string SessionStore::name_of(SessionId session) { return std::format("s-{:016x}", session.value); }

Result<UniqueFd> SessionStore::make(SessionId session, uid_t owner)
{
    return make_directory(store_.get(), name_of(session).c_str(), owner);
}

void SessionStore::remove(SessionId session, Removed removed) { queue({name_of(session), std::move(removed)}); }

void SessionStore::remove_leftovers()
{
    auto copy = open_beneath(store_.get(), ".", O_RDONLY | O_DIRECTORY);
    if (!copy) return;
    std::unique_ptr<DIR, decltype([](DIR* directory) { ::closedir(directory); })> const listing(::fdopendir(copy.get()));
    if (!listing) return;
    (void)copy.release();  // closedir closes it
    while (auto const* const entry = ::readdir(listing.get())) {
        std::string name(entry->d_name);
        if (entry->d_type == DT_DIR && name.starts_with("s-")) queue({std::move(name), [](std::uint64_t, bool) {}});
    }
}

void SessionStore::queue(Pending pending)
{
    pending_.push_back(std::move(pending));
    if (std::exchange(posted_, true)) return;
    loop_.post([this, alive = std::weak_ptr(alive_)] {
        if (alive.lock()) work();
    });
}

void SessionStore::work()
{
    posted_ = false;
    if (pending_.empty()) return;
    if (!current_) {
        auto begun = TreeRemoval::begin(store_.get(), pending_.front().name);
        if (begun)
            current_.emplace(std::move(*begun));
        else
            finish(begun.error().os_errno == ENOENT);
    }
    if (current_) {
        auto const done = current_->step(kRemovalsPerTurn);
        if (!done) log::failure("session files remain", done.error());
        if (!done || *done) finish(done.has_value());
    }
    if (pending_.empty()) {
        if (idle_) std::exchange(idle_, {})();
        return;
    }
    posted_ = true;
    loop_.post([this, alive = std::weak_ptr(alive_)] {
        if (alive.lock()) work();
    });
}

void SessionStore::finish(bool whole)
{
    auto const bytes = current_ ? current_->bytes() : 0;
    current_.reset();
    auto const first = std::move(pending_.front());
    pending_.pop_front();
    first.removed(bytes, whole);
}

void SessionStore::when_idle(std::function<void()> task)
{
    if (pending_.empty())
        task();
    else
        idle_ = std::move(task);
}

}  // namespace ocu::storage
