// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/helper/frame. The two frames before a helper's loop: whole, bounded, with exactly their descriptors.

#include "helper/frame.h"

#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace test_frame {

using namespace ocu;
using namespace ocu::helper;
using namespace std::chrono_literals;

struct FrameTest {
    SocketPair pair = make_socket_pair().value();
    static wire::Bytes bytes(std::size_t count) { return wire::Bytes(count, std::byte{7}); }
};

TEST_CASE_METHOD(
    FrameTest, "frame: given a frame with descriptors, when it is read, then all of it arrives and nothing after it is taken", "[helper]")
{
    auto const extra = make_socket_pair().value();
    std::array const lent{extra.ours.get()};
    REQUIRE(write_frame(pair.ours.get(), 9, bytes(1000), lent));
    REQUIRE(write_frame(pair.ours.get(), 10, bytes(3), {}));
    auto const first = read_frame(pair.theirs.get(), 4096, 100ms);
    REQUIRE(first.has_value());
    CHECK(first->type == 9);
    CHECK(first->body == bytes(1000));
    CHECK(first->descriptors.size() == 1);
    auto const second = read_frame(pair.theirs.get(), 4096, 100ms);
    REQUIRE(second.has_value());
    CHECK(second->type == 10);
}

TEST_CASE_METHOD(FrameTest, "frame: given a body over the bound, when it is read, then it is refused by its header alone", "[helper][T-14]")
{
    REQUIRE(write_frame(pair.ours.get(), 9, bytes(101), {}));
    auto const frame = read_frame(pair.theirs.get(), 100, 100ms);
    REQUIRE_FALSE(frame.has_value());
    CHECK(frame.error().fault == Fault::malformed);
}

TEST_CASE_METHOD(FrameTest, "frame: given a peer that says nothing, when the wait is over, then it is unavailable", "[helper]")
{
    auto const frame = read_frame(pair.theirs.get(), 100, 10ms);
    REQUIRE_FALSE(frame.has_value());
    CHECK(frame.error().fault == Fault::unavailable);
}

TEST_CASE_METHOD(FrameTest, "frame: given a peer that closes half-way, when it is read, then it is unavailable", "[helper]")
{
    std::array<unsigned char, 6> const half{200, 0, 0, 0, 9, 0};
    REQUIRE(::send(pair.ours.get(), half.data(), half.size(), 0) == 6);
    pair.ours.reset();
    auto const frame = read_frame(pair.theirs.get(), 1000, 100ms);
    REQUIRE_FALSE(frame.has_value());
    CHECK(frame.error().fault == Fault::unavailable);
}

TEST_CASE_METHOD(FrameTest, "frame: given a header that promises a descriptor, when none came, then it is malformed", "[helper][T-14]")
{
    std::array<unsigned char, 8> const header{0, 0, 0, 0, 9, 0, 1, 0};
    REQUIRE(::send(pair.ours.get(), header.data(), header.size(), 0) == 8);
    auto const frame = read_frame(pair.theirs.get(), 1000, 100ms);
    REQUIRE_FALSE(frame.has_value());
    CHECK(frame.error().fault == Fault::malformed);
}

}  // namespace test_frame
