// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Leaf certificates for one channel: signed once for each host and key, then given again; so many signatures a minute (EG-8, CU-4, T-06).
// Whether the session has a route to that host is not known here: a leaf without a connection that the edge thread opened shows nothing
// to anybody but the guest that made it ask.

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/crypto/certificate.h"

namespace ocu::custody {

// Lower-case DNS name, or a numeric address as the kernel prints it.
enum class HostForm { none, name, address };
HostForm form_of(std::string_view host);

class Leaves {
public:
    Leaves(crypto::Authority const& authority, Clock const& clock) : authority_(authority), clock_(clock) {}
    // DER. Errors: malformed (no host, no point), over_limit (too many signatures in a minute), os.
    Result<std::vector<std::uint8_t>> leaf(std::string_view host, crypto::P256Point const& public_key);

private:
    struct Kept {
        std::vector<std::uint8_t> der;
        Monotonic made;
    };
    using Key = std::pair<std::string, crypto::P256Point>;

    crypto::Authority const& authority_;
    Clock const& clock_;
    std::map<Key, Kept> kept_;
    std::deque<Key> order_;         // of making
    std::deque<Monotonic> signed_;  // within the last minute
};

}  // namespace ocu::custody
