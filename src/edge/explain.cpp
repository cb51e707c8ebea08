// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/explain.h"

#include <format>

#include "edge/address.h"
#include "edge/host_name.h"
#include "edge/needed_rule.h"

namespace ocu::edge {

using proto::EgressProtocol;
using proto::EgressScheme;
using proto::Handling;
using proto::Reason;

namespace {

constexpr double kMebi = 1024.0 * 1024.0;

EgressProtocol protocol_of(EgressScheme scheme)
{
    switch (scheme) {
    case EgressScheme::http: return EgressProtocol::http;
    case EgressScheme::https: return EgressProtocol::tls;
    case EgressScheme::tcp: break;
    }
    return EgressProtocol::tcp;
}

// As a well-behaved program would open it: the same name in the URL, in SNI and in Host.
proto::RouteAsked route_for(proto::EgressQuestion const& question)
{
    proto::RouteAsked asked;
    asked.connection = ConnectionId{1};
    asked.protocol = protocol_of(question.scheme);
    asked.port = question.port;
    auto const address = parse_address(question.host.view());
    if (address)
        asked.address = text_of(*address);
    else
        asked.name = question.host;
    if (asked.protocol == EgressProtocol::http) asked.inner_name = question.host;
    if (asked.protocol == EgressProtocol::tls && !address) asked.inner_name = question.host;
    return asked;
}

// What a name server or an operator wrote goes to a terminal (T-11).
std::string plain_words(std::string words)
{
    for (auto& c : words)
        if (c < ' ' || c > '~') c = '?';
    return words;
}

std::string_view handling_words(Handling handling, EgressProtocol protocol)
{
    switch (handling) {
    case Handling::bump: return "TLS is ended here, the server there is verified, and each request is looked at (rung bump)";
    case Handling::http: return "plain HTTP: each request is looked at";
    case Handling::splice: break;
    }
    return protocol == EgressProtocol::tls ? "TLS passes through unseen (rung passthrough)" : "bytes pass through unseen";
}

}  // namespace

Explanation::Explanation(
    AllowList const& allow, proto::EgressQuestion const& question, SessionFacts const& facts, proto::ChainedProxy const& proxy)
    : allow_(allow), proxy_(proxy), question_(question), asked_(route_for(question))
{
    say_url();
    say_session(facts);
    say_route(facts);
    if (reason_ == Reason::none && proxy_) say_way();
    if (reason_ != Reason::none) say_needed();
}

void Explanation::say(std::string_view topic, std::string words, Reason reason)
{
    if (reason_ == Reason::none) reason_ = reason;
    if (steps_.size() == proto::kExplainStepsMax) return;
    steps_.push_back({wire::Text<16>::cut(topic), wire::Text<400>::cut(plain_words(std::move(words))), reason == Reason::none});
}

void Explanation::say_url()
{
    auto words = std::format("{} to `{}`, port {}", name_of(question_.scheme), question_.host.view(), question_.port);
    if (question_.scheme != EgressScheme::tcp) words += std::format("; {} `{}`", question_.method.view(), question_.path.view());
    say("url", std::move(words));
    if (!asked_.name.empty()) {
        say("destination", is_host_name(asked_.name.view()) ? "a name: rules with hosts are looked through"
                                                            : "neither a host name nor an address as they are written");
        return;
    }
    auto const address = parse_address(asked_.address.view());
    auto const what = address ? not_public(*address) : std::nullopt;
    say("destination", std::format("an address, {}: rules with addresses and without hosts are looked through", what.value_or("public")));
}

void Explanation::say_session(SessionFacts const& facts)
{
    switch (facts.state) {
    case SessionFacts::State::not_named: return say("session", "none named: as for one that has done nothing yet");
    case SessionFacts::State::unknown: return say("session", "it has no way out: it has ended, or never was", Reason::session_denied);
    case SessionFacts::State::severed: return say("session", "it was cut off by a kill", Reason::session_denied);
    case SessionFacts::State::attached: break;
    }
    if (facts.closed != Reason::none) return say("session", "its tripwire has ended it: nothing more is let through", facts.closed);
    if (facts.full) return say("session", "it has as many connections as one may have", Reason::rate_exceeded);
    say("session", "it is neither cut off nor ended by its tripwire");
}

void Explanation::say_route(SessionFacts const& facts)
{
    verdict_ = allow_.route(asked_);
    say("rule", verdict_.step, verdict_.reason);
    if (verdict_.reason != Reason::none) return;
    rule_ = verdict_.rules.front();
    has_rule_ = true;
    say("rung", std::string(handling_words(verdict_.handling, asked_.protocol)));
    if (verdict_.handling == Handling::splice)
        say_budget(facts, rule_);
    else
        say_request(facts);
}

void Explanation::say_request(SessionFacts const& facts)
{
    proto::RequestAsked request;
    request.connection = asked_.connection;
    request.method = question_.method;
    request.host = asked_.name.empty() ? wire::Text<253>(asked_.address.view()) : asked_.name;
    request.path = question_.path;
    auto const verdict = allow_.request(verdict_.rules, request.host.view(), request);
    if (verdict.reason != Reason::none) {
        has_rule_ = false;
        return say("request", verdict.step, verdict.reason);
    }
    rule_ = verdict.rule;
    say("request", std::format("rule `{}` allows {} there", allow_.rules()[rule_].name, request.method.view()));
    say_injection();
    say_budget(facts, rule_);
}

void Explanation::say_injection()
{
    auto const& injection = allow_.rules()[rule_].injection;
    if (!injection) return say("injection", "nothing is put into the request");
    auto const from = injection->source ? std::format(", which {} is asked for,", injection->source->label()) : std::string();
    say("injection",
        std::format("credential `{}`{} takes the place of the session's token ${} in the header `{}`; a request without that token "
                    "is refused (scoped_token_missing)",
            injection->credential, from, injection->environment, injection->header));
}

void Explanation::say_budget(SessionFacts const& facts, std::size_t rule)
{
    auto const& budget = allow_.rules()[rule].budget_bytes;
    auto const name = allow_.rules()[rule].name;
    if (budget == 0) return say("budget", std::format("rule `{}` has none", name));
    std::uint64_t const spent = rule < facts.spent.size() ? facts.spent[rule] : 0;
    auto const words =
        std::format("rule `{}`: {:.1f} of {:.1f} MiB used", name, static_cast<double>(spent) / kMebi, static_cast<double>(budget) / kMebi);
    say("budget", words, spent >= budget ? Reason::budget_exceeded : Reason::none);
}

proto::Dial Explanation::dial() const
{
    proto::Dial dial;
    dial.name = wire::Text<253>(verdict_.dial_name);
    dial.address = wire::Text<45>(verdict_.dial_address);
    dial.port = asked_.port;
    dial.ranges = decltype(dial.ranges)(verdict_.ranges);
    dial.connect = false;
    return dial;
}

// Nothing goes another way when the proxy is down, so this is told of it and not of each address.
void Explanation::say_way()
{
    auto const proxy = name_of(proxy_);
    if (proxy_resolves(proxy_, dial()))
        return say("way", std::format("by the proxy {}, which is told the name: where it leads is not known here and not judged", proxy));
    say("way", std::format("by the proxy {}, which is told the address{}", proxy,
                   proxy_.direct.items().empty() ? "" : ", but directly to what egress.chained_proxy.direct names"));
}

void Explanation::say_address(proto::JudgedAddress const& each)
{
    auto const kind = each.what.empty() ? std::string_view("public") : each.what.view();
    auto const address = parse_address(each.address.view());
    bool const by_proxy = address && !goes_direct(proxy_, *address);
    std::string_view why = by_proxy ? "the proxy may be asked for it" : "may be dialled";
    if (!each.permitted) {
        bool const named = !verdict_.ranges.empty();
        why = named ? "not one that the rule's addresses name" : "not dialled unless a rule names it";
        if (by_proxy && !may_go_by_proxy(*address) && may_dial(*address, verdict_.ranges))
            why = "means another machine to a proxy: only egress.chained_proxy.direct opens it";
    }
    // One that is not dialled does no harm beside one that is.
    say("address", std::format("{} ({}): {}", each.address.view(), kind, why));
}

void Explanation::judged(proto::DialJudged const& judged)
{
    bool any = false;
    for (auto const& each : judged.addresses.items()) {
        say_address(each);
        any = any || each.permitted;
        if (!each.permitted) addresses_.push_back(each.address.str());
    }
    if (!any) say("address", "none of them may be dialled", Reason::address_denied);
    if (reason_ != Reason::none) say_needed();
}

// The rules let it through, and it would still not be reached: that is no refusal, and said as what it is.
void Explanation::not_judged(proto::DialFailure failure)
{
    switch (failure) {
    case proto::DialFailure::no_such_name: return say("address", "allowed, but there is no such name: a guest reads 502");
    case proto::DialFailure::over_limit: return say("address", "too many names are being resolved at the moment", Reason::rate_exceeded);
    case proto::DialFailure::denied: return say("address", "none of its addresses may be dialled", Reason::address_denied);
    default: return say("address", "allowed, but the resolver gave no answer that is understood: a guest reads 502");
    }
}

void Explanation::no_uplink() { say("address", "nothing is dialled at the moment: the part that dials is down", Reason::edge_draining); }

void Explanation::say_needed()
{
    if (reason_ == Reason::protocol_denied) say("needed", "a rule whose rung, methods and paths fit what is spoken there");
    if (reason_ == Reason::no_sni) say("needed", "a client that says the server's name, or a rule for the address without hosts");
}

proto::Explained Explanation::answer(RequestId request) const
{
    proto::Explained out;
    out.request = request;
    out.reason = reason_;
    if (reason_ == Reason::none && has_rule_) out.rule = wire::Text<64>::cut(allow_.rules()[rule_].name);
    for (auto const& each : steps_) out.steps.push(each);
    Wanted const wanted{question_.host.view(), question_.port, question_.method.view(), question_.path.view(), addresses_};
    if (auto const needed = needed_rule(reason_, wanted)) {
        auto const text = needed->print();
        if (out.needed.fits(text)) out.needed = text;
    }
    return out;
}

}  // namespace ocu::edge
