// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/tls_rules.h"

#include <arpa/inet.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include <algorithm>
#include <array>

#include "base/crypto/certificate.h"
#include "base/crypto/certificate_names.h"

namespace ocu::wire {

namespace {

constexpr char kSuites[] =
    "TLS13-AES256-GCM-SHA384:TLS13-AES128-GCM-SHA256:TLS13-CHACHA20-POLY1305-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr int kRsaBitsMin = 2048;
constexpr int kEcBitsMin = 256;
constexpr int kChainDepthMax = 8;
constexpr std::string_view kHttp11 = "http/1.1";
constexpr std::string_view kHttp2 = "h2";

// The library's own form of a list.
std::string names_of(AlpnOffer offer)
{
    std::string out;
    if (offer.h2) out.append(kHttp2);
    if (offer.h2 && offer.http11) out += ',';
    if (offer.http11) out.append(kHttp11);
    return out;
}

struct FreeContext {
    void operator()(WOLFSSL_CTX* context) const { wolfSSL_CTX_free(context); }
};
using Context = std::unique_ptr<WOLFSSL_CTX, FreeContext>;

// Versions, suites and groups by name: a default can change with the library. No resumption: what was verified is this connection.
bool set_common_rules(WOLFSSL_CTX* context)
{
    std::array<int, 2> groups{WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1};
    wolfSSL_CTX_set_session_cache_mode(context, WOLFSSL_SESS_CACHE_OFF);
    return wolfSSL_CTX_SetMinVersion(context, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_set_cipher_list(context, kSuites) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_set_groups(context, groups.data(), static_cast<int>(groups.size())) == WOLFSSL_SUCCESS;
}

// The library's own verdict stands; what it would still accept is refused here: SHA-1, short keys and unusual curves in the whole chain, and
// for the server's own certificate, which is the first, a common name or a part of a label as the name (EG-9).
int look_at_certificates(int good, WOLFSSL_X509_STORE_CTX* store)
{
    auto& verdict = *static_cast<TlsVerdict*>(store->userCtx);
    if (good == 0 && verdict.error == 0) verdict.error = store->error;
    for (int i = 0; i < store->totalCerts; ++i) {
        std::span const der(reinterpret_cast<std::byte const*>(store->certs[i].buffer), store->certs[i].length);
        if (crypto::is_weak_certificate(der)) verdict.weak = true;
        if (i == 0 && !crypto::is_certificate_for(der, verdict.name)) verdict.other_name = true;
    }
    return good != 0 && !verdict.weak && !verdict.other_name ? 1 : 0;
}

TlsSession open_session(WOLFSSL_CTX* context) { return {TlsSessionHandle(wolfSSL_new(context)), std::make_unique<TlsVerdict>(), nullptr}; }

class Upstream final : public TlsToUpstream, public std::enable_shared_from_this<Upstream> {
public:
    explicit Upstream(Context context) : context_(std::move(context)) {}

    Result<std::unique_ptr<TlsStream>> connect(
        Loop& loop, std::unique_ptr<Transport> inner, std::string const& name, AlpnOffer offer) override
    {
        return connect(loop, std::move(inner), name, offer, open_session(context_.get()));
    }

    Result<std::unique_ptr<TlsStream>> connect_as(
        Loop& loop, std::unique_ptr<Transport> inner, std::string const& name, TlsClientIdentity identity) override
    {
        auto session = open_session(context_.get());
        session.signer = std::make_unique<TlsSigner>(std::move(identity.sign));
        if (session.handle == nullptr || !session.signer->install(session.handle.get(), identity.chain_pem))
            return fail(Fault::malformed, "the client's certificate does not load");
        return connect(loop, std::move(inner), name, AlpnOffer{false, true}, std::move(session));
    }

private:
    Result<std::unique_ptr<TlsStream>> connect(
        Loop& loop, std::unique_ptr<Transport> inner, std::string const& name, AlpnOffer offer, TlsSession session)
    {
        WOLFSSL* const handle = session.handle.get();
        if (handle == nullptr || name.empty() || name.size() > 253) return fail(Fault::unavailable, "TLS session");
        session.verdict->name = name;
        wolfSSL_SetCertCbCtx(handle, session.verdict.get());
        std::string protocol = names_of(offer);  // the library takes it as a list that it may write to
        bool named = false;
        if (is_numeric_address(name))
            named = wolfSSL_X509_VERIFY_PARAM_set1_ip_asc(wolfSSL_get0_param(handle), name.c_str()) == WOLFSSL_SUCCESS;
        else
            named = wolfSSL_check_domain_name(handle, name.c_str()) == WOLFSSL_SUCCESS &&
                    wolfSSL_UseSNI(handle, WOLFSSL_SNI_HOST_NAME, name.data(), static_cast<unsigned short>(name.size())) == WOLFSSL_SUCCESS;
        if (!named || wolfSSL_UseALPN(handle, protocol.data(), static_cast<unsigned>(protocol.size()), WOLFSSL_ALPN_FAILED_ON_MISMATCH) !=
                          WOLFSSL_SUCCESS)
            return fail(Fault::unavailable, "TLS session rules were refused");
        wolfSSL_set_connect_state(handle);
        return make_tls_stream(loop, std::move(inner), std::move(session), shared_from_this(), {});
    }

    Context context_;
};

// The one that was chosen for it, or the handshake ends; a client without ALPN is not asked, and speaks HTTP/1.1. `wanted`: a string_view.
int choose_protocol(
    WOLFSSL*, unsigned char const** out, unsigned char* out_size, unsigned char const* in, unsigned int in_size, void* wanted)
{
    for (unsigned at = 0; at < in_size; at += 1u + in[at]) {
        unsigned const size = in[at];
        if (size > in_size - at - 1) break;
        if (std::string_view(reinterpret_cast<char const*>(in + at + 1), size) != *static_cast<std::string_view const*>(wanted)) continue;
        *out = in + at + 1;
        *out_size = static_cast<unsigned char>(size);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Rules without an identity: the library opens no session on them, so each one has its own with its leaf.
Context make_guest_context(Alpn choice = Alpn::http11)
{
    Context context(wolfSSL_CTX_new(wolfTLS_server_method()));
    if (!context || !set_common_rules(context.get())) return nullptr;
    wolfSSL_CTX_set_verify(context.get(), WOLFSSL_VERIFY_NONE, nullptr);  // a guest shows a token, not a certificate
    // The library's argument is not const; what it points to is never written.
    auto const* const wanted = choice == Alpn::h2 ? &kHttp2 : &kHttp11;
    wolfSSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, const_cast<std::string_view*>(wanted));
    return wolfSSL_CTX_no_ticket_TLSv13(context.get()) == 0 ? std::move(context) : nullptr;
}

class Guest final : public TlsToGuest, public std::enable_shared_from_this<Guest> {
public:
    explicit Guest(Secret key_pem) : key_pem_(std::move(key_pem)) {}

    Result<std::unique_ptr<TlsStream>> accept(
        Loop& loop, std::unique_ptr<Transport> inner, std::string_view leaf_der, std::string already, Alpn choice) override
    {
        auto const context = make_guest_context(choice);
        if (!context) return fail(Fault::unavailable, "TLS rules were refused");
        auto const bytes_of = [](auto const& text) { return reinterpret_cast<unsigned char const*>(text.data()); };
        auto const key = key_pem_.bytes();
        if (wolfSSL_CTX_use_certificate_buffer(
                context.get(), bytes_of(leaf_der), static_cast<long>(leaf_der.size()), WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
            wolfSSL_CTX_use_PrivateKey_buffer(context.get(), bytes_of(key), static_cast<long>(key.size()), WOLFSSL_FILETYPE_PEM) !=
                WOLFSSL_SUCCESS)
            return fail(Fault::malformed, "the leaf does not load");
        auto session = open_session(context.get());
        WOLFSSL* const handle = session.handle.get();
        // Whatever name is asked for is kept for server_name(); whether it is the route's is judged there.
        constexpr char kAny[] = "*";
        if (handle == nullptr || wolfSSL_UseSNI(handle, WOLFSSL_SNI_HOST_NAME, kAny, 1) != WOLFSSL_SUCCESS)
            return fail(Fault::unavailable, "TLS session");
        wolfSSL_SNI_SetOptions(handle, WOLFSSL_SNI_HOST_NAME, WOLFSSL_SNI_ANSWER_ON_MISMATCH);
        wolfSSL_set_accept_state(handle);
        return make_tls_stream(loop, std::move(inner), std::move(session), shared_from_this(), std::move(already));
    }

private:
    Secret key_pem_;
};

}  // namespace

bool is_numeric_address(std::string const& name)
{
    std::array<unsigned char, 16> out{};
    return ::inet_pton(AF_INET, name.c_str(), out.data()) == 1 || ::inet_pton(AF_INET6, name.c_str(), out.data()) == 1;
}

TlsRefusal tls_refusal_of(int error, int alert_received, TlsVerdict const& verdict)
{
    if (verdict.error != 0) error = verdict.error;
    switch (error) {
    case ASN_BEFORE_DATE_E:
    case ASN_AFTER_DATE_E: return TlsRefusal::dates;
    case DOMAIN_NAME_MISMATCH:
    case IPADDR_MISMATCH: return TlsRefusal::name;
    case RSA_KEY_SIZE_E:
    case ECC_KEY_SIZE_E: return TlsRefusal::weak;
    case ASN_NO_SIGNER_E:
    case ASN_SELF_SIGNED_E:
    case ASN_SIG_CONFIRM_E:
    case ASN_PATHLEN_INV_E:
    case ASN_PATHLEN_SIZE_E:
    case ASN_NAME_INVALID_E:
    case NOT_CA_ERROR:
    case KEYUSAGE_E:
    case EXTKEYUSAGE_E:
    case EXTKEYUSE_AUTH_E:
    case KEYUSE_SIGNATURE_E:
    case MAX_CHAIN_ERROR: return TlsRefusal::chain;
    case VERIFY_CERT_ERROR:
        if (verdict.weak) return TlsRefusal::weak;
        return verdict.other_name ? TlsRefusal::name : TlsRefusal::chain;
    case UNKNOWN_ALPN_PROTOCOL_NAME_E:
    case VERSION_ERROR: return TlsRefusal::protocol;
    default:
        return alert_received == no_application_protocol || alert_received == protocol_version ? TlsRefusal::protocol : TlsRefusal::grammar;
    }
}

Result<std::shared_ptr<TlsToUpstream>> TlsToUpstream::make(std::string_view roots_pem)
{
    Context context(wolfSSL_CTX_new(wolfTLS_client_method()));
    if (!context || !set_common_rules(context.get())) return fail(Fault::unavailable, "TLS rules were refused");
    // Set here, never left to a default.
    wolfSSL_CTX_set_verify(context.get(), WOLFSSL_VERIFY_PEER, &look_at_certificates);
    wolfSSL_CTX_set_verify_depth(context.get(), kChainDepthMax);
    TlsSigner::allow(context.get());
    if (wolfSSL_CTX_SetMinRsaKey_Sz(context.get(), kRsaBitsMin) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_SetMinEccKey_Sz(context.get(), kEcBitsMin) != WOLFSSL_SUCCESS)
        return fail(Fault::unavailable, "TLS key sizes were refused");
    // One by one: the library gives the rest of a bundle up at the first root that it does not like.
    constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
    std::size_t loaded = 0;
    for (auto end = roots_pem.find(kEnd); end != std::string_view::npos; end = roots_pem.find(kEnd)) {
        auto const block = roots_pem.substr(0, end + kEnd.size());
        loaded += wolfSSL_CTX_load_verify_buffer(context.get(), reinterpret_cast<unsigned char const*>(block.data()),
                      static_cast<long>(block.size()), WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS;
        roots_pem.remove_prefix(block.size());
    }
    if (loaded == 0) return fail(Fault::malformed, "no root loads");
    return std::make_shared<Upstream>(std::move(context));
}

Result<std::shared_ptr<TlsToGuest>> TlsToGuest::make(Secret const& key_pem)
{
    if (!make_guest_context()) return fail(Fault::unavailable, "TLS rules were refused");
    return std::make_shared<Guest>(OCU_TRY(Secret::copy_of(key_pem.bytes())));
}

}  // namespace ocu::wire
