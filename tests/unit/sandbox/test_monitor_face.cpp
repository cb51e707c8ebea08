// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/monitor_face and program_tally. Packets as gVisor sends them, and as one that was taken over might.

#include "sandbox/monitor_face.h"

#include <catch2/catch_test_macros.hpp>

#include "sandbox/program_tally.h"
#include "support/monitor_packets.h"

namespace test_monitor_face {

using namespace ocu;
using namespace ocu::sandbox;
using test::exec_packet;
using test::field;
using test::packet;

std::optional<MonitorPacket> read(std::string const& bytes) { return read_monitor_packet(std::as_bytes(std::span(bytes))); }

Program program_of(std::string const& bytes)
{
    auto const got = read(bytes);
    REQUIRE(got);
    REQUIRE(got->program);
    return *got->program;
}

}  // namespace test_monitor_face

TEST_CASE("monitor: given what gVisor says of a program, when it is read, then its path, another name and its arguments are there", "[sandbox][SX-9]")
{
    using namespace test_monitor_face;
    CHECK(program_of(exec_packet("/usr/bin/wc", {"wc", "-l"})) == Program{"/usr/bin/wc", "-l"});
    CHECK(program_of(exec_packet("/usr/bin/ls", {"lie", "/"})) == Program{"/usr/bin/ls", "(as lie) /"});
    CHECK(program_of(exec_packet("/usr/bin/true", {"/bin/true"})) == Program{"/usr/bin/true", ""});
    CHECK(program_of(exec_packet("/usr/bin/true", {})) == Program{"/usr/bin/true", ""});
    // What else there is, before, between and after: context, environment, a field of tomorrow.
    auto const more = packet(3, 0, field(1, "context") + field(2, "/bin/a") + field(3, "a") + field(4, "TOKEN=x") + field(3, "b") + field(99, "new"));
    CHECK(program_of(more) == Program{"/bin/a", "b"});
}

TEST_CASE("monitor: given a longer header, or another message, when it is read, then it is passed over or counted", "[sandbox][SX-9]")
{
    using namespace test_monitor_face;
    auto longer = exec_packet("/bin/a", {"a", "1"});
    longer.insert(8, "more");
    longer[0] = 12;
    CHECK(program_of(longer) == Program{"/bin/a", "1"});
    auto const other = read(packet(5, 7, field(2, "/bin/a")));
    REQUIRE(other);
    CHECK_FALSE(other->program);
    CHECK(other->dropped == 7);
}

TEST_CASE("monitor: given a packet that is long or cut, when it is read, then its program is told with what there was", "[sandbox][SX-9][T-07]")
{
    using namespace test_monitor_face;
    auto const long_word = program_of(exec_packet("/bin/a", {"a", std::string(100'000, 'x')}));
    CHECK(long_word.words == std::string(kProgramWordsBytesMax - 3, 'x') + "…");
    auto const many = program_of(exec_packet("/bin/a", std::vector<std::string>(10'000, "w")));
    CHECK(many.words.size() == kProgramWordsBytesMax);
    auto const long_path = program_of(exec_packet("/" + std::string(5'000, 'd'), {"d"}));
    CHECK(long_path.path.size() < 200);
    auto cut = exec_packet("/bin/a", {"a", "hello world"});
    cut.resize(cut.size() - 6);
    CHECK(program_of(cut) == Program{"/bin/a", "hello"});
}

TEST_CASE("monitor: given bytes that are no packet, when they are read, then there is no program in them", "[sandbox][T-07]")
{
    using namespace test_monitor_face;
    CHECK_FALSE(read(""));
    CHECK_FALSE(read("1234567"));
    CHECK_FALSE(read(std::string("\x04\0\x03\0\0\0\0\0", 8)));    // a header of four
    CHECK_FALSE(read(std::string("\xff\xff\x03\0\0\0\0\0", 8)));  // one that is longer than the packet
    for (auto const& body : {std::string(), std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11), field(3, "no path"), std::string("\x12\xff\xff\xff\xff\x0f", 6), std::string("\x10\x01", 2)}) {
        auto const got = read(packet(3, 0, body));
        REQUIRE(got);
        CHECK_FALSE(got->program);
    }
}

TEST_CASE("monitor: given a greeting, when it is read, then it is one or it is not", "[sandbox][SX-9]")
{
    using namespace test_monitor_face;
    auto const is = [](std::string const& bytes) { return is_monitor_handshake(std::as_bytes(std::span(bytes))); };
    CHECK(is("\x08\x01"));
    CHECK(is("\x08\x07"));
    CHECK_FALSE(is(""));
    CHECK_FALSE(is(std::string("\x08\0", 2)));
    CHECK_FALSE(is("\x10\x01"));
    CHECK_FALSE(is("GET / HTTP/1.1"));
}

TEST_CASE("tally: given programs, when they are told, then in order, like ones once, and what has no place is counted", "[sandbox][SX-9]")
{
    using namespace test_monitor_face;
    ProgramTally tally;
    CHECK(tally.empty());
    tally.add({"/bin/bash", "-c x"});
    for (int i = 0; i < 3; ++i) tally.add({"/bin/true", ""});
    tally.add({"/bin/ls", "/"});
    auto const first = tally.take();
    CHECK(first.shown.view() == "/bin/bash -c x; /bin/true ×3; /bin/ls /");
    CHECK(first.count == 5);
    CHECK(first.untold == 0);
    CHECK(tally.empty());
    for (int i = 0; i < 1'000; ++i) tally.add({"/bin/" + std::to_string(i), ""});
    auto const many = tally.take();
    CHECK(many.count == 1'000);
    CHECK(many.shown.view().starts_with("/bin/0; /bin/1; "));
    CHECK(many.shown.view().ends_with(" more"));
    CHECK(tally.take().shown.view().empty());
}

TEST_CASE("tally: given a count of what was dropped, when it grows, then the difference is told once, and one that shrinks is not believed",
    "[sandbox][SX-9][T-14][T-42]")
{
    using namespace test_monitor_face;
    ProgramTally tally;
    tally.dropped_until_now(4);
    CHECK_FALSE(tally.empty());
    tally.dropped_until_now(4);
    tally.unreadable();
    CHECK(tally.take().untold == 5);
    tally.dropped_until_now(1);
    CHECK(tally.empty());
    tally.dropped_until_now(6);
    CHECK(tally.take().untold == 2);
}
