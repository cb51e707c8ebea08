// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit_proxy, and what explain says of it.

#include <catch2/catch_test_macros.hpp>

#include "appliance/manifest/admit.h"
#include "appliance/manifest/explain.h"
#include "edge/address.h"

namespace test_admit_proxy {

using namespace ocu;
using namespace ocu::manifest;

std::string const kPublic = R"({"name": "site", "hosts": ["a.example"]})";
std::string const kInside = R"({"name": "inside", "hosts": ["b.example"], "addresses": ["10.1.0.0/16"]})";

Admission<Applied> admit_with(std::string const& proxy, std::string const& rules = kPublic)
{
    return admit(R"({"schema": "ocu-manifest/1", "serial": 7, "egress": {"rules": [)" + rules + R"(], "chained_proxy": )" + proxy + "}}");
}

TEST_CASE("proxy: given none, when it is admitted, then upstreams are dialled", "[manifest][EG-9]")
{
    auto const applied = admit_with("{}").value();
    CHECK_FALSE(applied.edge.proxy);
    CHECK_FALSE(explain(applied).contains("proxy"));
}

TEST_CASE("proxy: given every key, when it is admitted, then each reaches its place and is said in words", "[manifest][EG-9]")
{
    auto const named =
        admit_with(R"({"host": "Proxy.Corp.example", "port": 3128, "names": "proxy", "direct": ["10.1.0.0/16", "fd77::/32"]})").value();
    CHECK(named.edge.proxy.name.view() == "proxy.corp.example");
    CHECK(named.edge.proxy.address.empty());
    CHECK(named.edge.proxy.port == 3128);
    CHECK(named.edge.proxy.resolves);
    CHECK(named.edge.proxy.direct.items() == std::vector{edge::parse_range("10.1.0.0/16").value(), edge::parse_range("fd77::/32").value()});
    auto const words = explain(named);
    CHECK(words.contains("by the proxy proxy.corp.example:3128"));
    CHECK(words.contains("Except to 10.1.0.0/16, fd77::/32"));
    CHECK(words.contains("judged by it alone"));
    auto const numeric = admit_with(R"({"host": "127.0.0.1", "port": 8080, "names": "ours"})").value();
    CHECK(numeric.edge.proxy.address.view() == "127.0.0.1");
    CHECK(numeric.edge.proxy.name.empty());
    CHECK_FALSE(numeric.edge.proxy.resolves);
    CHECK(explain(numeric).contains("It is told the addresses that were resolved and judged here."));
    CHECK_FALSE(explain(numeric).contains("Except"));
}

TEST_CASE("proxy: given what is no proxy or does nothing, when it is admitted, then refused with its key", "[manifest][EG-9][T-05]")
{
    struct Row {
        std::string proxy;
        std::string key;
        std::string reason;
        std::string rules = kPublic;
    };
    auto const host = [](std::string const& text, std::string const& reason) {
        return Row{R"({"port": 3128, "host": ")" + text + R"("})", ".host", reason};
    };
    for (auto const& row : {Row{R"("http://proxy.example:3128")", "", "must be"}, Row{R"({"port": 3128})", ".host", "is missing"},
             Row{R"({"host": "proxy.example"})", ".port", "is missing"}, Row{R"({"host": "proxy.example", "port": 0})", ".port", ""},
             host("http://proxy.example", "neither"), host("proxy.example:3128", "neither"), host("127.1", "neither"),
             host("*.example", "neither"), host("localhost", "never another machine"), host("0.0.0.0", "no address"),
             host("255.255.255.255", "no address"), host("ff02::1", "no address"),
             Row{R"({"host": "p.example", "port": 1, "names": "theirs"})", ".names", ""},
             Row{R"({"host": "p.example", "port": 1, "credential": "key"})", ".credential", ""},
             Row{R"({"host": "p.example", "port": 1, "direct": ["10.0.0.1/8"]})", ".direct[0]", ""},
             Row{R"({"host": "p.example", "port": 1, "direct": ["0.0.0.0/0"]})", ".direct[0]", "would open everything"},
             Row{R"({"host": "p.example", "port": 1, "direct": ["10.0.0.1", "10.0.0.1"]})", ".direct[1]", "twice"},
             Row{R"({"host": "p.example", "port": 1, "names": "proxy"})", ".names", "changes nothing", kInside}}) {
        INFO(row.proxy);
        auto const made = admit_with(row.proxy, row.rules);
        REQUIRE_FALSE(made);
        CHECK(made.error().key == "egress.chained_proxy" + row.key);
        INFO(made.error().reason);
        CHECK(made.error().reason.contains(row.reason));
    }
    CHECK(admit_with(R"({"host": "p.example", "port": 1, "names": "proxy"})", kInside + "," + kPublic));
}

}  // namespace test_admit_proxy
