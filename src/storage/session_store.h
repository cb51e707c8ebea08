// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// STATE/store: one directory for each session, `s-` and the session's number in 16 hex digits, made for its broker and removed after it.
// Removal runs on the loop in steps, one directory after the other; what a crash leaves behind is removed at the next start (T-13).
//
//      s-0123456789abcdef/           0700, the broker's own uid
//          00000001.seg …            sealed segments: docs/formats/sealed-log.md

#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/id.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "storage/tree_removal.h"
#include "wire/loop.h"

namespace ocu::storage {

class SessionStore {
public:
    using Removed = std::function<void(std::uint64_t bytes, bool whole)>;

    // `store`: an open directory that only root may enter.
    SessionStore(wire::Loop& loop, UniqueFd store);

    // Errors: conflict (it is there already), os. What was made of it by then is queued for removal by the caller's remove().
    Result<UniqueFd> make(SessionId session, uid_t owner);
    void remove(SessionId session, Removed removed);
    // Queues everything that is there. Before any make().
    void remove_leftovers();
    // Calls `task` once nothing waits for removal.
    void when_idle(std::function<void()> task);

    static std::string name_of(SessionId session);

private:
    struct Pending {
        std::string name;
        Removed removed;
    };

    void queue(Pending pending);
    void work();
    void finish(bool whole);

    wire::Loop& loop_;
    UniqueFd store_;
    std::deque<Pending> pending_;          // the first one is `current_`, once begun
    std::optional<TreeRemoval> current_;
    bool posted_ = false;
    std::function<void()> idle_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this store; tasks on the loop hold it weakly
};

}  // namespace ocu::storage
