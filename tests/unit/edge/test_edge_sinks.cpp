// SPDX-License-Identifier: GPL-3.0-or-later
// The role's thread: connections to sinks of the record, for audit, which names them by number alone.

#include "support/edge_stand.h"

namespace test_edge_thread {

struct SinkDialTest : EdgeTest {
    SinkDialTest() : EdgeTest(declare) {}
    static void declare(edge::Config& config)
    {
        config.sinks.resize(3);
        config.sinks[1] = {"siem.example", false, 6514, {edge::parse_range("10.0.0.0/8").value()}, {}};
        config.sinks[2] = {"127.0.0.1", true, 6514, {edge::parse_range("127.0.0.1").value()}, {}};
    }
    void want(std::uint32_t sink)
    {
        audit_in.send(proto::SinkDialWanted{RequestId{7}, sink});
        loop.settle();
    }
};

TEST_CASE_METHOD(SinkDialTest,
    "edge: given audit wants a sink dialled, when uplink is asked, then where the manifest says and by nobody's proxy",
    "[edge][AU-6][T-36]")
{
    uplink_up();
    want(1);
    auto const dial = uplink.take<proto::Dial>();
    CHECK(dial.name.view() == "siem.example");
    CHECK(dial.address.empty());
    CHECK(dial.port == 6514);
    CHECK(dial.ranges.items().size() == 1);
    CHECK(dial.direct);
    uplink.send(proto::DialFailed{dial.request, proto::DialFailure::unreachable, {}, 0});
    loop.settle();
    REQUIRE(sinks.size() == 1);
    CHECK(sinks[0].request == RequestId{7});
    CHECK_FALSE(sinks[0].socket);
    CHECK(sinks[0].why.view() == "unreachable");
    want(2);
    CHECK(uplink.take<proto::Dial>().address.view() == "127.0.0.1");
}

TEST_CASE_METHOD(SinkDialTest,
    "edge: given a connection for a sink that leads elsewhere, when uplink hands it over, then audit does not get it",
    "[edge][AU-6][T-36][EG-3]")
{
    uplink_up();
    want(2);
    answer(uplink.take<proto::Dial>().request);  // it leads to another port
    REQUIRE(sinks.size() == 1);
    CHECK_FALSE(sinks[0].socket);
    CHECK(sinks[0].why.view() == "leads_elsewhere");
    CHECK(recorder.of(What::egress_opened).empty());
}

TEST_CASE_METHOD(SinkDialTest, "edge: given no such sink, or no uplink, when a dial is wanted, then there is none, and audit is told",
    "[edge][AU-6][T-36][EG-12]")
{
    want(1);
    REQUIRE(sinks.size() == 1);
    CHECK(sinks[0].why.view() == "uplink_down");
    uplink_up();
    want(0);
    want(3);
    REQUIRE(sinks.size() == 3);
    CHECK(sinks[1].why.view() == "unknown");
    CHECK(sinks[2].why.view() == "unknown");
    want(1);
    core_in.send(proto::HelperDown{helper::Kind::uplink});
    loop.settle();
    REQUIRE(sinks.size() == 4);
    CHECK(sinks[3].why.view() == "uplink_down");
}

}  // namespace test_edge_thread
