// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/link. Frames cross whole and in order, descriptors with their frame; a peer that breaks the grammar is cut off.

#include "wire/link.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>

namespace test_link {

using namespace ocu;
using namespace ocu::wire;
using namespace std::chrono_literals;

constexpr std::array kPermits{Permit{1, 0, 200'000}, Permit{2, 1, 8}};

struct LinkTest {
    // Ends the loop when `done` says so, or after two seconds, whichever is first.
    void run_until(std::function<bool()> done)
    {
        auto const guard = loop.after(2s, [this] { loop.stop(); });
        wanted = std::move(done);
        loop.run();
    }
    void look()
    {
        if (wanted && wanted()) loop.stop();
    }
    void open(std::size_t queue_bytes_max = 16u << 20)
    {
        link.emplace(
            loop, std::move(pair.ours), Link::Options{kPermits, queue_bytes_max},
            [this](Link::Frame frame) {
                types.push_back(frame.type);
                sizes.push_back(frame.body.size());
                for (auto& each : frame.descriptors) descriptors.push_back(std::move(each));
                look();
            },
            [this](Lost why) {
                lost = why;
                look();
            });
    }
    void raw(std::uint32_t size, std::uint16_t type, std::uint16_t count, std::size_t body) const
    {
        Bytes bytes;
        Encoder encoder(bytes);
        encoder(size, type, count);
        bytes.resize(bytes.size() + body);
        REQUIRE(::send(pair.theirs.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    }

    Loop loop;
    SocketPair pair = make_socket_pair().value();
    std::optional<Link> link;
    std::vector<std::uint16_t> types;
    std::vector<std::size_t> sizes;
    std::vector<UniqueFd> descriptors;
    std::optional<Lost> lost;
    std::function<bool()> wanted;
};

TEST_CASE_METHOD(LinkTest, "link: given two ends, when many large frames are sent, then all arrive whole and in order", "[wire]")
{
    open();
    Link peer(loop, std::move(pair.theirs), {kPermits}, [](Link::Frame) {}, [](Lost) {});
    for (std::size_t i = 0; i < 50; ++i) peer.send_frame(1, Bytes(i * 4000));
    run_until([this] { return sizes.size() == 50; });
    REQUIRE(sizes.size() == 50);
    for (std::size_t i = 0; i < 50; ++i) CHECK(sizes[i] == i * 4000);
}

TEST_CASE_METHOD(
    LinkTest, "link: given a frame with a descriptor, when it arrives, then the descriptor is usable and close-on-exec", "[wire]")
{
    open();
    Link peer(loop, std::move(pair.theirs), {kPermits}, [](Link::Frame) {}, [](Lost) {});
    auto extra = make_socket_pair().value();
    std::vector<UniqueFd> sent;
    sent.push_back(std::move(extra.ours));
    peer.send_frame(2, Bytes(4), std::move(sent));
    run_until([this] { return !descriptors.empty(); });
    REQUIRE(descriptors.size() == 1);
    CHECK(::send(descriptors[0].get(), "x", 1, MSG_NOSIGNAL) == 1);
}

TEST_CASE_METHOD(LinkTest, "link: given an unlisted type, when its header arrives, then the link ends as a violation", "[wire][T-14]")
{
    open();
    raw(0, 77, 0, 0);
    run_until([this] { return lost.has_value(); });
    CHECK(lost == Lost::violation);
    CHECK(types.empty());
}

TEST_CASE_METHOD(
    LinkTest, "link: given a body over its bound, when only the header has arrived, then the link ends as a violation", "[wire][T-14]")
{
    open();
    raw(200'001, 1, 0, 0);
    run_until([this] { return lost.has_value(); });
    CHECK(lost == Lost::violation);
}

TEST_CASE_METHOD(LinkTest,
    "link: given a frame without the descriptor that its type needs, when it arrives, then the link ends as a violation", "[wire][T-14]")
{
    open();
    raw(0, 2, 0, 0);
    run_until([this] { return lost.has_value(); });
    CHECK(lost == Lost::violation);
}

TEST_CASE_METHOD(LinkTest,
    "link: given a promised descriptor that did not come, when the frame is whole, then the link ends as a violation", "[wire][T-14]")
{
    open();
    raw(0, 2, 1, 0);
    run_until([this] { return lost.has_value(); });
    CHECK(lost == Lost::violation);
}

TEST_CASE_METHOD(LinkTest, "link: given a peer that goes away, when it has, then the link is lost as closed", "[wire]")
{
    open();
    pair.theirs.reset();
    run_until([this] { return lost.has_value(); });
    CHECK(lost == Lost::closed);
}

TEST_CASE_METHOD(
    LinkTest, "link: given a peer that does not read, when the queue is over its bound, then the link is lost as overflow", "[wire][T-06]")
{
    open(1u << 20);
    for (int i = 0; i < 20 && !lost; ++i) link->send_frame(1, Bytes(100'000));
    CHECK(lost == Lost::overflow);
}

TEST_CASE_METHOD(LinkTest, "link: given a paused reader, when it reads again, then frames that had arrived are delivered", "[wire]")
{
    open();
    link->pause_reading();
    raw(3, 1, 0, 3);
    loop.post([this] { link->resume_reading(); });
    run_until([this] { return sizes.size() == 1; });
    CHECK(sizes == std::vector<std::size_t>{3});
}

TEST_CASE_METHOD(
    LinkTest, "link: given a handler that destroys its link, when a frame arrives, then nothing of it is touched again", "[wire]")
{
    std::optional<Link> doomed;
    doomed.emplace(
        loop, std::move(pair.ours), Link::Options{kPermits},
        [&](Link::Frame) {
            doomed.reset();
            loop.stop();
        },
        [](Lost) {});
    raw(0, 1, 0, 0);
    raw(0, 1, 0, 0);
    run_until(nullptr);
    CHECK_FALSE(doomed.has_value());
}

}  // namespace test_link
