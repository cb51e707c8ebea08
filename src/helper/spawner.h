// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How a role gets a per-session helper (broker, exec), and how it tells the supervisor that a standing one misbehaved.
// The only implementation is appliance/spawn: nobody else creates a process. Thread-safe.

#include <array>
#include <atomic>
#include <vector>

#include "base/id.h"
#include "base/unique_fd.h"
#include "helper/kind.h"
#include "wire/codec.h"

namespace ocu::helper {

// A running helper. Destroying it kills and reaps the process.
class Child {
public:
    Child() = default;
    Child(int pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
    Child(Child&& other) noexcept = default;
    Child& operator=(Child&& other) noexcept;
    ~Child() { end(); }

    int pid() const { return pid_; }
    int pidfd() const { return pidfd_.get(); }  // readable once the process has ended
    explicit operator bool() const { return static_cast<bool>(pidfd_); }
    void kill() const;  // SIGKILL, at once; reaping is end()
    void end();         // kill and reap; waits for a process that is dying already, microseconds
    // Kill, and leave reaping to whoever reaps what is left over: for one that may hang in a broken device and not die yet.
    void forget();

private:
    int pid_ = -1;
    UniqueFd pidfd_;
};

struct Spawned {
    Child child;
    UniqueFd link;  // the helper's first frame will be its ready report (helper.h: kReadyType)
};

class Spawner {
public:
    virtual ~Spawner() = default;
    // Sends the configuration; does not wait for ready. `slot` is added to the helper's uid.
    virtual Result<Spawned> spawn(Kind kind, Slot slot, wire::Bytes config, std::vector<UniqueFd> descriptors) = 0;
    // A standing helper broke the grammar of its link: end it, record it, start another.
    virtual void report_violation(Kind kind) = 0;
};

// Which standing helpers serve right now. Written by the supervisor, read by anyone.
struct Health {
    std::array<std::atomic<bool>, kStandingKinds> up{};
    bool all_up() const
    {
        for (auto const& each : up)
            if (!each) return false;
        return true;
    }
};

}  // namespace ocu::helper
