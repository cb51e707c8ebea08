// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An operator's question to the edge: what would happen to a connection that a guest opens (`ctl egress test`). Control asks, the edge's thread
// answers from the rules that it obeys; nothing is dialled. Reasons and rules are for operators: no word of this reaches a guest.

#include "base/id.h"
#include "proto/reason.h"
#include "proto/session_meter.h"
#include "wire/mailbox.h"
#include "wire/text.h"

namespace ocu::proto {

enum class EgressScheme : std::uint8_t { http, https, tcp, kLast = tcp };

constexpr std::string_view name_of(EgressScheme scheme)
{
    constexpr std::string_view kNames[] = {"http", "https", "tcp"};
    return kNames[static_cast<std::size_t>(scheme)];
}

inline constexpr std::size_t kEgressPathBytesMax = 2048;

// A URL and a method, as the operator API's face read them.
struct EgressQuestion {
    EgressScheme scheme{};
    wire::Text<253> host;  // name or address; lower case, without a last dot or brackets
    std::uint16_t port = 0;
    wire::Text<32> method;
    wire::Text<kEgressPathBytesMax> path;  // normalised, without query; empty for tcp

    static void fields(auto& wire, auto& m) { wire(m.scheme, m.host, m.port, m.method, m.path); }
};

struct ExplainWanted {
    RequestId request;
    SessionId session;  // 0: any session that has done nothing yet
    EgressQuestion question;
};

// One thing that was looked at, in words. Printable ASCII.
struct ExplainStep {
    wire::Text<16> topic;
    wire::Text<400> words;
    bool good = false;  // false: it is refused here

    static void fields(auto& wire, auto& m) { wire(m.topic, m.words, m.good); }
};

inline constexpr std::size_t kExplainStepsMax = 40;

struct Explained {
    RequestId request;
    Reason reason = Reason::none;  // none: allowed
    wire::Text<64> rule;  // which one lets it through
    wire::List<ExplainStep, kExplainStepsMax> steps;
    wire::Text<1024> needed;  // what would have to be in the manifest's egress.rules, as JSON; empty if no rule would help

    static void fields(auto& wire, auto& m) { wire(m.request, m.reason, m.rule, m.steps, m.needed); }
};

// At most 4 + 16 + 4 + 400 + 1 bytes for a step.
inline constexpr std::uint32_t kExplainedBytesMax = 2048 + 425 * kExplainStepsMax;

// For whoever looks at the machine: how it goes with the webhook. Told when it changes, by itself.
enum class WebhookHealth : std::uint8_t {
    none,  // the manifest has none
    untried,  // nothing has happened yet
    delivering,  // the last notice was taken
    failing,  // the last attempt came to nothing, or was refused
    kLast = failing
};

constexpr std::string_view name_of(WebhookHealth health)
{
    constexpr std::string_view kNames[] = {"none", "untried", "delivering", "failing"};
    return kNames[static_cast<std::size_t>(health)];
}

struct WebhookState {
    WebhookHealth health = WebhookHealth::none;
    std::uint32_t waiting = 0;  // notices that are not delivered yet
    std::uint64_t lost = 0;  // that were given up, since the start

    static void fields(auto& wire, auto& m) { wire(m.health, m.waiting, m.lost); }
};

// And how it goes with the store elsewhere in which session files lie. Told when it changes.
enum class StoreHealth : std::uint8_t {
    none,  // files stay on this machine
    down,  // the process that connects is not there
    untried,  // nothing has been connected yet
    reached,  // the last connection was made
    failing,  // the last one was not
    kLast = failing
};

constexpr std::string_view name_of(StoreHealth health)
{
    constexpr std::string_view kNames[] = {"none", "down", "untried", "reached", "failing"};
    return kNames[static_cast<std::size_t>(health)];
}

struct StoreState {
    StoreHealth health = StoreHealth::none;
    std::uint32_t connections = 0;  // open now

    static void fields(auto& wire, auto& m) { wire(m.health, m.connections); }
};

using EdgeToControl = wire::Mailbox<Explained, WebhookState, StoreState, SessionTraffic>;

}  // namespace ocu::proto
