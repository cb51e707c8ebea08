// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/tls_signer.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/crypto/certificate.h"

// The library's own (tls13.c), linked statically but not in its installed headers: the padding, label and hash that a CertificateVerify
// signs. What it says is checked against the digest that the library asks to have signed.
extern "C" int CreateSigData(WOLFSSL* ssl, unsigned char* data, unsigned short* size, int check);

namespace ocu::wire {

namespace {

constexpr std::size_t kBeforeHash = 64 + 33 + 1;
constexpr std::string_view kLabel = "TLS 1.3, client CertificateVerify";

// The hash of the handshake so far, if `digest` is that of a TLS 1.3 client's proof with SHA-256.
std::optional<std::string> handshake_hash(WOLFSSL* session, std::span<unsigned char const> digest)
{
    std::array<unsigned char, 256> data{};
    unsigned short size = 0;
    if (CreateSigData(session, data.data(), &size, 0) != 0 || size <= kBeforeHash || size > data.size()) return std::nullopt;
    std::string_view const text(reinterpret_cast<char const*>(data.data()), size);
    if (text.substr(64, kLabel.size()) != kLabel) return std::nullopt;
    auto const own = crypto::sha256(std::as_bytes(std::span(text)));
    if (!std::ranges::equal(own, digest)) return std::nullopt;
    return std::string(text.substr(kBeforeHash));
}

}  // namespace

struct TlsSigner::State {
    enum class Phase : std::uint8_t { idle, wanted, asked, answered, used, refused };

    TlsClientIdentity::Sign sign;
    Phase phase = Phase::idle;
    std::string hash;
    std::string signature;
};

TlsSigner::TlsSigner(TlsClientIdentity::Sign sign) : state_(std::make_shared<State>()) { state_->sign = std::move(sign); }

void TlsSigner::allow(WOLFSSL_CTX* context) { wolfSSL_CTX_SetEccSignCb(context, &TlsSigner::called); }

bool TlsSigner::install(WOLFSSL* session, std::string_view chain_pem)
{
    auto const key = crypto::make_p256_key();
    auto const pem = key ? crypto::p256_key_pem(*key) : std::unexpected(key.error());
    if (!pem) return false;
    auto const bytes_of = [](auto const* data) { return reinterpret_cast<unsigned char const*>(data); };
    wolfSSL_SetEccSignCtx(session, state_.get());
    // TLS 1.2 signs a hash that says nothing of what it is for, in which only the handshake's own bytes are: not asked of a key in custody.
    return wolfSSL_SetMinVersion(session, WOLFSSL_TLSV1_3) == WOLFSSL_SUCCESS &&
           wolfSSL_use_certificate_chain_buffer(session, bytes_of(chain_pem.data()), static_cast<long>(chain_pem.size())) ==
               WOLFSSL_SUCCESS &&
           wolfSSL_use_PrivateKey_buffer(
               session, bytes_of(pem->bytes().data()), static_cast<long>(pem->bytes().size()), WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS;
}

// Called again each time the handshake is tried: nothing of it was sent before this returned 0.
int TlsSigner::called(WOLFSSL* session, unsigned char const* digest, unsigned digest_size, unsigned char* out, unsigned* out_size,
    unsigned char const*, unsigned, void* given)
{
    if (given == nullptr) return BAD_STATE_E;
    auto& state = *static_cast<State*>(given);
    if (state.phase == State::Phase::wanted || state.phase == State::Phase::asked) return WC_PENDING_E;
    auto hash = handshake_hash(session, {digest, digest_size});
    if (!hash || state.phase == State::Phase::refused) return BAD_STATE_E;
    if (state.phase == State::Phase::idle) {
        state.hash = *std::move(hash);
        state.phase = State::Phase::wanted;
        return WC_PENDING_E;
    }
    // Of this handshake, once.
    if (state.phase != State::Phase::answered || *hash != state.hash || state.signature.size() > *out_size) return BAD_STATE_E;
    std::memcpy(out, state.signature.data(), state.signature.size());
    *out_size = static_cast<unsigned>(state.signature.size());
    state.phase = State::Phase::used;
    return 0;
}

bool TlsSigner::waits() const { return state_->phase == State::Phase::wanted || state_->phase == State::Phase::asked; }
bool TlsSigner::used() const { return state_->phase == State::Phase::used; }

void TlsSigner::ask(std::function<void()> resume)
{
    if (state_->phase != State::Phase::wanted) return;
    state_->phase = State::Phase::asked;
    state_->sign(state_->hash, [weak = std::weak_ptr(state_), resume = std::move(resume)](std::optional<std::string> signature) {
        auto const state = weak.lock();
        if (!state || state->phase != State::Phase::asked) return;
        state->phase = signature ? State::Phase::answered : State::Phase::refused;
        if (signature) state->signature = *std::move(signature);
        resume();
    });
}

}  // namespace ocu::wire
