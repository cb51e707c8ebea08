// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: edge/edge_proxy. The thread with a customer's proxy: which sockets of `uplink` it believes, and what the proxy's refusals become.

#include "support/edge_stand.h"

namespace test_edge_thread {

struct ProxyTest : EdgeTest {
    explicit ProxyTest(bool resolves = false, std::vector<char const*> direct = {}, bool moved = false)
        : EdgeTest([&](edge::Config& c) {
              c.proxy.address = "127.0.0.1";
              c.proxy.port = static_cast<std::uint16_t>(c.rules[0].ports[0] + (moved ? 1 : 0));
              c.proxy.resolves = resolves;
              for (auto const* each : direct) c.proxy.direct.push(edge::parse_range(each).value());
              c.rules[0].ranges.clear();
              c.rules[0].ports = {443};
          })
    {
        served();
    }
    proto::Dial ask(std::string const& name = "one.example", proto::EgressProtocol protocol = proto::EgressProtocol::tls)
    {
        auto route = asked(1, name, protocol);
        if (name == "one.example") route.port = 443;
        say(route);
        return uplink.take<proto::Dial>();
    }
    void hand_over(RequestId request, std::string const& address)
    {
        int const lent = wire.near.get();
        uplink.send_raw(
            static_cast<std::uint16_t>(proto::Type::dialled), wire::encode(proto::Dialled{request, wire::Text<45>(address)}), {&lent, 1});
        wire.near.reset();
        loop.settle();
    }
    bool opened()
    {
        auto frame = helper::read_frame(spawner.peer.descriptor(), 64u << 10, std::chrono::seconds(5));
        REQUIRE(frame);
        return frame->type == static_cast<std::uint16_t>(proto::Type::route_opened);
    }
    std::string closed()
    {
        auto const events = recorder.of(What::egress_closed);
        return events.empty() ? std::string() : events.back().detail.str();
    }
};

TEST_CASE_METHOD(ProxyTest,
    "edge proxy: given a socket to the proxy and what it was told, when it is handed over, then it must be what the rule opens",
    "[edge][T-05][T-14][EG-9]")
{
    auto const dial = ask();
    CHECK(dial.name.view() == "one.example");
    CHECK_FALSE(dial.direct);
    SECTION("a public address")
    {
        hand_over(dial.request, "93.184.216.34");
        CHECK(opened());
        say(proto::ConnectionEnded{ConnectionId{1}, Reason::none, 0, 0, {}});
        CHECK(closed().contains(" address=93.184.216.34 proxy=127.0.0.1:" + std::to_string(wire.port)));
    }
    for (auto const* wrong : {"10.0.0.1", "127.0.0.1", "169.254.169.254", "", "one.example"}) {
        SECTION(std::string("not ") + wrong)
        {
            hand_over(dial.request, wrong);
            CHECK(refused() == Reason::address_denied);
        }
    }
}

TEST_CASE("edge proxy: given the proxy resolves, when a socket is handed over, then no address was judged, but for rules that have some",
    "[edge][T-05][EG-9]")
{
    ProxyTest test(true);
    auto const one = test.ask();
    SECTION("the name was told")
    {
        test.hand_over(one.request, "");
        CHECK(test.opened());
    }
    SECTION("an address was told")
    {
        test.hand_over(one.request, "93.184.216.34");
        CHECK(test.refused() == Reason::address_denied);
    }
    SECTION("a rule with addresses")
    {
        test.say(test.asked(2, "two.example"));
        auto const two = test.uplink.take<proto::Dial>();
        test.hand_over(two.request, "");
        CHECK(test.refused() == Reason::address_denied);
    }
}

TEST_CASE("edge proxy: given sockets that lead elsewhere than to the proxy, when they are handed over, then none is believed",
    "[edge][T-05][T-14][EG-9]")
{
    SECTION("another port")
    {
        ProxyTest test(false, {}, true);
        test.hand_over(test.ask().request, "93.184.216.34");
        CHECK(test.refused() == Reason::address_denied);
    }
    SECTION("a destination that was dialled without it")
    {
        ProxyTest test(false, {}, true);
        test.hand_over(test.ask("two.example").request, "127.0.0.1");
        CHECK(test.refused() == Reason::address_denied);
    }
    SECTION("one that may be")
    {
        ProxyTest test(false, {"127.0.0.1"}, true);
        test.hand_over(test.ask("two.example").request, "127.0.0.1");
        CHECK(test.opened());
    }
}

TEST_CASE_METHOD(ProxyTest,
    "edge proxy: given the proxy fails, when that is told, then the guest hears whose no it is and the record its status",
    "[edge][EG-6][EG-9]")
{
    using proto::DialFailure;
    struct Row {
        DialFailure failure;
        std::uint16_t status;
        Reason reason;
        std::string why;
    };
    for (auto const& row : {Row{DialFailure::proxy_refused, 403, Reason::not_allowed, "proxy_refused status=403"},
             Row{DialFailure::proxy_refused, 451, Reason::not_allowed, "proxy_refused status=451"},
             Row{DialFailure::proxy_refused, 407, Reason::none, "proxy_refused status=407"},
             Row{DialFailure::proxy_refused, 503, Reason::none, "proxy_refused status=503"},
             Row{DialFailure::proxy_unreachable, 0, Reason::none, "proxy_unreachable"},
             Row{DialFailure::proxy_malformed, 0, Reason::none, "proxy_malformed"}}) {
        INFO(row.why);
        uplink.send(proto::DialFailed{ask().request, row.failure, "93.184.216.34", row.status});
        loop.settle();
        auto const told = spawner.peer.take<proto::RouteRefused>();
        CHECK(told.reason == row.reason);
        CHECK(told.by == proto::RefusedBy::proxy);
        CHECK(closed().contains(" proxy=127.0.0.1:"));
        CHECK(closed().ends_with(" why=" + row.why));
        CHECK(recorder.of(What::egress_closed).back().outcome == proto::Outcome::failure);
        auto const events = recorder.of(What::egress_denied);
        REQUIRE(events.size() == 1);  // the second that is alike is folded, and what is no refusal is none
        CHECK(events.back().detail.view().contains("step=the proxy 127.0.0.1:"));
    }
}

TEST_CASE_METHOD(EdgeTest, "edge proxy: given there is no proxy, when `uplink` speaks of one, then it is lost", "[edge][T-14][EG-9]")
{
    served();
    say(asked());
    uplink.send(proto::DialFailed{uplink.take<proto::Dial>().request, proto::DialFailure::proxy_refused, {}, 403});
    loop.settle();
    CHECK(spawner.violations == std::vector{helper::Kind::uplink});
}

}  // namespace test_edge_thread
