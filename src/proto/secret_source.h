// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where a rule's credential is asked for, if it is not sealed in the manifest (docs/formats/secret-source.md). From the manifest; no secret.

#include <string>
#include <vector>

#include "proto/edge_to_uplink.h"

namespace ocu::proto {

struct SecretSource {
    std::string unix_path;  // absolute; or, if empty, an endpoint:
    std::string host;  // name or numeric address, without brackets
    std::uint16_t port = 0;
    std::vector<AddressRange> ranges;  // as Dial's
    std::string ca_pem;  // the only roots that are believed
    std::string client;  // the client_certificate that is shown: a name in credentials[]

    bool is_numeric() const { return host.find_first_not_of("0123456789.") == std::string::npos || host.contains(':'); }
    // How HTTP calls it.
    std::string authority() const
    {
        if (!unix_path.empty()) return "localhost";
        auto const shown = host.contains(':') ? "[" + host + "]" : host;
        return port == 443 ? shown : shown + ":" + std::to_string(port);
    }
    // For people and the record.
    std::string label() const { return unix_path.empty() ? "https://" + authority() : "unix:" + unix_path; }
    bool operator==(SecretSource const&) const = default;
};

}  // namespace ocu::proto
