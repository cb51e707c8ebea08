// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The client's side of one TLS 1.3 connection, without a socket: bytes from the peer go in, bytes for the peer come out, and whoever owns
// the descriptor moves them. The peer must show a certificate for `name` that leads to one of `roots_pem` and nothing else, valid now by
// the wall clock, and must agree on `protocol` (ALPN). Revocation is not asked for: there is nobody to ask.
// Threading: one thread.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace ocu::crypto {

class TlsClient {
public:
    struct Rules {
        std::string name;       // of the host, as its certificate has it
        std::string roots_pem;  // one or more
        std::string protocol;   // for instance "ntske/1"
    };
    // Why a peer was not accepted.
    enum class Refusal : std::uint8_t {
        none,
        chain,     // its certificate leads to no root
        dates,     // it is not valid yet, or no longer
        name,      // it is for another host
        protocol,  // it does not speak ours
        grammar,   // it does not speak TLS 1.3, or ended the handshake
    };
    enum class Progress : std::uint8_t { waiting, done };

    // Errors: malformed (the roots do not load), denied (one of them is not valid now), unavailable (the library fails).
    static Result<TlsClient> make(Rules const& rules);
    TlsClient(TlsClient&&) noexcept;
    TlsClient& operator=(TlsClient&&) noexcept;
    ~TlsClient();

    // Bytes that came from the peer. Errors: over_limit (more than any handshake and answer needs).
    Result<void> received(std::span<std::byte const> bytes);
    // Bytes to send to the peer; they are no longer here afterwards.
    std::vector<std::byte> to_send();

    // Goes on as far as the bytes reach. Errors: denied; refusal() says why.
    Result<Progress> handshake();
    Refusal refusal() const;

    // After the handshake. Queues all of `bytes` for to_send(). Errors: unavailable.
    Result<void> write(std::span<std::byte const> bytes);
    // What can be read now, at most `size_max`: nothing while waiting. Errors: unavailable (the peer has ended), malformed.
    Result<std::vector<std::byte>> read(std::size_t size_max);
    // RFC 5705 / RFC 8446 section 7.5: fills `out` with keys that both sides alone can derive. Errors: unavailable.
    Result<void> export_keys(Literal label, std::span<std::byte const> context, Secret& out);

private:
    struct State;
    explicit TlsClient(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace ocu::crypto
