// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// TLS on both sides of a bump (EG-7, EG-9): towards the guest as a server with a leaf made for one host, towards the upstream as a client
// that accepts nothing less than a good chain, name and date. TLS 1.3, and 1.2 with ECDHE and AEAD alone; X25519 and P-256; HTTP/1.1 or
// HTTP/2 by ALPN, as the caller offers and chooses.
// A stream lies on another Transport and moves its bytes through wolfSSL in memory; handlers run later, as Transport says. What a peer can make
// it keep is bounded: one record each way, and 256 KiB of handshake.
// Threading: the loop's thread.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "wire/http_transport.h"

namespace ocu::wire {

// Why a handshake came to nothing.
enum class TlsRefusal : std::uint8_t {
    none,
    chain,  // the certificate leads to no root, or may not be used so
    dates,  // it is not valid yet, or no longer
    name,  // it is for another host
    weak,  // a key or signature of the chain is too weak
    protocol,  // no common protocol (ALPN) or version
    grammar,  // it does not speak TLS, or ended the handshake
    unasked,  // it did not ask for the certificate that was to be shown to it
    kLast = unasked
};

constexpr std::string_view name_of(TlsRefusal refusal)
{
    constexpr std::string_view kNames[] = {"none", "chain", "dates", "name", "weak", "protocol", "grammar", "unasked"};
    return kNames[static_cast<std::size_t>(refusal)];
}

enum class Alpn : std::uint8_t { http11, h2 };
struct AlpnOffer {
    bool h2 = false;
    bool http11 = true;
    bool operator==(AlpnOffer const&) const = default;
};

class TlsStream : public Transport {
public:
    virtual TlsRefusal refusal() const = 0;  // after handshake() ended with Moved::end
    virtual std::string_view server_name() const = 0;  // server: what the client asked for (SNI), as it wrote it; empty if it did not
    // After the handshake: what was agreed on; http11 where ALPN was not spoken.
    virtual Alpn protocol() const = 0;
};

// IPv4 or IPv6 as it is written without brackets: such a "name" has no SNI.
bool is_numeric_address(std::string const& name);

// What is shown to an upstream that asks for a certificate; the key is elsewhere.
struct TlsClientIdentity {
    // Called once with the hash of the handshake so far (32 or 48 bytes); answers later, on the loop's thread, with an ECDSA signature in DER of
    // what RFC 8446, 4.4.3 makes of it, or nothing. The answer may come when the stream has gone.
    using Sign = std::function<void(std::string handshake_hash, std::function<void(std::optional<std::string>)> then)>;

    std::string chain_pem;  // leaf first, of a P-256 key
    Sign sign;
};

// What the streams towards upstreams share: roots and rules.
class TlsToUpstream {
public:
    // Roots that do not load or are not valid now are passed over. Errors: malformed (none is left), unavailable.
    static Result<std::shared_ptr<TlsToUpstream>> make(std::string_view roots_pem);
    virtual ~TlsToUpstream() = default;
    // `name`: DNS name (also sent as SNI) or numeric address; the certificate must be for it. Errors: unavailable.
    // `offer` is not empty. A server that chooses none of it ends in TlsRefusal::protocol; one that does not know ALPN speaks http11.
    virtual Result<std::unique_ptr<TlsStream>> connect(
        Loop& loop, std::unique_ptr<Transport> inner, std::string const& name, AlpnOffer offer = {}) = 0;
    // TLS 1.3 and HTTP/1.1 alone; an upstream that does not ask for the certificate is not accepted (unasked). Errors: unavailable, malformed
    // (the chain).
    virtual Result<std::unique_ptr<TlsStream>> connect_as(
        Loop& loop, std::unique_ptr<Transport> inner, std::string const& name, TlsClientIdentity identity) = 0;
};

// What the streams towards guests share: the key of all leaves (SEC 1 or PKCS#8, PEM) and the rules.
class TlsToGuest {
public:
    static Result<std::shared_ptr<TlsToGuest>> make(Secret const& key_pem);
    virtual ~TlsToGuest() = default;
    // `already`: the first bytes that came from the guest. A guest whose ALPN leaves `choice` out is not served; one without ALPN gets http11.
    // Errors: malformed (the leaf does not load), unavailable.
    virtual Result<std::unique_ptr<TlsStream>> accept(
        Loop& loop, std::unique_ptr<Transport> inner, std::string_view leaf_der, std::string already, Alpn choice = Alpn::http11) = 0;
};

}  // namespace ocu::wire
