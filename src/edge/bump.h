// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How a bump begins (EG-7, EG-8, EG-9): the upstream's TLS is made and verified while custody signs a leaf; only then is the guest's handshake
// answered. An upstream that is not accepted is closed, and the guest's handshake is answered all the same, so that it can be told why.
// ALPN is mirrored: the upstream is offered what the guest's hello offers of h2 and http/1.1, and the guest gets what the upstream chose, so
// that nothing is translated between the two. `route.http1_only` leaves http/1.1 alone on both sides.
// Threading: the loop's thread. Callbacks run from the loop, one of them once.

#include <chrono>
#include <memory>
#include <unordered_map>

#include "edge/exchange.h"
#include "wire/tls_stream.h"

namespace ocu::edge {

struct ExchangeTools::Parts {
    struct Leaf {
        std::string der;
        Monotonic made;
    };
    static constexpr std::size_t kLeavesMax = 256;
    static constexpr std::chrono::minutes kLeafAgeMax{30};  // well within a leaf's own life

    Custody& custody;
    Clock const& clock;
    WithheldSet& withheld;
    LeafKey key{};
    std::shared_ptr<wire::TlsToUpstream> upstream;  // null: there are no roots
    std::shared_ptr<wire::TlsToGuest> guest;
    std::unordered_map<std::string, Leaf> leaves;

    std::string const* fresh_leaf(std::string const& host);
    void keep_leaf(std::string const& host, std::string der);
};

class Bump {
public:
    static constexpr std::chrono::milliseconds kHandshakeTime{10'000};  // of each side

    struct Opened {
        std::unique_ptr<wire::Transport> guest;
        std::unique_ptr<wire::Transport> upstream;  // null: not accepted, `refusal` says why; or not begun, as `bare` shows
        wire::TlsRefusal refusal = wire::TlsRefusal::none;
        wire::Alpn protocol = wire::Alpn::http11;  // of both sides
        bool no_common_protocol = false;  // with a refusal: what the guest speaks, the upstream does not
        std::unique_ptr<wire::Transport> bare = nullptr;  // a route with a client's certificate: its TLS waits for the first request
    };
    struct Calls {
        std::function<void(Opened)> opened;
        std::function<void(proto::Reason, std::string_view word)> failed;  // the guest's connection is reset
    };

    Bump(std::shared_ptr<ExchangeTools> tools, wire::Loop& loop, std::unique_ptr<wire::Transport> guest, std::string already,
        std::unique_ptr<wire::Transport> upstream, ExchangeRoute const& route, Calls calls);
    ~Bump();
    Bump(Bump const&) = delete;
    Bump& operator=(Bump const&) = delete;

private:
    struct State;
    std::shared_ptr<State> state_;  // shared, weakly, with what is pending
};

}  // namespace ocu::edge
