// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/loop and mailbox. What is posted runs once, in order, on the loop's thread; what a watch stands for ends with it.

#include "wire/loop.h"

#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/unique_fd.h"
#include "wire/mailbox.h"

namespace test_loop {

using namespace ocu;
using namespace ocu::wire;
using namespace std::chrono_literals;

// Turns the loop until something is so; false after two seconds.
template <class Condition>
bool becomes(Loop& loop, Condition done)
{
    bool late = false;
    auto const guard = loop.after(2s, [&late] { late = true; });
    while (!done() && !late) loop.run_one();
    return !late;
}

// Several turns: whatever could happen has happened.
void turn(Loop& loop)
{
    for (int i = 0; i < 16; ++i) {
        bool turned = false;
        loop.post([&turned] { turned = true; });
        while (!turned) loop.run_one();
    }
}

TEST_CASE("loop: given tasks of several threads, when they are posted, then each runs once, on the loop's thread, in its thread's order",
    "[wire]")
{
    constexpr int kThreads = 4;
    constexpr int kTasks = 500;
    Loop loop;
    std::vector<std::vector<int>> seen(kThreads);
    std::atomic<int> elsewhere = 0;
    int left = kThreads * kTasks;
    auto const here = std::this_thread::get_id();
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread)
        threads.emplace_back([&, thread] {
            for (int task = 0; task < kTasks; ++task)
                loop.post([&, thread, task] {
                    if (std::this_thread::get_id() != here) ++elsewhere;
                    seen[static_cast<std::size_t>(thread)].push_back(task);
                    if (--left == 0) loop.stop();
                });
        });
    loop.run();
    for (auto& each : threads) each.join();
    CHECK(elsewhere == 0);
    for (auto const& each : seen) {
        CHECK(each.size() == kTasks);
        CHECK(std::ranges::is_sorted(each));
    }
}

TEST_CASE("loop: given two delays, when they pass, then each task runs once, the shorter first, and not before its time", "[wire]")
{
    Loop loop;
    std::vector<int> ran;
    auto const began = Monotonic::clock::now();
    auto const slow = loop.after(40ms, [&] { ran.push_back(2); });
    auto const fast = loop.after(10ms, [&] { ran.push_back(1); });
    CHECK(becomes(loop, [&] { return ran.size() == 2; }));
    CHECK(Monotonic::clock::now() - began >= 40ms);
    turn(loop);
    CHECK(ran == std::vector{1, 2});
}

TEST_CASE("loop: given a watch on a delay, when it goes first, then its task never runs, even if its time has come", "[wire]")
{
    Loop loop;
    bool ran = false;
    auto late = loop.after(1h, [&] { ran = true; });
    late.reset();
    // Due, and behind the task that takes it back.
    Watch due;
    loop.post([&] {
        auto const began = Monotonic::clock::now();
        while (Monotonic::clock::now() - began < 2ms) {
        }
        due.reset();
    });
    due = loop.after(0ms, [&] { ran = true; });
    CHECK(becomes(loop, [&] { return !due || ran; }));
    if (!ran) turn(loop);
    CHECK_FALSE(ran);
}

TEST_CASE("loop: given a descriptor, when it becomes readable, then its task runs each time until the watch goes", "[wire]")
{
    Loop loop;
    auto const pair = make_socket_pair().value();
    std::string got;
    auto watch = loop.on_readable(pair.ours.get(), [&] {
        char byte = 0;
        if (::read(pair.ours.get(), &byte, 1) == 1) got += byte;
    });
    turn(loop);
    CHECK(got.empty());
    REQUIRE(::write(pair.theirs.get(), "ab", 2) == 2);
    CHECK(becomes(loop, [&] { return got == "ab"; }));
    REQUIRE(::write(pair.theirs.get(), "c", 1) == 1);
    CHECK(becomes(loop, [&] { return got == "abc"; }));
    watch.reset();
    CHECK_FALSE(watch);
    REQUIRE(::write(pair.theirs.get(), "d", 1) == 1);
    turn(loop);
    CHECK(got == "abc");
}

TEST_CASE(
    "loop: given a watched descriptor, when its peer goes or its task gives the watch up, then it is told, and told no more", "[wire]")
{
    Loop loop;
    auto pair = make_socket_pair().value();
    int told = 0;
    Watch watch;
    watch = loop.on_readable(pair.ours.get(), [&] {
        ++told;
        watch.reset();  // from inside
    });
    pair.theirs.reset();
    CHECK(becomes(loop, [&] { return told > 0; }));
    turn(loop);
    CHECK(told == 1);
}

TEST_CASE("loop: given one descriptor, when it is watched for reading and for writing, then both tasks run", "[wire]")
{
    Loop loop;
    auto const pair = make_socket_pair().value();
    bool readable = false;
    Watch reading;
    Watch writing;
    writing = loop.on_writable(pair.ours.get(), [&] {
        writing.reset();
        REQUIRE(::write(pair.theirs.get(), "x", 1) == 1);
    });
    reading = loop.on_readable(pair.ours.get(), [&] {
        readable = true;
        reading.reset();
    });
    CHECK(becomes(loop, [&] { return readable; }));
}

TEST_CASE("loop: given a descriptor's readiness, when it is wanted, then it is told once for each time", "[wire]")
{
    Loop loop;
    auto const pair = make_socket_pair().value();
    int read = 0;
    int written = 0;
    Readiness ready(loop, pair.ours.get(), [&] { ++read; }, [&] { ++written; });
    REQUIRE(::write(pair.theirs.get(), "a", 1) == 1);
    turn(loop);
    CHECK(read + written == 0);  // nobody wanted it
    ready.want_read();
    ready.want_read();
    CHECK(becomes(loop, [&] { return read == 1; }));
    turn(loop);
    CHECK(read == 1);
    CHECK(written == 0);
    ready.want_write();
    ready.want_read();  // still there: nobody took it
    CHECK(becomes(loop, [&] { return read == 2 && written == 1; }));
    ready.want_read();
    ready.reset();
    turn(loop);
    CHECK(read == 2);
}

TEST_CASE("loop: given a readiness that its own task gives up, when it is told, then it is told no more", "[wire]")
{
    Loop loop;
    auto pair = make_socket_pair().value();
    int told = 0;
    Readiness ready;
    ready = Readiness(loop, pair.ours.get(), [&] {
        ++told;
        ready.reset();
    }, [] {});
    ready.want_read();
    pair.theirs.reset();
    CHECK(becomes(loop, [&] { return told > 0; }));
    turn(loop);
    CHECK(told == 1);
}

struct Text {
    std::string text;
};
struct Handed {
    UniqueFd fd;
};

using Box = Mailbox<Text, Handed>;
static_assert(Box::kAccepts<Text> && Box::kAccepts<Handed>);
static_assert(!Box::kAccepts<int> && !Box::kAccepts<std::string>);  // what is not in the set cannot be said
template <class Message>
concept Sayable = requires(Box& box, Message message) { box.send(std::move(message)); };
static_assert(Sayable<Text> && !Sayable<std::string>);

TEST_CASE("mailbox: given messages of two types, when they are sent, then they come in order, later, with what they carry", "[wire][T-03]")
{
    Loop loop;
    Box box(loop);
    std::vector<std::string> came;
    UniqueFd given;
    box.on_message([&](Box::Message message) {
        std::visit(Overloaded{[&](Text& text) { came.push_back(text.text); },
                       [&](Handed& handed) {
                           came.emplace_back("fd");
                           given = std::move(handed.fd);
                       }},
            message);
    });
    auto pair = make_socket_pair().value();
    int const number = pair.ours.get();
    box.send(Text{"one"});
    box.send(Handed{std::move(pair.ours)});
    std::thread([&box] { box.send(Text{"two"}); }).join();
    CHECK(came.empty());
    CHECK(becomes(loop, [&] { return came.size() == 3; }));
    CHECK(came == std::vector<std::string>{"one", "fd", "two"});
    CHECK(given.get() == number);
}

}  // namespace test_loop
