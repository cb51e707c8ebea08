// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The manifest's audit.sinks (AU-6): where the record is copied to. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "appliance/manifest/admit_egress.h"
#include "audit/sink.h"

namespace ocu::manifest {

// What custody keeps for one sink; names of credentials, empty: none.
struct SinkKeys {
    std::string client;  // the certificate that is shown
    std::string token;   // what stands in Authorization
};

// In the order of the manifest, one of each for each sink.
struct Sinks {
    std::vector<audit::Sink> sinks;
    std::vector<edge::SinkEndpoint> endpoints;
    std::vector<SinkKeys> keys;
};

// `list` fits the schema. `egress`: all else that is lent or signs. `store`: the credential of the store elsewhere, empty: there is none.
Admission<Sinks> admit_sinks(wire::JsonView list, edge::Config const& egress, std::vector<Credential> const& credentials, std::string_view store);

// An HTTPS place: what `sink` and `out` have of url, addresses and ca.
Admission<void> admit_elsewhere(std::string const& key, wire::JsonView wanted, audit::Sink& sink, edge::SinkEndpoint& out);
Admission<void> admit_client_certificate(std::string const& key, std::string_view name, std::vector<Credential> const& credentials);

// Each in a line; empty: there are none.
std::string explain_sinks(Sinks const& sinks);

}  // namespace ocu::manifest
