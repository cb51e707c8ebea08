// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A client's certificate whose key is elsewhere: when the TLS 1.3 handshake comes to its CertificateVerify it stands still, the handshake's
// hash is asked to be signed, and it goes on with the answer. No key is here: the library is given one that was made for nothing, since
// it sends no certificate without one. Between tls_rules.cpp and tls_stream.cpp; nobody else includes it. Threading: the loop's thread.

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wire/tls_stream.h"

namespace ocu::wire {

class TlsSigner {
public:
    explicit TlsSigner(TlsClientIdentity::Sign sign);
    // Once for the rules that sessions are made of. A session without a signer shows no certificate all the same.
    static void allow(WOLFSSL_CTX* context);
    // This must outlive `session`. False: the chain does not load.
    bool install(WOLFSSL* session, std::string_view chain_pem);

    // Whether the handshake failed only because it waits for a signature.
    bool waits() const;
    // Asks, if that was not done yet; `resume` runs once, with the answer, unless this has gone.
    void ask(std::function<void()> resume);
    // Whether a signature was given to the handshake: the peer has asked for the certificate.
    bool used() const;

private:
    struct State;
    static int called(WOLFSSL* session, unsigned char const* digest, unsigned digest_size, unsigned char* out, unsigned* out_size,
        unsigned char const* key, unsigned key_size, void* state);

    std::shared_ptr<State> state_;  // shared, weakly, with the question that is open
};

}  // namespace ocu::wire
