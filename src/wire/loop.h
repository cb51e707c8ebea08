// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One event loop for one thread. Wraps Boost.Asio so that its headers are compiled in wire/ only.
// Threading: post() and stop() from any thread; everything else from the loop's own thread (or before run()).

#include <chrono>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"

namespace boost::asio {
class io_context;
}

namespace ocu::wire {

// Cancels what it stands for when destroyed or reset. Movable.
class Watch {
public:
    Watch() = default;
    explicit Watch(std::shared_ptr<void> state) : state_(std::move(state)) {}
    void reset() { state_.reset(); }
    explicit operator bool() const { return state_ != nullptr; }

private:
    std::shared_ptr<void> state_;  // shared with the pending operation, which holds it weakly
};

class Loop {
public:
    Loop();
    ~Loop();
    Loop(Loop const&) = delete;
    Loop& operator=(Loop const&) = delete;

    // Runs until stop().
    void run();
    // Waits for the next thing to do and does it: for one who turns the loop by hand.
    void run_one();
    void stop();
    // Runs `task` on the loop's thread, in the order posted.
    void post(std::function<void()> task);
    // Calls `task` once after `delay`, on the monotonic clock, unless the watch goes first.
    [[nodiscard]] Watch after(std::chrono::milliseconds delay, std::function<void()> task);
    // Calls `task` each time `fd` is readable (or has hung up) until the watch goes. The watch keeps a duplicate of
    // its own, so end the watch before you expect a peer to see `fd` closed. The task must consume what made it readable.
    [[nodiscard]] Watch on_readable(int fd, std::function<void()> task);
    [[nodiscard]] Watch on_writable(int fd, std::function<void()> task);

    boost::asio::io_context& context();

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Whether one descriptor can be read or written, asked for anew each time. For one who turns from one to the other and back often: a Watch that
// comes and goes costs a duplicate and a registration each time. Keeps a duplicate, as a Watch does. Movable; the loop outlives it.
class Readiness {
public:
    Readiness() = default;
    Readiness(Loop& loop, int fd, std::function<void()> readable, std::function<void()> writable);
    // One call of `readable` (`writable`), by the loop and never from within, unless this goes first. To want what is already wanted is nothing more.
    void want_read();
    void want_write();
    void reset() { state_.reset(); }

private:
    struct State;
    std::shared_ptr<State> state_;  // shared with the pending operations, which hold it weakly
};

}  // namespace ocu::wire
