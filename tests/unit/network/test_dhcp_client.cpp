// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/network/dhcp_client. Each state, what it hears and what it does when nobody answers, on a clock that moves only when told to.

#include "network/dhcp_client.h"

#include "dhcp_server.h"

namespace test_dhcp_client {

using namespace ocu;
using namespace ocu::network;
using namespace ocu::network::test;
using namespace std::chrono_literals;
using State = DhcpClient::State;

int type_of(Outgoing const& outgoing) { return std::to_integer<int>(outgoing.message.at(242)); }

struct DhcpClientTest {
    DhcpClientTest() { first = client.start(); }

    std::uint32_t next_random()
    {
        ++asked;
        return random;
    }
    Step hear(std::uint8_t type, auto&& change)
    {
        Message message;
        message.transaction = random;
        message.type = type;
        change(message);
        return client.on_message(message.bytes());
    }
    Step hear(std::uint8_t type)
    {
        return hear(type, [](Message&) {});
    }
    Step at(Monotonic when)
    {
        clock.advance(std::chrono::ceil<std::chrono::milliseconds>(when - clock.now()));
        return client.on_time();
    }
    Step wake() { return at(client.wake_at()); }
    auto wait() const { return client.wake_at() - clock.now(); }
    Step bind()
    {
        (void)hear(2);
        return hear(5);
    }

    ManualClock clock;
    std::uint32_t random = 0x1000;  // also what blurs: 0x1000 % 2001 - 1000 = -906 ms
    int asked = 0;
    DhcpClient client{clock, [this] { return next_random(); }, kMac};
    Step first;
};

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given a start, when it is on the wire, then it asks everybody", "[network]")
{
    REQUIRE(first.send.size() == 1);
    CHECK(first.send[0].to == 0);
    CHECK(type_of(first.send[0]) == 1);
    CHECK(client.state() == State::selecting);
    CHECK_FALSE(first.lease);
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given silence, when it waits, then each wait is doubled up to a minute, and blurred", "[network]")
{
    for (auto const plain : {4s, 8s, 16s, 32s, 64s, 64s, 64s}) {
        CHECK(wait() == plain - 906ms);
        CHECK(client.on_time().send.empty());
        auto const step = wake();
        REQUIRE(step.send.size() == 1);
        CHECK(type_of(step.send[0]) == 1);
    }
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given two offers, when they come, then the first is asked for and the second changes nothing", "[network][T-20]")
{
    auto const step = hear(2);
    CHECK(client.state() == State::requesting);
    REQUIRE(step.send.size() == 1);
    CHECK(type_of(step.send[0]) == 3);
    CHECK(step.send[0].to == 0);
    CHECK(hear(2, [](auto& m) { m.server = 0xc0000263; }).send.empty());
    // Nor can another server speak for the one that was chosen, in either way.
    CHECK_FALSE(hear(5, [](auto& m) { m.server = 0xc0000263; }).lease);
    CHECK(hear(6, [](auto& m) { m.server = 0xc0000263; }).send.empty());
    CHECK(client.state() == State::requesting);
    auto const lease = hear(5).lease;
    REQUIRE(lease);
    CHECK(lease->address == kOffered);
    CHECK(lease->server == kServer);
    CHECK(lease->valid == 3600s);
    CHECK(client.state() == State::bound);
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given answers in the wrong state or to another question, when they come, then nothing changes", "[network][T-20]")
{
    CHECK_FALSE(hear(5).lease);
    CHECK(hear(6).send.empty());
    CHECK(client.state() == State::selecting);
    CHECK(hear(2, [](auto& m) { m.transaction = 0x999; }).send.empty());
    (void)hear(2);
    CHECK_FALSE(hear(5, [](auto& m) { m.address = kOffered + 1; }).lease);
    CHECK(client.state() == State::requesting);
    REQUIRE(hear(5).lease);
    CHECK_FALSE(hear(5, [](auto& m) { m.address = kOffered + 1; }).lease);
    CHECK_FALSE(hear(6).lost);
    CHECK(client.state() == State::bound);
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given a request that nobody answers, when it was sent four times, then it begins again, later", "[network]")
{
    (void)hear(2);
    for (int sent = 1; sent < kRequestsMax; ++sent) {
        auto const step = wake();
        REQUIRE(step.send.size() == 1);
        CHECK(type_of(step.send[0]) == 3);
    }
    CHECK(wake().send.empty());
    CHECK(client.state() == State::selecting);
    CHECK(wait() == 4s - 906ms);
    CHECK(type_of(wake().send.at(0)) == 1);
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given a server that refuses again and again, when it does, then it is asked less and less often", "[network][T-20]")
{
    for (auto const plain : {4s, 8s, 16s, 32s, 64s, 64s}) {
        (void)hear(2);
        auto const step = hear(6);
        CHECK(step.send.empty());
        CHECK_FALSE(step.lost);  // there was none
        CHECK(wait() == plain - 906ms);
        (void)wake();
    }
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given a lease, when half of it is over, then its server is asked directly, and an answer prolongs it", "[network]")
{
    (void)bind();
    CHECK(wait() == 1800s);
    auto const step = wake();
    CHECK(client.state() == State::renewing);
    REQUIRE(step.send.size() == 1);
    CHECK(step.send[0].to == kServer);
    CHECK(type_of(step.send[0]) == 3);
    CHECK(std::to_integer<int>(step.send[0].message[15]) == 0x32);  // ciaddr
    clock.advance(2s);
    // Counted from the question, not from the answer.
    auto const lease = hear(5).lease;
    REQUIRE(lease);
    CHECK(lease->valid == 3598s);
    CHECK(client.state() == State::bound);
    CHECK(wait() == 1798s);
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given a lease that nobody prolongs, when it ends, then it is lost, and everybody is asked anew", "[network][T-20]")
{
    auto const began = clock.now();
    (void)bind();
    int unicasts = 0;
    int broadcasts = 0;
    Step step;
    while (clock.now() < began + 3600s) {
        step = wake();
        for (auto const& each : step.send) ++(each.to == 0 ? broadcasts : unicasts);
        if (clock.now() < began + 3150s) CHECK(client.state() == State::renewing);
        CHECK_FALSE((step.lost && clock.now() < began + 3600s));
    }
    CHECK(step.lost == Loss::expired);
    CHECK(client.state() == State::selecting);
    REQUIRE(step.send.size() == 1);
    CHECK(type_of(step.send[0]) == 1);
    // At most every minute, each time half way to the limit.
    CHECK(unicasts >= 4);
    CHECK(unicasts <= 8);
    CHECK(broadcasts >= 3);
    CHECK(broadcasts <= 8);
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given another server, when the own one has been silent until T2, then and only then it may prolong", "[network][T-20]")
{
    auto const other = [](Message& m) { m.server = 0xc0000263; };
    (void)bind();
    (void)wake();
    CHECK_FALSE(hear(5, other).lease);
    CHECK_FALSE(hear(6, other).lost);
    while (client.state() != State::rebinding) (void)wake();
    auto const lease = hear(5, other).lease;
    REQUIRE(lease);
    CHECK(lease->server == 0xc0000263);
    CHECK(client.state() == State::bound);
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given its server's refusal to prolong, when it comes, then the lease is lost and asked for anew after a pause", "[network]")
{
    (void)bind();
    (void)wake();
    auto const step = hear(6);
    CHECK(step.lost == Loss::refused);
    CHECK(step.send.empty());
    CHECK(client.state() == State::selecting);
    CHECK(wait() == 4s - 906ms);
    CHECK(type_of(wake().send.at(0)) == 1);
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given a machine that slept through its lease, when it wakes, then the lease is lost at once", "[network]")
{
    (void)bind();
    clock.advance(2h);
    auto const step = client.on_time();
    CHECK(step.lost == Loss::expired);
    CHECK(step.send.size() == 1);
}

TEST_CASE_METHOD(DhcpClientTest, "dhcp_client: given each attempt, when it begins, then its number cannot be guessed from the last", "[network][T-20]")
{
    auto const before = asked;
    (void)bind();
    random = 0x2000;
    (void)wake();
    CHECK(asked > before);
    Message old;
    old.transaction = 0x1000;
    old.type = 5;
    CHECK_FALSE(client.on_message(old.bytes()).lease);
    CHECK(hear(5).lease);
}

}  // namespace test_dhcp_client
