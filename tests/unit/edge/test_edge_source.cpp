// SPDX-License-Identifier: GPL-3.0-or-later
// The role's thread: connections to secret sources, for custody.

#include <catch2/generators/catch_generators.hpp>

#include "support/edge_stand.h"

namespace test_edge_thread {

struct SourceDialTest : EdgeTest {
    proto::Dial want(char const* range = "127.0.0.1")
    {
        proto::SourceDialWanted wanted{RequestId{7}, "secrets.example", {}, wire.port, {}};
        wanted.ranges.push(edge::parse_range(range).value());
        custody_in.send(std::move(wanted));
        loop.settle();
        return uplink.take<proto::Dial>();
    }
};

TEST_CASE_METHOD(SourceDialTest,
    "edge: given custody wants a source dialled, when uplink has, then custody gets the socket, judged once more", "[edge][EG-3][T-26]")
{
    uplink_up();
    bool const elsewhere = GENERATE(false, true);
    auto const dial = want(elsewhere ? "10.0.0.0/8" : "127.0.0.1");
    CHECK(dial.name.view() == "secrets.example");
    CHECK(dial.address.empty());
    CHECK(dial.port == wire.port);
    CHECK(dial.ranges.items().size() == 1);
    CHECK(dial.connect);
    CHECK(dial.direct);
    answer(dial.request);
    REQUIRE(heard.sources.size() == 1);
    CHECK(heard.sources[0].request == RequestId{7});
    CHECK(static_cast<bool>(heard.sources[0].socket) == !elsewhere);
    CHECK(recorder.of(What::egress_opened).empty());
}

TEST_CASE_METHOD(
    SourceDialTest, "edge: given a source that cannot be dialled, when it is known, then custody is told", "[edge][EG-3][EG-12]")
{
    custody_in.send(proto::SourceDialWanted{RequestId{6}, "secrets.example", {}, wire.port, {}});
    loop.settle();
    REQUIRE(heard.sources.size() == 1);  // nobody dials
    uplink_up();
    bool const dies = GENERATE(false, true);
    auto const dial = want();
    if (dies)
        core_in.send(proto::HelperDown{helper::Kind::uplink});
    else
        uplink.send(proto::DialFailed{dial.request, proto::DialFailure::denied, {}});
    loop.settle();
    REQUIRE(heard.sources.size() == 2);
    CHECK(heard.sources[1].request == RequestId{7});
    CHECK_FALSE(heard.sources[1].socket);
}

TEST_CASE_METHOD(SourceDialTest,
    "edge: given a source's dial that is not wanted any more, when it is answered all the same, then nobody gets the socket",
    "[edge][EG-3]")
{
    uplink_up();
    auto const dial = want();
    custody_in.send(proto::SourceDialCancelled{RequestId{7}});
    loop.settle();
    CHECK(uplink.take<proto::DialCancel>().request == dial.request);
    answer(dial.request);
    CHECK(heard.sources.empty());
    CHECK(spawner.violations.empty());
}

}  // namespace test_edge_thread
