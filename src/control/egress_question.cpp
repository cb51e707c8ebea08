// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/egress_question.h"

#include <algorithm>

#include "control/session_name.h"
#include "wire/http_relay_head.h"

namespace ocu::control {

using wire::Json;

namespace {

using Refused = std::unexpected<std::string_view>;

constexpr std::size_t kBodyBytesMax = 8192;
constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

struct Scheme {
    std::string_view prefix;
    proto::EgressScheme scheme;
    std::uint16_t port;  // 0: must be said
};

constexpr std::array kSchemes{
    Scheme{"https://", proto::EgressScheme::https, kHttpsPort},
    Scheme{"http://", proto::EgressScheme::http, kHttpPort},
    Scheme{"tcp://", proto::EgressScheme::tcp, 0},
};

bool is_method(std::string_view text)
{
    return !text.empty() && text.size() <= wire::kRelayMethodBytesMax &&
           std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

std::expected<proto::EgressQuestion, std::string_view> read_egress_url(std::string_view url, std::string_view method)
{
    if (url.size() > kEgressUrlBytesMax) return Refused("the URL is longer than 2048 bytes");
    auto const lower = wire::lower_case(url.substr(0, 8));
    auto const found = std::ranges::find_if(kSchemes, [&](Scheme const& each) { return lower.starts_with(each.prefix); });
    if (found == kSchemes.end()) return Refused("the URL begins with https://, http:// or tcp://");
    proto::EgressQuestion question;
    question.scheme = found->scheme;
    question.port = found->port;
    auto rest = url.substr(found->prefix.size());
    auto const authority = rest.substr(0, rest.find_first_of("/?#"));
    rest.remove_prefix(authority.size());
    if (authority.contains('@')) return Refused("a user name in a URL is not taken: leave it out");
    std::string host;
    if (!wire::read_authority(authority, host, question.port) || host.size() > question.host.kMax)
        return Refused("what stands between :// and the path is no host and port; an IPv6 address stands in brackets");
    question.host = std::move(host);
    if (question.port == 0) return Refused("tcp:// needs a port");
    auto const path = rest.substr(0, rest.find_first_of("?#"));
    if (question.scheme == proto::EgressScheme::tcp) {
        if (!rest.empty()) return Refused("tcp:// has no path");
        return question;
    }
    if (!is_method(method)) return Refused("a method is written in capital letters");
    question.method = wire::Text<32>(method);
    auto normal = wire::normalise_path(path.empty() ? "/" : path);
    if (!normal || !question.path.fits(*normal))
        return Refused("the path is one that is never passed on: it can be read in two ways, or is no path");
    question.path = *std::move(normal);
    return question;
}

std::expected<EgressTest, std::string_view> read_egress_test(std::string_view body)
{
    auto const document = Json::parse(body, {.bytes_max = kBodyBytesMax, .depth_max = 2});
    if (!document || !document->view().is_object()) return Refused("the body is an object with url, and maybe method and session");
    bool known = true;
    document->view().each([&](std::string_view key, wire::JsonView value) {
        known = known && (key == "url" || key == "method" || key == "session") && value.is_string();
    });
    if (!known) return Refused("only url, method and session are taken, each a string");
    auto const url = document->view()["url"].string();
    if (!url) return Refused("url is missing");
    auto question = read_egress_url(*url, document->view()["method"].string().value_or("GET"));
    if (!question) return std::unexpected(question.error());
    EgressTest test{*std::move(question), {}};
    if (auto const name = document->view()["session"].string()) {
        auto const session = parse_session_name(*name);
        if (!session) return Refused("a session is named s- and sixteen hex digits");
        test.session = *session;
    }
    return test;
}

Json egress_body(proto::Explained const& explained, std::string_view trace, bool recorded)
{
    bool const allowed = explained.reason == proto::Reason::none;
    Json steps = Json::array();
    for (auto const& each : explained.steps.items()) {
        Json step = Json::object();
        step.set("topic", each.topic.view()).set("words", each.words.view()).set("good", each.good);
        steps.push(std::move(step));
    }
    Json body = Json::object();
    body.set("verdict", allowed ? "allowed" : "denied");
    if (!allowed) body.set("reason", name_of(explained.reason));
    if (!explained.rule.empty()) body.set("rule", explained.rule.view());
    body.set("steps", std::move(steps));
    if (auto needed = Json::parse(explained.needed.view(), {.bytes_max = explained.needed.kMax, .depth_max = 8}))
        body.set("needed", *std::move(needed));
    body.set("trace", trace).set("recorded", recorded);
    return body;
}

}  // namespace ocu::control
