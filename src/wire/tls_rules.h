// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Between tls_rules.cpp, which says what is acceptable, and tls_stream.cpp, which moves bytes. Nobody else includes it.

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include <memory>
#include <string>

#include "wire/tls_signer.h"
#include "wire/tls_stream.h"

namespace ocu::wire {

// What the look at a peer's certificates found, written in the middle of the library's handshake.
struct TlsVerdict {
    std::string name;   // whom the certificate must be for
    int error = 0;      // the library's own
    bool weak = false;
    bool other_name = false;
};

struct FreeTlsSession {
    void operator()(WOLFSSL* session) const { wolfSSL_free(session); }
};
using TlsSessionHandle = std::unique_ptr<WOLFSSL, FreeTlsSession>;

struct TlsSession {
    TlsSessionHandle handle;
    std::unique_ptr<TlsVerdict> verdict;
    std::unique_ptr<TlsSigner> signer;  // null: no certificate is shown
};

TlsRefusal tls_refusal_of(int error, int alert_received, TlsVerdict const& verdict);

std::unique_ptr<TlsStream> make_tls_stream(
    Loop& loop, std::unique_ptr<Transport> inner, TlsSession session, std::shared_ptr<void> rules, std::string already);

}  // namespace ocu::wire
