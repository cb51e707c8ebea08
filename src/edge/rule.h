// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the manifest's egress section says, as a value (EG-1, EG-3). Made by appliance/manifest, obeyed by edge/allow_list.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "edge/sink_endpoint.h"
#include "edge/store_endpoint.h"
#include "edge/webhook.h"
#include "proto/edge_to_uplink.h"
#include "proto/secret_source.h"

namespace ocu::edge {

enum class Rung : std::uint8_t {
    passthrough,  // the guest's own TLS goes through unseen
    bump,         // ended here, looked at, and made anew to the upstream
};

enum class Shown : std::uint8_t {
    header,              // the value of a header
    client_certificate,  // in the upstream connection's TLS: all of its requests must present the token
};

// Only a request that carries the session's scoped token for this rule gets the credential.
struct Injection {
    std::string credential;   // a name of the manifest's credentials section, or what `source` is asked for
    std::string header;       // whose value is replaced, for instance "authorization"
    std::string format;       // "Bearer {}", "{basic}", "{}"
    std::string environment;  // the guest's variable that holds the scoped token
    Shown as = Shown::header;  // client_certificate: the header presents the token and is removed
    std::optional<proto::SecretSource> source{};  // custody's; the edge only lends
};

// One service of an ICAP server: where it is dialled, by that address alone, and what it is asked as (EG-11).
struct IcapEndpoint {
    std::string uri;       // icap://10.0.0.5:1344/avscan
    std::string address;   // numeric
    std::uint16_t port = 0;
};

struct Icap {
    std::optional<IcapEndpoint> request;
    std::optional<IcapEndpoint> response;
    std::uint16_t preview_bytes = 1024;
};

struct Rule {
    std::string name;
    std::vector<std::string> hosts;            // lower case; "api.example.com", or "*.example.com" for every name below it
    std::vector<proto::AddressRange> ranges;   // with hosts: what they may resolve to, private or not. Without: what may be dialled as is
    std::vector<std::uint16_t> ports;          // never empty
    Rung rung = Rung::passthrough;
    std::vector<std::string> methods;          // upper case; empty: all. Only what is parsed here can be held to it: HTTP and bump
    std::vector<std::string> paths;            // "/v1/*" or an exact path; empty: all
    std::optional<Injection> injection;
    std::optional<Icap> icap;                  // who is shown requests and answers, and may refuse them
    std::uint64_t budget_bytes = 0;            // both ways, per session; 0: none

    bool shows_certificate() const { return injection && injection->as == Shown::client_certificate; }
};

// EG-10: what a session does before somebody is told, and whether it is ended for it.
struct Tripwire {
    std::uint64_t bytes = 0;                   // 0: none of the three
    std::uint32_t destinations = 0;            // different host:port
    std::uint32_t connections_per_minute = 0;
    bool kill = false;
};

struct Config {
    std::vector<Rule> rules;
    std::vector<std::string> resolvers;        // numeric; empty: the host's own
    std::string extra_roots_pem;               // the customer's CA, besides the public ones
    Tripwire tripwire;
    std::optional<Webhook> webhook;            // who is told of it, besides the record
    proto::ChainedProxy proxy;                 // by which everything goes out; none: upstreams are dialled
    std::vector<SinkEndpoint> sinks;           // where the record is copied to; likewise. In the order of audit's own
    StoreEndpoint store;                       // where session files lie, if not here; no rule's, and nothing that a guest can reach
    StoreEndpoint cold;                        // where sealed segments of the record go, likewise
    std::string contact;                       // whom a guest that was refused may ask, in the manifest's words; empty: nobody is named
};

}  // namespace ocu::edge
