// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What stands around a role's thread in a unit test: its loop on a thread of its own, a recorder that remembers, a spawner that counts
// violations, and the other end of its helper's link. The test's own thread reads what they remember only after settle().

#include <catch2/catch_test_macros.hpp>

#include <future>
#include <thread>
#include <vector>

#include "helper/frame.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "wire/link.h"

namespace ocu::test {

class LoopThread {
public:
    LoopThread() : thread_([this] { loop_.run(); }) {}
    ~LoopThread() { finish(); }

    operator wire::Loop&() { return loop_; }
    // Returns when what was posted, and what was on its way on local sockets, has been handled: both are there at the next turn of the
    // loop, and what they cause is a few turns later.
    void settle()
    {
        std::promise<void> done;
        turn(50, done);
        done.get_future().wait();
    }
    // Before the role is destroyed.
    void finish()
    {
        if (!thread_.joinable()) return;
        loop_.stop();
        thread_.join();
    }

private:
    void turn(int left, std::promise<void>& done)
    {
        loop_.post([this, left, &done] {
            if (left == 0) return done.set_value();
            timer_ = loop_.after(std::chrono::milliseconds(0), [this, left, &done] { turn(left - 1, done); });
        });
    }

    wire::Loop loop_;
    wire::Watch timer_;
    std::thread thread_;
};

class Recorder final : public proto::Recorder {
public:
    void record(proto::Event event, Done done) override
    {
        events.push_back(std::move(event));
        done(EventNumber{events.size()});
    }
    std::vector<proto::Event> events;
};

class Spawner final : public helper::Spawner {
public:
    Result<helper::Spawned> spawn(helper::Kind, Slot, wire::Bytes, std::vector<UniqueFd>) override
    {
        return fail(Fault::unavailable, "no helper in this test");
    }
    void report_violation(helper::Kind kind) override { violations.push_back(kind); }
    std::vector<helper::Kind> violations;
};

// The helper's end of a link.
class HelperPeer {
public:
    // The role's end.
    UniqueFd connect()
    {
        auto pair = make_socket_pair().value();
        ours_ = std::move(pair.ours);
        return std::move(pair.theirs);
    }
    template <class Message>
    void send(Message const& message)
    {
        send_raw(static_cast<std::uint16_t>(Message::kType), wire::encode(message));
    }
    void send_raw(std::uint16_t type, wire::Bytes const& body, std::span<int const> descriptors = {})
    {
        REQUIRE(helper::write_frame(ours_.get(), type, body, descriptors));
    }
    template <class Message>
    Message take(std::vector<UniqueFd>* descriptors = nullptr)
    {
        auto frame = helper::read_frame(ours_.get(), 64u << 10, std::chrono::seconds(5));
        REQUIRE(frame);
        REQUIRE(frame->type == static_cast<std::uint16_t>(Message::kType));
        if (descriptors != nullptr) *descriptors = std::move(frame->descriptors);
        auto message = wire::decode<Message>(frame->body);
        REQUIRE(message);
        return *std::move(message);
    }
    bool has_nothing() { return !helper::read_frame(ours_.get(), 64u << 10, std::chrono::milliseconds(1)); }
    void close() { ours_.reset(); }
    int descriptor() const { return ours_.get(); }

private:
    UniqueFd ours_;
};

}  // namespace ocu::test
