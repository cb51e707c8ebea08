// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/network/dhcp_face. What a server's message must be to be believed, and what ours look like.

#include "dhcp_server.h"

namespace test_dhcp_face {

using namespace ocu;
using namespace ocu::network;
using namespace ocu::network::test;
using namespace std::chrono_literals;

Result<Reply> parsed(Message const& message) { return parse_reply(message.bytes(), {kTransaction, kMac}); }

void check_refused(Message const& message, Fault fault)
{
    auto const reply = parsed(message);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().fault == fault);
}

Message with(auto&& change)
{
    Message message;
    change(message);
    return message;
}

TEST_CASE("dhcp_face: given an offer, when it is parsed, then address, subnet, router and times are what it says", "[network][T-20]")
{
    auto const reply = parsed({}).value();
    CHECK(reply.type == MessageType::offer);
    CHECK(reply.address == kOffered);
    CHECK(reply.prefix == 24);
    CHECK(reply.gateway == kServer);
    CHECK(reply.server == kServer);
    CHECK(reply.lease == 3600s);
    CHECK(reply.renew == 1800s);
    CHECK(reply.rebind == 3150s);
    CHECK(parsed(with([](auto& m) { m.router.reset(); }))->gateway == 0);
    // Several routers: the first. Names, name servers, routes and padding: passed over.
    CHECK(parsed(with([](auto& m) {
        m.router.reset();
        m.further = {0, 0, 3, 8, 192, 0, 2, 1, 192, 0, 2, 2, 6, 4, 9, 9, 9, 9, 12, 1, 'x', 121, 5, 0, 192, 0, 2, 66};
    }))->gateway == kServer);
}

TEST_CASE("dhcp_face: given messages that are somebody else's, when they are parsed, then they are not for us", "[network][T-20]")
{
    check_refused(with([](auto& m) { m.transaction ^= 1; }), Fault::not_found);
    check_refused(with([](auto& m) { m.mac[5] ^= 1; }), Fault::not_found);
    check_refused(with([](auto& m) { m.op = 1; }), Fault::malformed);
    check_refused(with([](auto& m) { m.hardware = 6; }), Fault::malformed);
    check_refused(with([](auto& m) { m.hardware_bytes = 16; }), Fault::malformed);
    check_refused(with([](auto& m) { m.cookie = 0; }), Fault::malformed);
}

TEST_CASE("dhcp_face: given messages out of shape, when they are parsed, then they are malformed", "[network][T-20]")
{
    check_refused(with([](auto& m) { m.type.reset(); }), Fault::malformed);
    check_refused(with([](auto& m) { m.type = 4; }), Fault::malformed);
    check_refused(with([](auto& m) { m.type = 1; }), Fault::malformed);
    check_refused(with([](auto& m) { m.server.reset(); }), Fault::malformed);
    check_refused(with([](auto& m) { m.server = 0; }), Fault::malformed);
    check_refused(with([](auto& m) { m.server = 0xffffffff; }), Fault::malformed);
    check_refused(with([](auto& m) { m.mask.reset(); }), Fault::malformed);
    check_refused(with([](auto& m) { m.lease.reset(); }), Fault::malformed);
    check_refused(with([](auto& m) { m.end = false; }), Fault::malformed);
    check_refused(with([](auto& m) { m.further = {52, 1, 3}; }), Fault::malformed);                // overload
    check_refused(with([](auto& m) { m.further = {51, 4, 0, 0, 14, 16}; }), Fault::malformed);     // twice
    check_refused(with([](auto& m) { m.further = {53, 1, 5}; }), Fault::malformed);                // twice
    check_refused(with([](auto& m) { m.further = {58, 3, 0, 0, 9}; }), Fault::malformed);          // length
    check_refused(with([](auto& m) { m.router.reset(); m.further = {3, 0}; }), Fault::malformed);  // length
    check_refused(with([](auto& m) { m.router.reset(); m.further = {3, 5, 1, 2, 3, 4, 5}; }), Fault::malformed);
    check_refused(with([](auto& m) { m.further = {15, 200, 'x'}; }), Fault::malformed);            // cut off
    auto whole = Message{}.bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(parse_reply(std::span(whole).first(size), {kTransaction, kMac}));
    whole.resize(kMessageBytesMax + 1);
    CHECK(parse_reply(whole, {kTransaction, kMac}).error().fault == Fault::over_limit);
}

TEST_CASE("dhcp_face: given addresses, masks and routers that nobody should offer, when they are parsed, then they are denied", "[network][T-20]")
{
    for (Ip const address : {0u, 0x00000101u, 0x7f000001u, 0xe0000001u, 0xf0000001u, 0xffffffffu, 0xc0000200u, 0xc00002ffu})
        check_refused(with([address](auto& m) { m.address = address; m.router.reset(); }), Fault::denied);
    for (std::uint32_t const mask : {0u, 0xfe000000u, 0xfffffffeu, 0xffffffffu, 0xff00ff00u, 0x00ffffffu})
        check_refused(with([mask](auto& m) { m.mask = mask; m.router.reset(); }), Fault::denied);
    for (Ip const router : {0xc0000301u, 0x7f000001u, 0xc0000200u, 0xc00002ffu, kOffered})
        check_refused(with([router](auto& m) { m.router = router; }), Fault::denied);
    CHECK(parsed(with([](auto& m) { m.mask = 0xff000000; }))->prefix == 8);
    CHECK(parsed(with([](auto& m) { m.mask = 0xfffffffc; m.address = 0xc0000202; }))->prefix == 30);
}

TEST_CASE("dhcp_face: given lease times, when they are parsed, then short ones are denied, long ones cut, and the order of times holds", "[network][T-20]")
{
    check_refused(with([](auto& m) { m.lease = 0; }), Fault::denied);
    check_refused(with([](auto& m) { m.lease = 59; }), Fault::denied);
    CHECK(parsed(with([](auto& m) { m.lease = 60; }))->lease == 60s);
    CHECK(parsed(with([](auto& m) { m.lease = 0xffffffff; }))->lease == kLeaseMax);
    struct Times {
        std::uint32_t renew, rebind;
        std::chrono::seconds wanted_renew, wanted_rebind;
    };
    for (auto const& each : {Times{10, 20, 10s, 20s}, Times{1, 20, 1800s, 3150s}, Times{20, 10, 20s, 3150s}, Times{3600, 7200, 1800s, 3150s},
             Times{10, 3600, 10s, 3150s}, Times{3150, 3200, 1800s, 3200s}}) {
        auto const reply = parsed(with([&](auto& m) { m.renew = each.renew; m.rebind = each.rebind; })).value();
        CHECK(reply.renew == each.wanted_renew);
        CHECK(reply.rebind == each.wanted_rebind);
    }
}

TEST_CASE("dhcp_face: given a refusal, when it is parsed, then nothing but who refused is read", "[network][T-20]")
{
    auto const reply = parsed(with([](auto& m) { m.type = 6; m.mask.reset(); m.lease.reset(); m.address = 0; })).value();
    CHECK(reply.type == MessageType::nak);
    CHECK(reply.server == kServer);
}

TEST_CASE("dhcp_face: given what is to be asked, when it is composed, then each field is where RFC 2131 has it", "[network]")
{
    auto const at = [](std::vector<std::byte> const& bytes, std::size_t where) { return std::to_integer<int>(bytes[where]); };
    auto const discover = compose({.type = MessageType::discover, .transaction = kTransaction, .mac = kMac, .since = 70'000s});
    REQUIRE(discover.size() == kSentBytesMin);
    CHECK(at(discover, 0) == 1);
    CHECK(at(discover, 4) == 0x39);
    CHECK(at(discover, 7) == 0x26);
    CHECK(at(discover, 8) == 0xff);   // seconds stay at their most
    CHECK(at(discover, 10) == 0x80);  // answer by broadcast
    CHECK(at(discover, 28) == 0x52);
    CHECK(at(discover, 33) == 0x56);
    CHECK(at(discover, 236) == 0x63);
    CHECK(at(discover, 240) == 53);
    CHECK(at(discover, 242) == 1);
    auto const prolong = compose({.type = MessageType::request, .transaction = 1, .mac = kMac, .since = 0s, .current = kOffered});
    CHECK(at(prolong, 10) == 0);  // it has an address: the answer comes to it
    CHECK(at(prolong, 12) == 0xc0);
    CHECK(at(prolong, 15) == 0x32);
    auto const request =
        compose({.type = MessageType::request, .transaction = 1, .mac = kMac, .since = 0s, .current = 0, .wanted = kOffered, .server = kServer});
    CHECK(at(request, 243) == 50);
    CHECK(at(request, 248) == 0x32);
    CHECK(at(request, 249) == 54);
    CHECK(at(request, 254) == 0x01);
}

}  // namespace test_dhcp_face
