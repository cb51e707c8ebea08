// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: edge/allow_list. Every reason that it can give, and that nothing is open by accident.

#include <catch2/catch_test_macros.hpp>

#include "edge/address.h"
#include "edge/allow_list.h"

namespace test_allow_list {

using namespace ocu;
using namespace ocu::edge;
using proto::EgressProtocol;
using proto::Handling;
using proto::Reason;

std::vector<proto::AddressRange> ranges(std::vector<std::string_view> const& texts)
{
    std::vector<proto::AddressRange> out;
    for (auto const text : texts) out.push_back(parse_range(text).value());
    return out;
}

Rule rule(std::string name, std::vector<std::string> hosts, Rung rung = Rung::passthrough, std::vector<std::uint16_t> ports = {443, 80})
{
    Rule out;
    out.name = std::move(name);
    out.hosts = std::move(hosts);
    out.ports = std::move(ports);
    out.rung = rung;
    return out;
}

proto::RouteAsked tls(char const* name, char const* sni, std::uint16_t port = 443)
{
    proto::RouteAsked asked;
    asked.protocol = EgressProtocol::tls;
    asked.name = name;
    asked.inner_name = sni;
    asked.port = port;
    return asked;
}

proto::RouteAsked to_address(EgressProtocol protocol, char const* address, char const* inner = "", std::uint16_t port = 443)
{
    proto::RouteAsked asked;
    asked.protocol = protocol;
    asked.address = address;
    asked.inner_name = inner;
    asked.port = port;
    return asked;
}

proto::RouteAsked with(proto::RouteAsked asked, EgressProtocol protocol)
{
    asked.protocol = protocol;
    return asked;
}

proto::RequestAsked request(char const* method, char const* host, char const* path)
{
    proto::RequestAsked asked;
    asked.method = method;
    asked.host = host;
    asked.path = path;
    return asked;
}

struct Stand {
    Stand()
    {
        auto reader = rule("reader", {"api.example.com"}, Rung::bump);
        reader.methods = {"GET", "HEAD"};
        reader.paths = {"/v1/*", "/health"};
        auto writer = rule("writer", {"api.example.com"}, Rung::bump);
        writer.methods = {"POST"};
        writer.paths = {"/v1/items"};
        auto inside = rule("inside", {"*.corp.example"});
        inside.ranges = ranges({"10.0.0.0/8"});
        auto machines = rule("machines", {}, Rung::passthrough, {443, 22});
        machines.ranges = ranges({"192.168.7.0/24"});
        auto plain = rule("plain", {"old.example.com"}, Rung::passthrough, {80});
        plain.methods = {"GET"};
        rules = {rule("site", {"site.example.com", "*.sites.example"}), reader, writer, inside, machines, plain};
    }
    AllowList list() const { return AllowList(rules); }
    Reason reason(proto::RouteAsked const& asked) const
    {
        auto const verdict = list().route(asked);
        CHECK_FALSE(verdict.step.empty());
        if (verdict.reason != Reason::none) {
            CHECK(verdict.rules.empty());
            CHECK(verdict.dial_name.empty());
            CHECK(verdict.dial_address.empty());
        }
        return verdict.reason;
    }
    std::vector<Rule> rules;
};

TEST_CASE("allow_list: given no rule, when anything is asked, then not_allowed", "[edge][T-05][EG-1]")
{
    AllowList const list({});
    CHECK(list.route(tls("a.example", "a.example")).reason == Reason::not_allowed);
    CHECK(list.route(to_address(EgressProtocol::tcp, "1.1.1.1")).reason == Reason::not_allowed);
    CHECK(list.route(to_address(EgressProtocol::tls, "10.0.0.1")).reason == Reason::address_denied);
    CHECK(list.route({}).reason == Reason::not_allowed);
    CHECK_FALSE(list.name_may("a.example"));
    CHECK(list.request({}, "a.example", request("GET", "a.example", "/")).reason == Reason::not_allowed);
}

TEST_CASE_METHOD(Stand, "allow_list: given names, when they are asked, then only those of a rule", "[edge][T-05][EG-4]")
{
    CHECK(list().name_may("site.example.com"));
    CHECK(list().name_may("a.sites.example"));
    CHECK(list().name_may("a.b.sites.example"));
    CHECK_FALSE(list().name_may("sites.example"));
    CHECK_FALSE(list().name_may("evilsites.example"));
    CHECK_FALSE(list().name_may("a..sites.example"));
    CHECK_FALSE(list().name_may("site.example.com.evil.example"));
    CHECK_FALSE(list().name_may(""));
}

TEST_CASE_METHOD(
    Stand, "allow_list: given a passthrough rule, when TLS says the same name, then it is spliced to that name", "[edge][EG-1]")
{
    auto const verdict = list().route(tls("site.example.com", "site.example.com"));
    REQUIRE(verdict.reason == Reason::none);
    CHECK(verdict.handling == Handling::splice);
    CHECK(verdict.dial_name == "site.example.com");
    CHECK(verdict.dial_address.empty());
    CHECK(verdict.ranges.empty());
    CHECK(verdict.rules == std::vector<std::size_t>{0});
    CHECK(verdict.step == "rule `site` allows it");
}

TEST_CASE_METHOD(Stand, "allow_list: given a name, when hello or request says another or none, then why", "[edge][T-05][EG-5]")
{
    CHECK(reason(tls("other.example", "site.example.com")) == Reason::not_allowed);
    CHECK(reason(tls("site.example.com", "other.example")) == Reason::name_mismatch);
    // Two names that are both allowed do not stand for each other.
    CHECK(reason(tls("site.example.com", "a.sites.example")) == Reason::name_mismatch);
    CHECK(reason(tls("site.example.com", "")) == Reason::no_sni);
    CHECK(reason(with(tls("site.example.com", "api.example.com"), EgressProtocol::http)) == Reason::name_mismatch);
    CHECK(reason(with(tls("site.example.com", ""), EgressProtocol::http)) == Reason::name_mismatch);
    auto hidden = tls("site.example.com", "site.example.com");
    hidden.encrypted_hello = true;
    CHECK(reason(hidden) == Reason::ech);
    hidden.inner_name = {};
    CHECK(reason(hidden) == Reason::no_sni);
}

TEST_CASE_METHOD(Stand, "allow_list: given a hello with ECH, when TLS ends here, then its outer name alone counts", "[edge][T-05][EG-5]")
{
    auto hidden = tls("api.example.com", "api.example.com");
    hidden.encrypted_hello = true;
    auto const verdict = list().route(hidden);
    CHECK(verdict.reason == Reason::none);
    CHECK(verdict.handling == Handling::bump);
    hidden.inner_name = "site.example.com";
    CHECK(reason(hidden) == Reason::name_mismatch);
    hidden.inner_name = {};
    CHECK(reason(hidden) == Reason::no_sni);
}

TEST_CASE_METHOD(Stand, "allow_list: given CONNECT and absolute forms, when they name a host, then that is the name", "[edge][T-05][EG-2]")
{
    auto connect = tls("site.example.com", "a.sites.example");
    connect.form = proto::RouteForm::connect;
    CHECK(reason(connect) == Reason::name_mismatch);
    connect.inner_name = connect.name;
    CHECK(reason(connect) == Reason::none);
    auto absolute = with(tls("site.example.com", "a.sites.example", 80), EgressProtocol::http);
    absolute.form = proto::RouteForm::absolute;
    CHECK(reason(absolute) == Reason::name_mismatch);
    absolute.inner_name = absolute.name;
    CHECK(reason(absolute) == Reason::none);
}

TEST_CASE_METHOD(Stand, "allow_list: given another port, when it is asked, then port_denied", "[edge][EG-3]")
{
    CHECK(reason(tls("site.example.com", "site.example.com", 8443)) == Reason::port_denied);
    CHECK(reason(to_address(EgressProtocol::tcp, "192.168.7.9", "", 80)) == Reason::port_denied);
}

TEST_CASE_METHOD(Stand, "allow_list: given bytes that no rule can judge, when they come, then protocol_denied", "[edge][T-05][EG-6]")
{
    CHECK(reason(with(tls("api.example.com", ""), EgressProtocol::tcp)) == Reason::protocol_denied);
    CHECK(reason(with(tls("old.example.com", "", 80), EgressProtocol::tcp)) == Reason::protocol_denied);
    CHECK(reason(tls("old.example.com", "old.example.com", 80)) == Reason::protocol_denied);
    CHECK(reason(with(tls("site.example.com", ""), EgressProtocol::dns)) == Reason::protocol_denied);
    auto const spliced = list().route(with(tls("site.example.com", ""), EgressProtocol::tcp));
    CHECK(spliced.reason == Reason::none);
    CHECK(spliced.handling == Handling::splice);
}

TEST_CASE_METHOD(Stand, "allow_list: given plain HTTP, when it is allowed, then each request is asked for", "[edge][EG-3]")
{
    for (auto const* name : {"site.example.com", "api.example.com", "old.example.com"}) {
        auto const verdict = list().route(with(tls(name, name, 80), EgressProtocol::http));
        CHECK(verdict.reason == Reason::none);
        CHECK(verdict.handling == Handling::http);
    }
}

TEST_CASE_METHOD(
    Stand, "allow_list: given a bump rule beside a passthrough rule, when TLS comes, then only bump rules decide", "[edge][T-05][EG-1]")
{
    rules.insert(rules.begin(), rule("lenient", {"*.example.com"}));
    auto const verdict = list().route(tls("api.example.com", "api.example.com"));
    CHECK(verdict.handling == Handling::bump);
    CHECK(verdict.rules == std::vector<std::size_t>{2, 3});
}

TEST_CASE_METHOD(Stand, "allow_list: given rules of one host with different ranges, when a route is made, then those of the first alone",
    "[edge][T-05][EG-3]")
{
    auto public_one = rule("public", {"a.corp.example"});
    rules.push_back(public_one);
    auto const verdict = list().route(tls("a.corp.example", "a.corp.example"));
    CHECK(verdict.rules == std::vector<std::size_t>{3});
    CHECK(verdict.ranges == ranges({"10.0.0.0/8"}));
}

TEST_CASE_METHOD(Stand, "allow_list: given an address, when it is asked, then only rules of addresses open it", "[edge][T-05][EG-3]")
{
    auto const verdict = list().route(to_address(EgressProtocol::tls, "192.168.7.9"));
    REQUIRE(verdict.reason == Reason::none);
    CHECK(verdict.handling == Handling::splice);
    CHECK(verdict.dial_address == "192.168.7.9");
    CHECK(verdict.dial_name.empty());
    CHECK(verdict.ranges == ranges({"192.168.7.0/24"}));
    CHECK(reason(to_address(EgressProtocol::tcp, "::ffff:192.168.7.9", "", 22)) == Reason::none);

    CHECK(reason(to_address(EgressProtocol::tls, "192.168.8.9")) == Reason::address_denied);
    CHECK(reason(to_address(EgressProtocol::tls, "169.254.169.254", "site.example.com")) == Reason::address_denied);
    CHECK(reason(to_address(EgressProtocol::tls, "::ffff:7f00:1")) == Reason::address_denied);
    CHECK(reason(to_address(EgressProtocol::tcp, "1.1.1.1")) == Reason::not_allowed);
    CHECK(reason(to_address(EgressProtocol::tcp, "0x7f.1")) == Reason::not_allowed);
    // In the range of a rule for names: the name is missing, or is not this address.
    CHECK(reason(to_address(EgressProtocol::tls, "10.1.1.1")) == Reason::no_sni);
    CHECK(reason(to_address(EgressProtocol::tls, "10.1.1.1", "a.corp.example")) == Reason::name_mismatch);
    CHECK(reason(to_address(EgressProtocol::tcp, "10.1.1.1")) == Reason::not_allowed);
    // An allowed name on an address of the guest's choice.
    CHECK(reason(to_address(EgressProtocol::tls, "1.1.1.1", "site.example.com")) == Reason::name_mismatch);
    CHECK(reason(to_address(EgressProtocol::tls, "192.168.7.9", "site.example.com")) == Reason::name_mismatch);
    CHECK(reason(to_address(EgressProtocol::tls, "192.168.7.9", "any.example")) == Reason::name_mismatch);
    auto hidden = to_address(EgressProtocol::tls, "192.168.7.9");
    hidden.encrypted_hello = true;
    CHECK(reason(hidden) == Reason::ech);
}

TEST_CASE_METHOD(
    Stand, "allow_list: given HTTP to an address, when Host is that address, then allowed, else name_mismatch", "[edge][T-05][EG-3]")
{
    CHECK(reason(to_address(EgressProtocol::http, "192.168.7.9", "192.168.7.9")) == Reason::none);
    CHECK(reason(to_address(EgressProtocol::http, "192.168.7.9", "")) == Reason::name_mismatch);
    CHECK(reason(to_address(EgressProtocol::http, "192.168.7.9", "192.168.7.8")) == Reason::name_mismatch);
    CHECK(reason(to_address(EgressProtocol::http, "192.168.7.9", "site.example.com")) == Reason::name_mismatch);
}

TEST_CASE_METHOD(Stand, "allow_list: given an address that only an exact range opens, when a broad one is there, then address_denied",
    "[edge][T-05][EG-3]")
{
    rules[4].ranges = ranges({"169.254.0.0/16"});
    CHECK(reason(to_address(EgressProtocol::tcp, "169.254.169.254", "", 22)) == Reason::address_denied);
    CHECK(reason(to_address(EgressProtocol::tcp, "169.254.1.1", "", 22)) == Reason::none);
}

TEST_CASE_METHOD(Stand, "allow_list: given a rule that injects, when HTTP is in the clear, then only into a named network", "[edge][T-12]")
{
    rules[1].injection = Injection{"key", "authorization", "Bearer {}", "OCU_TOKEN_READER"};
    rules[2].injection = rules[1].injection;
    auto const asked = with(tls("api.example.com", "api.example.com", 80), EgressProtocol::http);
    CHECK(reason(asked) == Reason::protocol_denied);
    CHECK(reason(tls("api.example.com", "api.example.com")) == Reason::none);
    rules[1].ranges = ranges({"10.0.0.0/8"});
    CHECK(list().route(asked).rules == std::vector<std::size_t>{1});
}

TEST_CASE_METHOD(Stand, "allow_list: given requests, when they are judged, then the first rule that fits, or what does not", "[edge][EG-3]")
{
    std::vector<std::size_t> const both{1, 2};
    auto const judge = [&](char const* method, char const* host, char const* path) {
        return list().request(both, "api.example.com", request(method, host, path));
    };
    CHECK(judge("GET", "api.example.com", "/v1/items").rule == 1);
    CHECK(judge("GET", "api.example.com", "/health").reason == Reason::none);
    auto const written = judge("POST", "api.example.com", "/v1/items");
    CHECK(written.reason == Reason::none);
    CHECK(written.rule == 2);
    CHECK(judge("DELETE", "api.example.com", "/v1/items").reason == Reason::method_denied);
    CHECK(judge("get", "api.example.com", "/v1/items").reason == Reason::method_denied);
    CHECK(judge("CONNECT", "api.example.com", "/v1/items").reason == Reason::method_denied);
    CHECK(judge("GET", "api.example.com", "/v2/items").reason == Reason::path_denied);
    CHECK(judge("GET", "api.example.com", "/v1").reason == Reason::path_denied);
    CHECK(judge("GET", "api.example.com", "/health/x").reason == Reason::path_denied);
    CHECK(judge("POST", "api.example.com", "/v1/items/3").reason == Reason::path_denied);
    CHECK(judge("GET", "site.example.com", "/v1/items").reason == Reason::name_mismatch);
    CHECK(judge("GET", "", "/v1/items").reason == Reason::name_mismatch);
}

TEST_CASE_METHOD(
    Stand, "allow_list: given a path that climbs for a lenient server, when a rule has paths, then path_denied", "[edge][T-05][EG-3]")
{
    std::vector<std::size_t> const one{1};
    for (auto const* path : {"/v1/../admin", "/v1/..", "/v1/./x", "/v1/%2e%2e/admin", "/v1/.%2E/admin", "/v1/..%2fadmin", "/v1/..%5Cadmin",
             "/v1/..\\admin", "/v1/..;x/admin", "/v1/x/%2e", "/v1/%252e%252e/admin", "/v1/..%252fadmin", "/v1/%25252e./admin",
             "/v1/..%255cadmin", "/v1/%c0%ae%C0%AE/admin", "/v1/..%c1%9cadmin", "/v1/..%25c0%afadmin"}) {
        INFO(path);
        CHECK(list().request(one, "api.example.com", request("GET", "api.example.com", path)).reason == Reason::path_denied);
    }
    for (auto const* path : {"/v1/a..b", "/v1/.well-known/x", "/v1/...", "/v1/%2", "/v1/a;b=c", "/v1/100%25", "/v1/%25", "/v1/a%252eb", "/v1/%c3%a9"}) {
        INFO(path);
        CHECK(list().request(one, "api.example.com", request("GET", "api.example.com", path)).reason == Reason::none);
    }
}

TEST_CASE_METHOD(Stand, "allow_list: given an encoded slash, when no rule that may fit has paths, then it passes; if one has, path_denied",
    "[edge][T-05][EG-3]")
{
    auto const judge = [&](std::vector<std::size_t> const& fitting, char const* path) {
        return list().request(fitting, "api.example.com", request("GET", "api.example.com", path));
    };
    for (auto const* path : {"/@scope%2Fname", "/@scope%2fname"}) {
        INFO(path);
        CHECK(judge({0}, path).reason == Reason::none);
        CHECK(judge({1}, path).reason == Reason::path_denied);
        CHECK(judge({0, 1}, path).reason == Reason::path_denied);  // the one with paths may be the one that was meant
    }
    CHECK(judge({1}, "/v1/group%2Fproject").reason == Reason::path_denied);
    CHECK(judge({1}, "/v1/group%2Fproject").step.contains("encoded slash"));
    CHECK(judge({0}, "/a%2").reason == Reason::none);
}

TEST_CASE_METHOD(Stand, "allow_list: given a request that is refused, when it is judged, then the step says why", "[edge][EG-6]")
{
    std::vector<std::size_t> const one{1};
    CHECK(
        list().request(one, "api.example.com", request("DELETE", "api.example.com", "/v1/x")).step.contains("not for the method `DELETE`"));
    CHECK(list().request(one, "api.example.com", request("GET", "api.example.com", "/admin")).step.contains("not for this path"));
    CHECK(list().request(one, "api.example.com", request("GET", "api.example.com", "/v1/items")).step.empty());
}

TEST_CASE_METHOD(Stand, "allow_list: given a rule that injects, when TRACE is asked, then method_denied", "[edge][T-12]")
{
    rules[0].rung = Rung::bump;
    std::vector<std::size_t> const one{0};
    CHECK(list().request(one, "site.example.com", request("TRACE", "site.example.com", "/")).reason == Reason::none);
    rules[0].injection = Injection{"key", "authorization", "Bearer {}", "OCU_TOKEN_SITE"};
    CHECK(list().request(one, "site.example.com", request("TRACE", "site.example.com", "/")).reason == Reason::method_denied);
    CHECK(list().request(one, "site.example.com", request("GET", "site.example.com", "/")).reason == Reason::none);
}

TEST_CASE_METHOD(
    Stand, "allow_list: given a route to an address, when requests say a host, then the same address in any notation", "[edge][EG-3]")
{
    std::vector<std::size_t> const one{4};
    auto const judge = [&](char const* route, char const* host) { return list().request(one, route, request("GET", host, "/")).reason; };
    CHECK(judge("192.168.7.9", "192.168.7.9") == Reason::none);
    CHECK(judge("2001:db8::1", "[2001:DB8:0::1]") == Reason::none);
    CHECK(judge("2001:db8::1", "2001:db8::1") == Reason::none);
    CHECK(judge("192.168.7.9", "192.168.7.10") == Reason::name_mismatch);
    CHECK(judge("192.168.7.9", "site.example.com") == Reason::name_mismatch);
}

}  // namespace test_allow_list
