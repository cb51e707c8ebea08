// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The upstream's TLS where the credential is a client's certificate: made only once a request has presented the session's token and its lease
// was redeemed (invariant 4), with a proof that custody signs for that lease, token and destination. What comes of it serves the requests
// of one connection, each of which must present the token as well. Threading: the loop's thread.

#include "edge/bump.h"

namespace ocu::edge {

class CertifiedUpstream {
public:
    struct Terms {
        std::uint64_t lease = 0;
        std::string token;
        std::string destination;  // what the lease names
        std::string upstream_name;  // whose certificate the upstream must show
        std::string chain_pem;  // what is shown to it
    };
    // `upstream` is null if the reason is not none: upstream_unverified, or what custody said. From the loop, once, unless this has gone.
    using Done = std::function<void(std::unique_ptr<wire::Transport> upstream, proto::Reason reason, std::string_view word)>;

    CertifiedUpstream(
        std::shared_ptr<ExchangeTools> tools, wire::Loop& loop, std::unique_ptr<wire::Transport> bare, Terms terms, Done done);
    ~CertifiedUpstream();
    CertifiedUpstream(CertifiedUpstream const&) = delete;
    CertifiedUpstream& operator=(CertifiedUpstream const&) = delete;

private:
    struct State;
    std::shared_ptr<State> state_;  // shared, weakly, with what is pending
};

}  // namespace ocu::edge
