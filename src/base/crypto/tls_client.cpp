// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/crypto/tls_client.h"

#include "base/assert.h"
#include "base/crypto/wolf.h"

#include <wolfssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace ocu::crypto {

namespace {

constexpr std::size_t kReceivedBytesMax = 128u << 10;  // a chain of certificates and an answer, with room to spare
constexpr int kRsaBitsMin = 2048;
constexpr int kEcBitsMin = 256;

TlsClient::Refusal refusal_of(int error)
{
    switch (error) {
    case ASN_BEFORE_DATE_E:
    case ASN_AFTER_DATE_E: return TlsClient::Refusal::dates;
    case DOMAIN_NAME_MISMATCH:
    case IPADDR_MISMATCH: return TlsClient::Refusal::name;
    case ASN_NO_SIGNER_E:
    case ASN_SELF_SIGNED_E:
    case ASN_SIG_CONFIRM_E:
    case ASN_PATHLEN_INV_E:
    case ASN_PATHLEN_SIZE_E:
    case ASN_NAME_INVALID_E:
    case NOT_CA_ERROR:
    case KEYUSAGE_E:
    case EXTKEYUSAGE_E:
    case RSA_KEY_SIZE_E:
    case ECC_KEY_SIZE_E:
    case VERIFY_CERT_ERROR: return TlsClient::Refusal::chain;
    case UNKNOWN_ALPN_PROTOCOL_NAME_E: return TlsClient::Refusal::protocol;
    default: return TlsClient::Refusal::grammar;
    }
}

}  // namespace

struct TlsClient::State {
    ~State()
    {
        wolfSSL_free(session);
        wolfSSL_CTX_free(context);
    }
    // Called by the library in the middle of its calls, with `this`.
    static int receive(WOLFSSL*, char* into, int size, void* self)
    {
        auto& state = *static_cast<State*>(self);
        auto const count = std::min(state.in.size() - state.in_start, static_cast<std::size_t>(size));
        if (count == 0) return WOLFSSL_CBIO_ERR_WANT_READ;
        std::memcpy(into, state.in.data() + state.in_start, count);
        state.in_start += count;
        return static_cast<int>(count);
    }
    static int send(WOLFSSL*, char* from, int size, void* self)
    {
        auto const bytes = std::as_bytes(std::span(from, static_cast<std::size_t>(size)));
        auto& out = static_cast<State*>(self)->out;
        out.insert(out.end(), bytes.begin(), bytes.end());
        return size;
    }
    Result<void> set_rules(Rules const& rules);
    Result<void> open_session();

    WOLFSSL_CTX* context = nullptr;
    WOLFSSL* session = nullptr;
    std::string name;
    std::string protocol;
    std::vector<std::byte> in;
    std::size_t in_start = 0;
    std::vector<std::byte> out;
    Refusal refusal = Refusal::none;
};

Result<void> TlsClient::State::set_rules(Rules const& rules)
{
    name = rules.name;
    protocol = rules.protocol;
    context = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
    if (context == nullptr) return fail(Fault::unavailable, "TLS context");
    wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER, nullptr);
    wolfSSL_CTX_set_session_cache_mode(context, WOLFSSL_SESS_CACHE_OFF);
    int const loaded = wolfSSL_CTX_load_verify_buffer(context, reinterpret_cast<unsigned char const*>(rules.roots_pem.data()),
        static_cast<long>(rules.roots_pem.size()), WOLFSSL_FILETYPE_PEM);
    if (loaded != WOLFSSL_SUCCESS && refusal_of(loaded) == Refusal::dates) return fail(Fault::denied, "a root is not valid now");
    if (loaded != WOLFSSL_SUCCESS) return fail(Fault::malformed, "the roots do not load");
    std::array<int, 2> groups{WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1};
    if (wolfSSL_CTX_SetMinRsaKey_Sz(context, kRsaBitsMin) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_SetMinEccKey_Sz(context, kEcBitsMin) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_groups(context, groups.data(), static_cast<int>(groups.size())) != WOLFSSL_SUCCESS)
        return fail(Fault::unavailable, "TLS rules were refused");
    wolfSSL_CTX_SetIORecv(context, &State::receive);
    wolfSSL_CTX_SetIOSend(context, &State::send);
    return {};
}

Result<void> TlsClient::State::open_session()
{
    session = wolfSSL_new(context);
    if (session == nullptr) return fail(Fault::unavailable, "TLS session");
    wolfSSL_SetIOReadCtx(session, this);
    wolfSSL_SetIOWriteCtx(session, this);
    wolfSSL_KeepArrays(session);  // what export_keys() derives from
    if (wolfSSL_check_domain_name(session, name.c_str()) != WOLFSSL_SUCCESS ||
        wolfSSL_UseSNI(session, WOLFSSL_SNI_HOST_NAME, name.data(), static_cast<unsigned short>(name.size())) != WOLFSSL_SUCCESS ||
        wolfSSL_UseALPN(session, protocol.data(), static_cast<unsigned>(protocol.size()), WOLFSSL_ALPN_FAILED_ON_MISMATCH) !=
            WOLFSSL_SUCCESS)
        return fail(Fault::unavailable, "TLS session rules were refused");
    return {};
}

TlsClient::TlsClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsClient::TlsClient(TlsClient&&) noexcept = default;
TlsClient& TlsClient::operator=(TlsClient&&) noexcept = default;
TlsClient::~TlsClient() = default;

Result<TlsClient> TlsClient::make(Rules const& rules)
{
    OCU_ASSERT(!rules.name.empty() && rules.name.size() <= 253 && !rules.protocol.empty() && rules.protocol.size() <= 64);
    auto state = std::make_unique<State>();
    OCU_CHECK(state->set_rules(rules));
    OCU_CHECK(state->open_session());
    return TlsClient(std::move(state));
}

Result<void> TlsClient::received(std::span<std::byte const> bytes)
{
    auto& in = state_->in;
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(std::exchange(state_->in_start, 0)));
    if (bytes.size() > kReceivedBytesMax - in.size()) return fail(Fault::over_limit, "too much from a TLS server");
    in.insert(in.end(), bytes.begin(), bytes.end());
    return {};
}

std::vector<std::byte> TlsClient::to_send() { return std::exchange(state_->out, {}); }

TlsClient::Refusal TlsClient::refusal() const { return state_->refusal; }

Result<TlsClient::Progress> TlsClient::handshake()
{
    int const done = wolfSSL_connect(state_->session);
    if (done != WOLFSSL_SUCCESS) {
        int const error = wolfSSL_get_error(state_->session, done);
        if (error == WOLFSSL_ERROR_WANT_READ) return Progress::waiting;
        WOLFSSL_ALERT_HISTORY alerts{};
        (void)wolfSSL_get_alert_history(state_->session, &alerts);
        state_->refusal = alerts.last_rx.code == no_application_protocol ? Refusal::protocol : refusal_of(error);
        return fail(Fault::denied, "TLS server was refused");
    }
    // A server that leaves ALPN out has agreed to nothing, and the library lets that pass.
    char* agreed = nullptr;
    unsigned short size = 0;
    if (wolfSSL_ALPN_GetProtocol(state_->session, &agreed, &size) != WOLFSSL_SUCCESS ||
        std::string_view(agreed, size) != state_->protocol) {
        state_->refusal = Refusal::protocol;
        return fail(Fault::denied, "TLS server speaks another protocol");
    }
    return Progress::done;
}

Result<void> TlsClient::write(std::span<std::byte const> bytes)
{
    int const size = static_cast<int>(bytes.size());
    if (wolfSSL_write(state_->session, bytes.data(), size) != size) return fail(Fault::unavailable, "TLS write");
    return {};
}

Result<std::vector<std::byte>> TlsClient::read(std::size_t size_max)
{
    std::vector<std::byte> out(size_max);
    int const got = wolfSSL_read(state_->session, out.data(), static_cast<int>(size_max));
    if (got <= 0) {
        int const error = wolfSSL_get_error(state_->session, got);
        if (error == WOLFSSL_ERROR_ZERO_RETURN) return fail(Fault::unavailable, "TLS server has ended");
        if (error != WOLFSSL_ERROR_WANT_READ) return fail(Fault::malformed, "TLS server broke the grammar");
    }
    out.resize(static_cast<std::size_t>(std::max(got, 0)));
    return out;
}

Result<void> TlsClient::export_keys(Literal label, std::span<std::byte const> context, Secret& out)
{
    if (wolfSSL_export_keying_material(state_->session, wolf(out.bytes().data()), out.bytes().size(), label.view().data(),
            label.view().size(), wolf(context.data()), context.size(), 1) != WOLFSSL_SUCCESS)
        return fail(Fault::unavailable, "TLS keys do not export");
    return {};
}

}  // namespace ocu::crypto
