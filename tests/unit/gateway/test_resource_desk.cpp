// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/gateway/resource_desk, by the gateway thread. Whose files are told, what is on record before they are, and what bounds it.
#include "gateway/limits.h"
#include "gateway/resource_desk.h"
#include "unit/gateway/gateway_fixture.h"

namespace test_gateway {

using proto::ResourceOutcome;
using proto::ResourceVerb;

struct ResourceTest : GatewayTest {
    void storage_has(std::size_t count)
    {
        run_until([&] { return neighbours.resources.size() >= count; });
    }
    void tell(std::size_t index, std::string body)
    {
        proto::ResourceTold told;
        told.call = neighbours.resources.at(index).call;
        told.answer.body = std::move(body);
        neighbours.storage_in.send(std::move(told));
    }
};

TEST_CASE_METHOD(ResourceTest, "resource_desk: given a file, when it is read, then it is on record before anybody is answered", "[gateway][GW-10][CT-6]")
{
    ask_resource(1, ResourceVerb::read, "outputs/a");
    storage_has(1);
    CHECK(neighbours.wanted_sessions.at(0).existing);  // a look at files starts no sandbox
    CHECK(neighbours.resources[0].ask.path.view() == "outputs/a");
    CHECK(neighbours.resources[0].session == neighbours.session_of(neighbours.wanted_sessions[0]));
    neighbours.recorder.held = true;
    tell(0, "bytes");
    run_until([&] { return neighbours.recorder.events.size() == 1; });
    settle();
    CHECK(resources.empty());
    neighbours.recorder.release();
    CHECK(resource(1).answer.body.view() == "bytes");
    auto const& event = neighbours.recorder.events[0];
    CHECK(event.what == What::resource_read);
    CHECK(event.outcome == proto::Outcome::success);
    CHECK(event.actor.view() == "alice");
    CHECK(event.detail.view() == "outputs/a");
    CHECK(event.bytes == 5);
    CHECK(event.session);
}

TEST_CASE_METHOD(ResourceTest, "resource_desk: given a record that cannot be written, when a file was read, then it is withheld", "[gateway][T-10][CT-6]")
{
    ask_resource(1, ResourceVerb::read, "outputs/a");
    storage_has(1);
    neighbours.recorder.broken = true;
    tell(0, "secret");
    CHECK(resource(1).reason == Reason::audit_unavailable);
    CHECK(resource(1).answer.body.empty());
}

TEST_CASE_METHOD(ResourceTest, "resource_desk: given no session, when files are asked for, then there are none and none is made", "[gateway][GW-10]")
{
    grant = false;
    ask_resource(1, ResourceVerb::list);
    ask_resource(2, ResourceVerb::read, "outputs/a");
    run_until([&] { return neighbours.wanted_sessions.size() == 2; });
    for (auto const& wanted : neighbours.wanted_sessions) {
        CHECK(wanted.existing);
        neighbours.control_in.send(proto::SessionRefused{wanted.request, Reason::unknown_session});
    }
    CHECK(resource(1).answer.outcome == ResourceOutcome::done);
    CHECK(resource(1).answer.entries.items().empty());
    CHECK(resource(2).answer.outcome == ResourceOutcome::no_such);
    CHECK(neighbours.resources.empty());
    CHECK(neighbours.recorder.count(What::resource_read) == 1);
}

TEST_CASE_METHOD(ResourceTest, "resource_desk: given a command that runs, when files are read, then they do not wait for it", "[gateway][GW-10]")
{
    call(1);
    started(1);
    ask_resource(2, ResourceVerb::list);
    storage_has(1);
    tell(0, {});
    CHECK(resource(2).reason == Reason::none);
    finish(0);
    CHECK(answer(1).answer.reason == Reason::none);
}

TEST_CASE_METHOD(ResourceTest, "resource_desk: given an unknown key, when it asks, then it is refused and on record", "[gateway][T-01][GW-3]")
{
    ask_resource(1, ResourceVerb::read, "outputs/a", "wrong");
    CHECK(resource(1).reason == Reason::unauthorized);
    CHECK(neighbours.recorder.count(What::caller_refused) == 1);
    CHECK(neighbours.wanted_sessions.empty());
}

TEST_CASE_METHOD(ResourceTest, "resource_desk: given as many as one caller may ask at once, when it asks again, then it is refused", "[gateway][GW-8][T-06]")
{
    for (std::uint64_t number = 1; number <= kResourcesPerCallerMax; ++number) ask_resource(number, ResourceVerb::list);
    storage_has(kResourcesPerCallerMax);
    ask_resource(90, ResourceVerb::list);
    CHECK(resource(90).reason == Reason::too_many_calls);
    ask_resource(91, ResourceVerb::list, {}, "key-b");
    storage_has(kResourcesPerCallerMax + 1);
    CHECK(neighbours.recorder.count(What::tool_call_refused) == 1);
}

TEST_CASE_METHOD(ResourceTest, "resource_desk: given a session that is killed, when its file is being read, then the caller hears why", "[gateway][CT-2]")
{
    ask_resource(1, ResourceVerb::read, "outputs/a");
    storage_has(1);
    neighbours.control_in.send(proto::SessionGone{neighbours.resources[0].session, Reason::session_killed});
    CHECK(resource(1).reason == Reason::session_killed);
    tell(0, "too late");
    settle();
    CHECK(resources.size() == 1);
}

TEST_CASE_METHOD(ResourceTest, "resource_desk: given a front that died, when storage answers, then it is on record and nobody is told", "[gateway][T-14]")
{
    ask_resource(1, ResourceVerb::read, "outputs/a");
    storage_has(1);
    neighbours.core_in.send(proto::HelperDown{helper::Kind::gateway_front});
    run_until([&] { return neighbours.recorder.count(What::resource_read) == 1; });
    connect_front();
    tell(0, "for nobody");
    settle();
    CHECK(resources.empty());
}

TEST_CASE_METHOD(ResourceTest, "resource_desk: given a number that is in use, when the front uses it again, then it has lost its way", "[gateway][T-14]")
{
    ask_resource(1, ResourceVerb::list);
    storage_has(1);
    ask_resource(1, ResourceVerb::list);
    run_until([&] { return front_lost; });
    CHECK(neighbours.spawner.violations == 1);
}

}  // namespace test_gateway
