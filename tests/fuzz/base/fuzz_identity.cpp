// SPDX-License-Identifier: GPL-3.0-or-later
// The certificate chain that a manifest brings, judged against a key that is not its own; and a client's chain with its key.

#include "base/assert.h"
#include "base/crypto/client_identity.h"

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size)
{
    using namespace ocu;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    static Secret const key = *crypto::p256_key_pem(*crypto::make_p256_key());
    constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'800'000'000)};
    OCU_ASSERT(crypto::judge_identity(text, key, kNow) != crypto::IdentityFault::none);
    if (!text.empty()) {
        // What is shown of a client's identity never has its key in it, whatever was sealed.
        auto const client = crypto::read_client_identity(*Secret::copy_of(std::as_bytes(std::span(text))));
        OCU_ASSERT(!client || !client->chain_pem.contains("PRIVATE KEY"));
    }
    (void)crypto::certificate_key_pin(text);
    if (auto const digest = crypto::certificate_fingerprint(text)) OCU_ASSERT(crypto::fingerprint_text(*digest).size() == 95);
    return 0;
}
