// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/resource_calls. Every question is answered once, whatever the broker says or leaves unsaid.
#include "storage/resource_calls.h"

#include <catch2/catch_test_macros.hpp>

namespace test_resource_calls {

using namespace ocu;
using namespace ocu::storage;
using proto::ResourceOutcome;

constexpr SessionId kSession{7};
constexpr SessionId kOther{8};

struct ResourceCallsTest {
    wire::Loop loop;
    std::vector<proto::ResourceTold> answers;
    std::vector<proto::BrokerAskResource> asked;
    ResourceCalls calls{loop, [this](proto::ResourceTold told) { answers.push_back(std::move(told)); }};
    std::unique_ptr<wire::Link> ours, broker;

    ResourceCallsTest()
    {
        auto pair = make_socket_pair().value();
        ours = std::make_unique<wire::Link>(
            loop, std::move(pair.ours), wire::Link::Options{proto::kBrokerMaySend}, [](wire::Link::Frame) {}, [](wire::Lost) {});
        broker = std::make_unique<wire::Link>(
            loop, std::move(pair.theirs), wire::Link::Options{proto::kStorageMaySendBroker},
            [this](wire::Link::Frame frame) { asked.push_back(wire::decode<proto::BrokerAskResource>(frame.body).value()); },
            [](wire::Lost) {});
    }
    proto::ResourceWanted wanted(std::uint64_t call) { return {CallId{call}, kSession, {proto::ResourceVerb::read, "outputs/a"}}; }
    RequestId ask(std::uint64_t call)
    {
        auto const before = asked.size();
        calls.ask(ours.get(), wanted(call));
        while (asked.size() == before) loop.run_one();
        return asked.back().request;
    }
    bool tell(SessionId session, RequestId request)
    {
        proto::BrokerResource reply;
        reply.request = request;
        reply.answer.body = "bytes";
        return calls.told(session, wire::encode(reply));
    }
};

TEST_CASE_METHOD(ResourceCallsTest, "resource_calls: given a broker, when it answers, then the asker hears it once", "[storage][GW-10]")
{
    auto const request = ask(1);
    CHECK(asked[0].ask.path.view() == "outputs/a");
    CHECK(tell(kSession, request));
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].call == CallId{1});
    CHECK(answers[0].answer.body.view() == "bytes");
    CHECK(tell(kSession, request));  // late or twice: heard by nobody
    CHECK(answers.size() == 1);
}

TEST_CASE_METHOD(ResourceCallsTest, "resource_calls: given no broker, when asked, then there is no such file", "[storage][GW-10]")
{
    calls.ask(nullptr, wanted(1));
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].answer.outcome == ResourceOutcome::no_such);
}

TEST_CASE_METHOD(ResourceCallsTest, "resource_calls: given another session's broker, when it answers, then it is not believed", "[storage][T-14]")
{
    auto const request = ask(1);
    CHECK_FALSE(tell(kOther, request));
    CHECK_FALSE(tell(kSession, RequestId{99}));
    CHECK_FALSE(calls.told(kSession, wire::Bytes(3)));
    CHECK(answers.empty());
}

TEST_CASE_METHOD(ResourceCallsTest, "resource_calls: given a session that ends, when it was asked, then its questions fail", "[storage][T-17]")
{
    ask(1);
    ask(2);
    calls.session_gone(kOther);
    CHECK(answers.empty());
    calls.session_gone(kSession);
    REQUIRE(answers.size() == 2);
    for (auto const& each : answers) CHECK(each.answer.outcome == ResourceOutcome::failed);
}

}  // namespace test_resource_calls
