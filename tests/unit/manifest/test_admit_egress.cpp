// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit_egress, admit_inject, explain_egress. Each refusal with its key.

#include "appliance/manifest/admit.h"
#include "appliance/manifest/explain.h"
#include "base/crypto/certificate.h"
#include "base/crypto/crypto.h"
#include "base/sealed_face.h"
#include "edge/address.h"

namespace test_admit_egress {

using namespace ocu;
using namespace ocu::manifest;

std::string const kSealed =
    "ocu-sealed/1:appliance:7t2IPaCpRRWyWfbukty6ARGFCxOz9tzMgncm-bCCNatikitrPz8qGZX4vkqh36owZwvGJkoF39ORg3_gLhp7Kp4HcRf7"
    "MqZz8XsMMwRy0xTZ3A";

std::string with(std::string const& members) { return R"({"schema": "ocu-manifest/1", "serial": 7, )" + members + "}"; }
std::string credential(std::string const& name) { return R"({"name": ")" + name + R"(", "sealed": ")" + kSealed + R"("})"; }
std::string with_rules(std::string const& rules)
{
    return with(R"("credentials": [)" + credential("key") + R"(], "egress": {"rules": [)" + rules + "]}");
}
std::string rule(std::string const& members) { return R"({"name": "r", )" + members + "}"; }

struct Row {
    std::string text;
    std::string key;
    std::string reason;  // part of it
};

void check_refused(std::vector<Row> const& rows)
{
    for (auto const& row : rows) {
        INFO(row.text);
        auto const admitted = admit(row.text);
        REQUIRE_FALSE(admitted);
        CHECK(admitted.error().key == row.key);
        INFO(admitted.error().reason);
        CHECK(admitted.error().reason.contains(row.reason));
    }
}

// One rule with these members; `key` is below it.
Row one(std::string const& members, std::string const& key, std::string const& reason)
{
    return {with_rules(rule(members)), "egress.rules[0]" + key, reason};
}
Row host(std::string const& text, std::string const& reason) { return one(R"("hosts": [")" + text + R"("])", ".hosts[0]", reason); }
Row range(std::string const& text, std::string const& reason)
{
    return one(R"("addresses": [")" + text + R"("])", ".addresses[0]", reason);
}
Row inject(std::string const& members, std::string const& key, std::string const& reason)
{
    return one(R"("hosts": ["a.example"], "rung": "bump", "inject": {"credential": "key", )" + members + "}", ".inject" + key, reason);
}

edge::Rule admitted(std::string const& members) { return admit(with_rules(rule(members))).value().edge.rules.at(0); }

std::string escaped(std::string text)
{
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) text.replace(at, 1, "\\n");
    return text;
}

std::string certificate()
{
    auto const key = crypto::make_p256_key().value();
    return crypto::issue_self_signed(key, {"root.example", {}, {}}, std::chrono::sys_seconds(std::chrono::seconds(1'790'000'000)), 30)->pem;
}

TEST_CASE("egress: given nothing, when it is admitted, then there is no rule and nothing can be reached", "[manifest][EG-1][T-05]")
{
    for (auto const* const text : {R"("egress": {})", R"("egress": {"rules": []}, "credentials": [])",
             R"("egress": {"rules": {}, "tripwire": {}, "ca_bundle": {}, "chained_proxy": {}}, "credentials": {})"}) {
        auto const applied = admit(with(text)).value();
        CHECK(applied.edge.rules.empty());
        CHECK(applied.credentials.empty());
        CHECK(applied.edge.extra_roots_pem.empty());
        CHECK(explain(applied).contains("From a sandbox nothing can be reached"));
    }
}

TEST_CASE("egress: given every key, when it is admitted, then each reaches its place", "[manifest][EG-1][EG-3][AP-2]")
{
    auto const pem = certificate();
    auto const applied = admit(with(R"("network": {"dns": ["192.168.1.53"]}, "credentials": [)" + credential("key") + R"(],
        "egress": {"rules": [
            {"name": "site", "hosts": ["Site.Example.com", "*.sites.example"]},
            {"name": "my-api.v2", "hosts": ["api.example.com"], "addresses": ["10.1.0.0/16", "2001:db8::/32"], "ports": [8443], "rung": "bump",
             "methods": ["GET", "POST"], "paths": ["/v1/*", "/health"], "budget": {"session_mib": 3},
             "inject": {"credential": "key", "header": "X-Api-Key", "format": "{}"}},
            {"name": "plain", "hosts": ["old.example.com"], "ports": [80], "methods": ["GET"]},
            {"name": "machine", "addresses": ["192.168.7.9"], "inject": {}}],
          "ca_bundle": ")" + escaped(pem + pem) +
                                    R"(",
          "tripwire": {"session_mib": 5, "destinations": 6, "connections_per_minute": 7, "action": "kill"}})"))
                             .value();
    auto const& config = applied.edge;
    CHECK(config.resolvers == std::vector<std::string>{"192.168.1.53"});
    REQUIRE(config.rules.size() == 4);
    CHECK(config.rules[0].hosts == std::vector<std::string>{"site.example.com", "*.sites.example"});
    CHECK(config.rules[0].ports == std::vector<std::uint16_t>{443, 80});
    CHECK(config.rules[0].rung == edge::Rung::passthrough);
    auto const& api = config.rules[1];
    CHECK(api.rung == edge::Rung::bump);
    CHECK(api.ranges == std::vector{edge::parse_range("10.1.0.0/16").value(), edge::parse_range("2001:db8::/32").value()});
    CHECK(api.ports == std::vector<std::uint16_t>{8443});
    CHECK(api.methods == std::vector<std::string>{"GET", "POST"});
    CHECK(api.paths == std::vector<std::string>{"/v1/*", "/health"});
    CHECK(api.budget_bytes == 3u << 20);
    REQUIRE(api.injection);
    CHECK(api.injection->credential == "key");
    CHECK(api.injection->header == "x-api-key");
    CHECK(api.injection->format == "{}");
    CHECK(api.injection->environment == "OCU_TOKEN_MY_API_V2");
    CHECK_FALSE(config.rules[3].injection);
    CHECK(config.extra_roots_pem == pem + pem);
    CHECK(config.tripwire.bytes == 5u << 20);
    CHECK(config.tripwire.destinations == 6);
    CHECK(config.tripwire.connections_per_minute == 7);
    CHECK(config.tripwire.kill);
    REQUIRE(applied.credentials.size() == 1);
    CHECK(applied.credentials[0].name == "key");
    CHECK(applied.credentials[0].sealed == kSealed);
    auto const words = explain(applied);
    for (auto const* const part : {"site: site.example.com, *.sites.example, ports 443, 80; TLS is passed through unseen.",
             "api.example.com if it resolves into 10.1.0.0/16, 2001:db8::/32, port 8443; TLS is ended here", "only GET, POST",
             "paths /v1/*, /health", "the token from $OCU_TOKEN_MY_API_V2 gets credential key as x-api-key", "at most 3 MiB",
             "machine: 192.168.7.9 by address", "beyond 5 MiB, 6 destinations, 7 connections a minute is reported and ended", "bundle",
             "resolved by 192.168.1.53"}) {
        INFO(part);
        CHECK(words.contains(part));
    }
    CHECK_FALSE(words.contains(kSealed.substr(0, 40)));
}

TEST_CASE("egress: given an injection with nothing but its credential, when it is admitted, then the defaults", "[manifest][EG-7]")
{
    auto const made = admitted(R"("hosts": ["a.example"], "rung": "bump", "inject": {"credential": "key"})").injection.value();
    CHECK(made.header == "authorization");
    CHECK(made.format == "Bearer {}");
    CHECK(made.environment == "OCU_TOKEN_R");
    CHECK(admitted(R"("hosts": ["a.example"], "rung": "bump", "inject": {"credential": "key", "format": "{basic}"})").injection->format ==
          "{basic}");
}

TEST_CASE("egress: given hosts that are none or too many at once, when they are admitted, then refused", "[manifest][EG-1][T-05]")
{
    check_refused({
        host("*", "one *"),
        host("*.", "not a host name"),
        host("*.com", "top-level domain"),
        host("a.*.example", "one *"),
        host("*.*.example", "one *"),
        host("a*.example", "one *"),
        host("10.0.0.1", "is an address"),
        host("::1", "is an address"),
        host("10.0.0.0/8", "is an address"),
        host("127.1", "not a host name"),
        host("0x7f000001", "not a host name"),
        host("*.1", "not a host name"),
        host("a.example.", "not a host name"),
        host("a..example", "not a host name"),
        host("https://a.example", "not a host name"),
        host("a.example:443", "not a host name"),
        host("a example", "not a host name"),
        host("b\xc3\xbc"
             "cher.example",
            "xn--"),
        host("localhost", "never another machine"),
        host("x.localhost", "never another machine"),
        {with_rules(rule(R"("hosts": ["a.example", "A.example"])")), "egress.rules[0].hosts[1]", "twice"},
        one(R"("hosts": [])", "", "neither hosts nor addresses"),
        one(R"("ports": [443])", "", "neither hosts nor addresses"),
    });
    CHECK(admitted(R"("hosts": ["xn--bcher-kva.example", "registry", "_a.example"])").hosts.size() == 3);
}

TEST_CASE("egress: given addresses that would open too much or nothing, when they are admitted, then refused", "[manifest][EG-3][T-05]")
{
    check_refused({
        range("0.0.0.0/0", "everything"),
        range("0.0.0.0/7", "everything"),
        range("::/0", "everything"),
        range("fc00::/15", "everything"),
        range("::ffff:0.0.0.0/96", "everything"),
        range("10.0.0.1/8", "beyond the prefix"),
        range("10.0.0.0/33", "prefix length"),
        range("10.0.0", "not an address"),
        range("198.18.0.0/15", "answered with"),
        range("198.19.3.4", "answered with"),
        range("198.0.0.0/8", "answered with"),
        range("64:ff9b:1:ffff::/96", "answered with"),
        range("64:ff9b:1::/48", "answered with"),
        range("127.0.0.0/8", "named by itself"),
        range("0.0.0.0/8", "named by itself"),
        range("0.0.0.0", "no address of a machine"),
        range("::", "no address of a machine"),
        range("224.0.0.0/8", "no address of a machine"),
        range("ff02::1", "no address of a machine"),
        range("255.255.255.255", "no address of a machine"),
        {with_rules(rule(R"("addresses": ["10.0.0.0/8", "10.0.0.0/8"])")), "egress.rules[0].addresses[1]", "twice"},
        one(R"("addresses": ["x"])", ".addresses[0]", "match"),
    });
    CHECK(admitted(R"("addresses": ["10.0.0.0/8", "fd00::/16", "127.0.0.1", "::1", "169.254.169.254"])").ranges.size() == 5);
}

TEST_CASE("egress: given ports, methods or paths that cannot be held to, when they are admitted, then refused", "[manifest][EG-3]")
{
    std::string const a = R"("hosts": ["a.example"], )";
    check_refused({
        one(a + R"("ports": [])", ".ports", "empty"),
        one(a + R"("ports": [0])", ".ports[0]", "between"),
        one(a + R"("ports": [65536])", ".ports[0]", "between"),
        one(a + R"("ports": [443, 443])", ".ports[1]", "twice"),
        one(a + R"("rung": "deny")", ".rung", "one of"),
        one(a + R"("methods": ["GET"])", ".methods", "needs rung bump"),
        one(a + R"("paths": ["/x"])", ".paths", "needs rung bump"),
        one(a + R"("ports": [80, 443], "methods": ["GET"])", ".methods", "needs rung bump"),
        one(a + R"("rung": "bump", "methods": ["get"])", ".methods[0]", "match"),
        one(a + R"("rung": "bump", "methods": ["GET", "GET"])", ".methods[1]", "twice"),
        one(a + R"("rung": "bump", "methods": ["CONNECT"])", ".methods[0]", "tunnel"),
        one(a + R"("rung": "bump", "paths": ["v1"])", ".paths[0]", "match"),
        one(a + R"("rung": "bump", "paths": ["/a b"])", ".paths[0]", "match"),
        one(a + R"("rung": "bump", "paths": ["/*/x"])", ".paths[0]", "at its end"),
        one(a + R"("rung": "bump", "paths": ["/x**"])", ".paths[0]", "at its end"),
        one(a + R"("rung": "bump", "paths": ["/a/../b"])", ".paths[0]", "not normal"),
        one(a + R"("rung": "bump", "paths": ["/a//b"])", ".paths[0]", "not normal"),
        one(a + R"("budget": {"session_mib": 0})", ".budget.session_mib", "between"),
        one(a + R"("icap": {"request": "icap://10.0.0.5/a"})", ".icap", "needs rung bump"),
        one(a + R"("rung": "bump", "icap": {"preview": 4})", ".icap", "neither request nor response"),
        one(a + R"("rung": "bump", "icap": {"url": "icap://10.0.0.5/a"})", ".icap.url", "not a key"),
        one(a + R"("rung": "bump", "icap": {"request": "icaps://10.0.0.5/a"})", ".icap.request", "match"),
        one(a + R"("rung": "bump", "icap": {"request": "icap://10.0.0.5"})", ".icap.request", "match"),
        one(a + R"("rung": "bump", "icap": {"request": "icap://scan.example/a"})", ".icap.request", "numeric"),
        one(a + R"("rung": "bump", "icap": {"response": "icap://10.0.0.5:0/a"})", ".icap.response", "port"),
        one(a + R"("rung": "bump", "icap": {"response": "icap://10.0.0.5:70000/a"})", ".icap.response", "port"),
        one(a + R"("rung": "bump", "icap": {"response": "icap://224.0.0.1/a"})", ".icap.response", "no address"),
        one(a + R"("rung": "bump", "icap": {"response": "icap://10.0.0.5/a", "preview": 4097})", ".icap.preview", "between"),
        {with_rules(R"({"hosts": ["a.example"]})"), "egress.rules[0].name", "missing"},
        {with_rules(rule(R"("hosts": ["a.example"])") + "," + rule(R"("hosts": ["b.example"])")), "egress.rules[1].name", "twice"},
    });
}

TEST_CASE("egress: given who is shown requests and answers, when it is admitted, then each by its own address", "[manifest][EG-11]")
{
    auto const admitted = admit(with_rules(rule(
        R"("hosts": ["a.example"], "rung": "bump", "icap": {"request": "icap://10.0.0.5/req", "response": "icap://[fd00::5]:1345/resp?x=1", "preview": 0})")));
    REQUIRE(admitted);
    auto const& icap = admitted->edge.rules[0].icap;
    REQUIRE(icap);
    CHECK(icap->request->uri == "icap://10.0.0.5/req");
    CHECK(icap->request->address == "10.0.0.5");
    CHECK(icap->request->port == 1344);
    CHECK(icap->response->address == "fd00::5");
    CHECK(icap->response->port == 1345);
    CHECK(icap->preview_bytes == 0);
    CHECK(admit(with_rules(rule(R"("hosts": ["a.example"], "ports": [80], "icap": {"request": "icap://10.0.0.5/req"})"))));
    CHECK_FALSE(admit(with_rules(rule(R"("hosts": ["a.example"], "icap": {}, "rung": "bump")")))->edge.rules[0].icap);
}

TEST_CASE("egress: given an injection that would leak, break or steer, when it is admitted, then refused", "[manifest][EG-7][T-12]")
{
    check_refused({
        one(R"("hosts": ["a.example"], "inject": {"credential": "key"})", ".inject", "needs rung bump"),
        one(R"("hosts": ["a.example"], "rung": "bump", "inject": {"credential": "other"})", ".inject.credential", "not the name"),
        one(R"("hosts": ["a.example"], "rung": "bump", "inject": {"header": "x"})", ".inject.credential", "not the name"),
        inject(R"("header": "Host")", ".header", "travels"),
        inject(R"("header": "Content-Length")", ".header", "travels"),
        inject(R"("header": "transfer-encoding")", ".header", "travels"),
        inject(R"("header": "Connection")", ".header", "travels"),
        inject(R"("header": "a b")", ".header", "match"),
        inject(R"("header": "a:")", ".header", "match"),
        inject(R"("header": "")", ".header", "match"),
        inject(R"("format": "Bearer")", ".format", "once"),
        inject(R"("format": "{} {}")", ".format", "once"),
        inject(R"("format": "Basic {basic}")", ".format", "once"),
        inject(R"("format": "{}{basic}")", ".format", "once"),
        inject(R"("format": "a\r\nb: {}")", ".format", "match"),
        inject(R"("environment": "PATH")", ".environment", "obey"),
        inject(R"("environment": "LD_PRELOAD")", ".environment", "obey"),
        inject(R"("environment": "HTTPS_PROXY")", ".environment", "obey"),
        inject(R"("environment": "NODE_OPTIONS")", ".environment", "obey"),
        inject(R"("environment": "SHELLOPTS")", ".environment", "obey"),
        inject(R"("environment": "AWS_CA_BUNDLE")", ".environment", "obey"),
        inject(R"("environment": "lower")", ".environment", "match"),
        inject(R"("source": {"socket": "/x"})", ".source.socket", "is not a key"),
    });
    std::string const bump = R"("hosts": ["a.example"], "rung": "bump", "inject": {"credential": "key"})";
    check_refused({{with_rules(R"({"name": "a.b", )" + bump + R"(}, {"name": "a_b", )" + bump + "}"), "egress.rules[1].inject.environment",
        "OCU_TOKEN_A_B holds the token of rule a.b already"}});
    std::string many;
    for (int i = 0; i < 65; ++i) many += (i == 0 ? "" : ",") + (R"({"name": "r)" + std::to_string(i) + R"(", )" + bump + "}");
    check_refused({{with_rules(many), "egress.rules[64].inject", "64 rules"}});
}

TEST_CASE("egress: given credentials, when they are not sealed for the appliance or there twice, then refused", "[manifest][CU-1][T-12]")
{
    auto const passphrase = *sealed::seal_to_passphrase(*Secret::copy_of(crypto::as_bytes("p")), crypto::as_bytes("x"));
    check_refused({
        {with(R"("credentials": [{"name": "a"}])"), "credentials[0].sealed", "missing"},
        {with(R"("credentials": [{"name": "a", "sealed": "my-secret"}])"), "credentials[0].sealed", "manifest seal"},
        {with(R"("credentials": [{"name": "a", "sealed": ")" + passphrase + R"("}])"), "credentials[0].sealed", "passphrase"},
        {with(R"("credentials": [)" + credential("a") + "," + credential("a") + "]"), "credentials[1].name", "twice"},
        {with(R"("credentials": [)" + credential("a b") + "]"), "credentials[0].name", "match"},
    });
    CHECK(explain(admit(with_rules(rule(R"("hosts": ["a.example"])"))).value()).contains("Credential key is used by no rule"));
}

TEST_CASE(
    "egress: given a bundle or a tripwire that does nothing or holds a key, when it is admitted, then refused", "[manifest][EG-9][EG-10]")
{
    auto const bundle = [](std::string const& text) { return with(R"("egress": {"ca_bundle": ")" + escaped(text) + R"("})"); };
    auto const pem = certificate();
    check_refused({
        {bundle("hello"), "egress.ca_bundle", "no certificate"},
        {bundle(pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "egress.ca_bundle", "number 2 cannot be read"},
        {bundle(pem + "-----BEGIN PRIVATE KEY-----\n"), "egress.ca_bundle", "private key"},
        {with(R"("egress": {"tripwire": {"action": "kill"}})"), "egress.tripwire.action", "nothing that sets it off"},
    });
    CHECK(admit(bundle(pem)).value().edge.extra_roots_pem == pem);
}

TEST_CASE(
    "egress: given a contact, when it is admitted, then it is kept and shown; what is long or not printable is refused", "[manifest][EG-6]")
{
    auto const applied =
        admit(with(R"("egress": {"contact": "the shift, shift@corp.example", "rules": [{"name": "r", "hosts": ["a.example"]}]})")).value();
    CHECK(applied.edge.contact == "the shift, shift@corp.example");
    CHECK(explain(applied).contains("may ask: the shift, shift@corp.example"));
    check_refused({{with(R"("egress": {"contact": ")" + std::string(201, 'x') + R"("})"), "egress.contact", ""},
        {with(R"("egress": {"contact": "a\u001b[2J"})"), "egress.contact", ""},
        {with(R"("egress": {"contact": ""})"), "egress.contact", ""}});
}

std::string with_webhook(std::string const& members, std::string const& rules = "", std::string const& kind = "value")
{
    return with(R"("credentials": [{"name": "hook", "kind": ")" + kind + R"(", "sealed": ")" + kSealed + R"("}], "egress": {"rules": [)" +
                rules + R"(], "tripwire": {"destinations": 3, "webhook": {)" + members + "}}}");
}

TEST_CASE("egress: given a webhook, when it is admitted, then it says where, how and by which key, in words too", "[manifest][EG-10]")
{
    auto const pem = certificate();
    auto const applied = admit(
        with_webhook(R"("url": "https://SOC.corp.example:8443/hooks/ocu?team=7", "key": "hook", "addresses": ["10.0.0.0/8"], "ca": ")" +
                         escaped(pem) + R"(")",
            R"({"name": "r", "hosts": ["a.example"]})"))
                             .value();
    REQUIRE(applied.edge.webhook);
    auto const& hook = *applied.edge.webhook;
    CHECK(hook.host == "soc.corp.example");
    CHECK(hook.authority == "soc.corp.example:8443");
    CHECK(hook.port == 8443);
    CHECK(hook.target == "/hooks/ocu?team=7");
    CHECK(hook.key == "hook");
    CHECK(hook.appliance == "ocu-appliance");
    CHECK(hook.ca_pem == pem);
    CHECK(hook.tls);
    CHECK_FALSE(hook.numeric);
    CHECK(hook.ranges == std::vector{edge::parse_range("10.0.0.0/8").value()});
    auto const words = explain(applied);
    CHECK(words.contains("It is told to https://SOC.corp.example:8443/hooks/ocu?team=7, at 10.0.0.0/8, by whom its own certificates"));
    CHECK_FALSE(words.contains("is used by no rule"));
    auto const numeric = admit(with_webhook(R"("url": "https://[fd00::5]", "key": "hook")")).value().edge.webhook.value();
    CHECK(numeric.numeric);
    CHECK(numeric.authority == "[fd00::5]");
    CHECK(numeric.target == "/");
    CHECK(numeric.ranges == std::vector{edge::parse_range("fd00::5").value()});
    auto const local = admit(with_webhook(R"("url": "http://127.0.0.1:9000/x", "key": "hook")")).value().edge.webhook.value();
    CHECK_FALSE(local.tls);
    CHECK(local.port == 9000);
}

TEST_CASE("egress: given a webhook that is in the clear, lends its key, or leads nowhere, when it is admitted, then refused",
    "[manifest][EG-10][T-12]")
{
    std::string const key = R"(, "key": "hook")";
    std::string const at = "egress.tripwire.webhook";
    check_refused({
        {with(R"("egress": {"tripwire": {"webhook": {"url": "https://x.example", "key": "hook"}}})"), at, "nothing that sets it off"},
        {with_webhook(R"("url": "https://x.example")"), at + ".key", ""},
        {with_webhook(R"("url": "https://x.example", "key": "other")"), at + ".key", "not the name of one"},
        {with_webhook(R"("url": "https://x.example")" + key, "", "client_certificate"), at + ".key", "client certificate"},
        {with_webhook(R"("url": "https://x.example")" + key,
             R"({"name": "r", "hosts": ["a.example"], "rung": "bump", "inject": {"credential": "hook"}})"),
            at + ".key", "lent by rule r"},
        {with_webhook(R"("url": "http://x.example/")" + key), at + ".url", "must be https"},
        {with_webhook(R"("url": "http://10.0.0.5/")" + key), at + ".url", "except to a loopback"},
        {with_webhook(R"("url": "https://224.0.0.1/")" + key), at + ".url", "no address of a machine"},
        {with_webhook(R"("url": "https://x.example:0/")" + key), at + ".url", "port"},
        {with_webhook(R"("url": "https://a..b/")" + key), at + ".url", "neither"},
        {with_webhook(R"("url": "https://u:p@x.example/")" + key), at + ".url", ""},
        {with_webhook(R"("url": "https://x.example/#f")" + key), at + ".url", ""},
        {with_webhook(R"("url": "ftp://x.example/")" + key), at + ".url", ""},
        {with_webhook(R"("url": "https://10.0.0.5/", "addresses": ["10.0.0.0/8"])" + key), at + ".addresses", "says the address already"},
        {with_webhook(R"("url": "https://x.example/", "addresses": ["0.0.0.0/0"])" + key), at + ".addresses[0]", "would open everything"},
        {with_webhook(R"("url": "https://x.example/", "ca": "hello")" + key), at + ".ca", "no certificate"},
        {with_webhook(R"("url": "https://x.example/", "other": 1)" + key), at + ".other", ""},
    });
}

}  // namespace test_admit_egress
