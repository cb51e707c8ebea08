// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: edge/explain and its part of the thread. What is told is what would happen, and asking changes and dials nothing.

#include "support/edge_stand.h"

namespace test_edge_thread {

struct ExplainTest : EdgeTest {
    explicit ExplainTest(proto::ChainedProxy proxy = {}, std::optional<proto::SecretSource> source = {})
        : EdgeTest([&](edge::Config& c) {
              c.proxy = std::move(proxy);
              c.rules[0].ranges.clear();
              c.rules[0].ports = {443};
              c.rules[0].budget_bytes = 1 << 20;
              c.rules[1].rung = edge::Rung::bump;
              c.rules[1].ports = {443};
              c.rules[1].methods = {"GET"};
              c.rules[1].paths = {"/v1/*"};
              c.rules[1].injection = edge::Injection{"api-key", "authorization", "Bearer {}", "API_TOKEN"};
              c.rules[1].injection->source = std::move(source);
          })
    {}
    void ask(std::string const& host, std::string const& path = "/", std::string const& method = "GET", SessionId session = {},
        proto::EgressScheme scheme = proto::EgressScheme::https, std::uint16_t port = 443)
    {
        proto::EgressQuestion question;
        question.scheme = scheme;
        question.host = wire::Text<253>(host);
        question.port = port;
        question.method = wire::Text<32>(method);
        question.path = wire::Text<proto::kEgressPathBytesMax>(path);
        control_in.send(proto::ExplainWanted{RequestId{++asked_questions}, session, question});
        loop.settle();
    }
    void resolves_to(std::vector<proto::JudgedAddress> addresses)
    {
        auto const dial = uplink.take<proto::Dial>();
        CHECK_FALSE(dial.connect);
        uplink.send(proto::DialJudged{dial.request, {std::move(addresses)}});
        loop.settle();
    }
    proto::Explained answer()
    {
        REQUIRE_FALSE(explained.empty());
        auto out = std::move(explained.back());
        explained.clear();
        CHECK(out.request == RequestId{asked_questions});
        return out;
    }
    static std::string words(proto::Explained const& told, std::string_view topic)
    {
        std::string out;
        for (auto const& step : told.steps.items())
            if (step.topic.view() == topic) out += step.words.str() + '\n';
        return out;
    }
    std::uint64_t asked_questions = 0;
};

TEST_CASE_METHOD(ExplainTest, "explain: given what a rule allows, when asked, then its steps and the rule; nothing is dialled or recorded",
    "[edge][EG-3][EG-6]")
{
    served();
    auto const before = recorder.events.size();
    ask("one.example");
    resolves_to({{"93.184.216.34", "", true}, {"10.0.0.1", "private", false}});
    auto const told = answer();
    CHECK(told.reason == Reason::none);
    CHECK(told.rule.view() == "one");
    CHECK(told.needed.empty());
    CHECK(words(told, "rule").contains("rule `one` allows it"));
    CHECK(words(told, "rung").contains("passes through unseen"));
    CHECK(words(told, "budget").contains("0.0 of 1.0 MiB"));
    CHECK(words(told, "address").contains("93.184.216.34 (public): may be dialled"));
    CHECK(words(told, "address").contains("10.0.0.1 (private): not dialled unless a rule names it"));
    CHECK(uplink.has_nothing());
    CHECK(recorder.events.size() == before);
    CHECK(edge.has_value());
}

TEST_CASE_METHOD(ExplainTest,
    "explain: given what no rule allows, when asked, then the reason, the rule that is missing, and no query leaves", "[edge][EG-4][EG-6]")
{
    served();
    ask("other.example");
    auto told = answer();
    CHECK(told.reason == Reason::not_allowed);
    CHECK(told.rule.empty());
    CHECK(told.needed.view() == R"({"name":"NAME","hosts":["other.example"],"ports":[443]})");
    ask("one.example", "/", "GET", {}, proto::EgressScheme::https, 8443);
    told = answer();
    CHECK(told.reason == Reason::port_denied);
    CHECK(told.needed.view() == R"({"name":"NAME","hosts":["one.example"],"ports":[8443]})");
    ask("10.1.2.3");
    told = answer();
    CHECK(told.reason == Reason::address_denied);
    CHECK(told.needed.view() == R"({"name":"NAME","addresses":["10.1.2.3"],"ports":[443]})");
    CHECK(words(told, "destination").contains("private"));
    CHECK(uplink.has_nothing());
}

struct SourcedTest : ExplainTest {
    SourcedTest() : ExplainTest({}, source()) {}
    static proto::SecretSource source()
    {
        proto::SecretSource out;
        out.unix_path = "/run/secrets.sock";
        return out;
    }
};

TEST_CASE_METHOD(SourcedTest, "explain: given a credential of a source's, when asked, then who is asked for it", "[edge][EG-1]")
{
    served();
    ask("two.example", "/v1/x");
    resolves_to({{"127.0.0.1", "loopback", true}});
    CHECK(words(answer(), "injection").contains("credential `api-key`, which unix:/run/secrets.sock is asked for, takes the place"));
}

TEST_CASE_METHOD(ExplainTest,
    "explain: given a rule that looks at requests, when asked, then method, path and the credential's name, no value", "[edge][EG-3][EG-7]")
{
    served();
    ask("two.example", "/v1/x");
    resolves_to({{"127.0.0.1", "loopback", true}});
    auto told = answer();
    CHECK(told.reason == Reason::none);
    CHECK(words(told, "rung").contains("TLS is ended here"));
    CHECK(words(told, "injection")
            .contains("credential `api-key` takes the place of the session's token $API_TOKEN in the header `authorization`"));
    ask("two.example", "/admin");
    told = answer();
    CHECK(told.reason == Reason::path_denied);
    CHECK(told.needed.view() == R"({"name":"NAME","hosts":["two.example"],"ports":[443],"rung":"bump","paths":["/admin"]})");
    ask("two.example", "/v1/x", "DELETE");
    CHECK(answer().reason == Reason::method_denied);
    CHECK(uplink.has_nothing());
}

TEST_CASE_METHOD(ExplainTest, "explain: given a name that leads inwards alone, when asked, then address_denied and the addresses to name",
    "[edge][T-05][EG-3]")
{
    served();
    ask("one.example");
    resolves_to({{"10.0.0.1", "private", false}});
    auto const told = answer();
    CHECK(told.reason == Reason::address_denied);
    CHECK(told.needed.view() == R"({"name":"NAME","hosts":["one.example"],"ports":[443],"addresses":["10.0.0.1"]})");
}

TEST_CASE_METHOD(ExplainTest, "explain: given a session, when asked for it, then what it has done counts", "[edge][T-13][T-17]")
{
    served();
    ask("one.example", "/", "GET", SessionId{77});
    auto told = answer();
    CHECK(told.reason == Reason::session_denied);
    CHECK(words(told, "session").contains("has no way out"));
    CHECK(words(told, "rule").contains("rule `one` allows it"));  // the rest is told all the same
    ask("one.example", "/", "GET", kSession);
    resolves_to({{"93.184.216.34", "", true}});
    CHECK(words(answer(), "session").contains("neither cut off nor ended"));
    control_in.send(proto::SessionSever{kSession});
    loop.settle();
    ask("one.example", "/", "GET", kSession);
    told = answer();
    CHECK(told.reason == Reason::session_denied);
    CHECK(words(told, "session").contains("cut off"));
}

TEST_CASE_METHOD(ExplainTest,
    "explain: given no uplink, or one that ends meanwhile, when asked, then edge_draining; and a word about nothing "
    "asked is a violation",
    "[edge][EG-12][T-14]")
{
    ask("one.example");
    CHECK(answer().reason == Reason::edge_draining);
    served();
    ask("one.example");
    (void)uplink.take<proto::Dial>();
    core_in.send(proto::HelperDown{helper::Kind::uplink});
    loop.settle();
    CHECK(answer().reason == Reason::edge_draining);
    uplink_up();
    ask("one.example");
    uplink.send(proto::DialFailed{uplink.take<proto::Dial>().request, proto::DialFailure::no_such_name, {}});
    loop.settle();
    auto const told = answer();
    CHECK(told.reason == Reason::none);  // nobody refuses it
    CHECK(words(told, "address").contains("there is no such name"));
    uplink.send(proto::DialJudged{RequestId{12345}, {}});
    loop.settle();
    CHECK(spawner.violations == std::vector{helper::Kind::uplink});
}

TEST_CASE_METHOD(
    ExplainTest, "explain: given more questions than are resolved at once, when asked, then the next is told so", "[edge][T-06]")
{
    served();
    for (std::size_t i = 0; i < edge::kExplainingMax; ++i) ask("one.example");
    CHECK(explained.empty());
    ask("one.example");
    CHECK(answer().reason == Reason::rate_exceeded);
}

TEST_CASE_METHOD(ExplainTest, "edge: given a refusal, when it is recorded, then the record says which rule is missing", "[edge][EG-6]")
{
    served();
    say(asked(1, "other.example"));
    CHECK(refused() == Reason::not_allowed);
    auto const denied = recorder.of(What::egress_denied);
    REQUIRE(denied.size() == 1);
    CHECK(denied[0].detail.view().ends_with(" step=no rule names the host `other.example`"));
    say(asked(2, std::string(250, 'x')));
    REQUIRE(recorder.of(What::egress_denied).size() == 2);
    CHECK(recorder.of(What::egress_denied)[1].detail.size() < 1000);
}

TEST_CASE("explain: given a customer's proxy, when asked, then by what way and what the proxy is told", "[edge][EG-3][EG-9]")
{
    proto::ChainedProxy proxy;
    proxy.name = "proxy.corp.example";
    proxy.port = 3128;
    SECTION("addresses that are judged here")
    {
        proxy.direct.push(edge::parse_range("93.184.216.0/24").value());
        ExplainTest test(proxy);
        test.served();
        test.ask("one.example");
        test.resolves_to({{"93.184.216.34", "", true}, {"11.1.1.1", "", true}});
        auto const told = test.answer();
        CHECK(told.reason == Reason::none);
        CHECK(test.words(told, "way").contains("by the proxy proxy.corp.example:3128, which is told the address, but directly to what"));
        CHECK(test.words(told, "address").contains("93.184.216.34 (public): may be dialled"));
        CHECK(test.words(told, "address").contains("11.1.1.1 (public): the proxy may be asked for it"));
    }
    SECTION("an address that is of each machine")
    {
        ExplainTest test(proxy);
        test.served();
        test.ask("two.example", "/v1/x");
        test.resolves_to({{"127.0.0.1", "loopback", false}});
        auto const told = test.answer();
        CHECK(told.reason == Reason::address_denied);
        CHECK(test.words(told, "address").contains("127.0.0.1 (loopback): means another machine to a proxy"));
    }
    SECTION("names: nothing is resolved for it")
    {
        proxy.resolves = true;
        ExplainTest test(proxy);
        test.served();
        test.ask("one.example");
        auto const told = test.answer();
        CHECK(told.reason == Reason::none);
        CHECK(test.words(told, "way").contains("is told the name: where it leads is not known here and not judged"));
        CHECK(test.uplink.has_nothing());
    }
}

}  // namespace test_edge_thread
