// SPDX-License-Identifier: GPL-3.0-or-later
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>

#include "base/crypto/certificate.h"
#include "base/crypto/wolf.h"

namespace ocu::crypto {

namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
constexpr std::size_t kRsaBytesMin = 2048 / 8;

// One certificate, parsed. The library's structure points into `der`.
class Parsed {
public:
    explicit Parsed(std::vector<byte> der) : der_(std::move(der)), decoded_(std::make_unique<DecodedCert>())
    {
        wc_InitDecodedCert(decoded_.get(), der_.data(), static_cast<word32>(der_.size()), nullptr);
        good_ = wc_ParseCert(decoded_.get(), CERT_TYPE, NO_VERIFY, nullptr) == 0;
    }
    Parsed(Parsed&&) = default;
    ~Parsed()
    {
        if (decoded_) wc_FreeDecodedCert(decoded_.get());
    }

    bool good() const { return good_; }
    std::span<byte const> der() const { return der_; }
    DecodedCert const& operator*() const { return *decoded_; }
    DecodedCert const* operator->() const { return decoded_.get(); }

private:
    std::vector<byte> der_;
    std::unique_ptr<DecodedCert> decoded_;
    bool good_ = false;
};

// Cuts the next certificate off `pem`. Text before it (names, as some programs print them) is passed over.
std::optional<std::vector<byte>> next_certificate(std::string_view& pem)
{
    auto const begin = pem.find(kBegin);
    auto const end = begin == std::string_view::npos ? begin : pem.find(kEnd, begin);
    if (end == std::string_view::npos) return std::nullopt;
    auto const block = pem.substr(begin, end + kEnd.size() - begin);
    pem.remove_prefix(end + kEnd.size());
    std::vector<byte> der(block.size());
    int const size = wc_CertPemToDer(reinterpret_cast<unsigned char const*>(block.data()), static_cast<int>(block.size()), der.data(),
        static_cast<int>(der.size()), CERT_TYPE);
    der.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return der;
}

std::optional<std::vector<Parsed>> parse_chain(std::string_view pem)
{
    std::vector<Parsed> chain;
    if (pem.size() > kChainBytesMax) return std::nullopt;
    while (auto der = next_certificate(pem)) {
        if (der->empty() || chain.size() == kChainCertificatesMax) return std::nullopt;
        chain.emplace_back(std::move(*der));
        if (!chain.back().good()) return std::nullopt;
    }
    if (chain.empty() || pem.contains("-----BEGIN")) return std::nullopt;  // a certificate that was cut off, or a key in the wrong place
    return chain;
}

std::optional<std::chrono::sys_seconds> time_of(byte const* date, int size)
{
    byte const* text = nullptr;
    byte format = 0;
    int length = 0;
    std::tm parts{};
    if (wc_GetDateInfo(date, size, &text, &format, &length) != 0 || wc_GetDateAsCalendarTime(text, length, format, &parts) != 0)
        return std::nullopt;
    std::chrono::year_month_day const day(std::chrono::year(parts.tm_year + 1900),
        std::chrono::month(static_cast<unsigned>(parts.tm_mon) + 1), std::chrono::day(static_cast<unsigned>(parts.tm_mday)));
    if (!day.ok()) return std::nullopt;
    return std::chrono::sys_days(day) + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
           std::chrono::seconds(parts.tm_sec);
}

bool strong_key(DecodedCert const& cert)
{
    if (cert.keyOID == ECDSAk) return cert.pkCurveOID == ECC_SECP256R1_OID || cert.pkCurveOID == ECC_SECP384R1_OID;
    if (cert.keyOID != RSAk) return false;
    word32 index = 0;
    byte const* modulus = nullptr;
    byte const* exponent = nullptr;
    word32 modulus_size = 0;
    word32 exponent_size = 0;
    if (wc_RsaPublicKeyDecode_ex(cert.publicKey, &index, cert.pubKeySize, &modulus, &modulus_size, &exponent, &exponent_size) != 0)
        return false;
    while (modulus_size > 0 && *modulus == 0) {
        ++modulus;
        --modulus_size;
    }
    return modulus_size >= kRsaBytesMin;
}

// Of a certificate that signs itself the signature says nothing: whoever trusts it, trusts its key.
bool strong_signature(DecodedCert const& cert)
{
    constexpr std::array<word32, 6> kStrong{
        CTC_SHA256wECDSA, CTC_SHA384wECDSA, CTC_SHA512wECDSA, CTC_SHA256wRSA, CTC_SHA384wRSA, CTC_SHA512wRSA};
    return cert.selfSigned || std::ranges::contains(kStrong, cert.signatureOID) || cert.signatureOID == CTC_RSASSAPSS;
}

bool signs(Parsed const& issuer, Parsed const& subject)
{
    if (!issuer->isCA || !std::ranges::equal(subject->issuerHash, issuer->subjectHash)) return false;
    return wc_CheckCertSigPubKey(subject.der().data(), static_cast<word32>(subject.der().size()), nullptr, issuer->publicKey,
               issuer->pubKeySize, static_cast<int>(issuer->keyOID)) == 0;
}

IdentityFault judge_strength(std::vector<Parsed> const& chain)
{
    for (std::size_t i = 0; i + 1 < chain.size(); ++i)
        if (!signs(chain[i + 1], chain[i])) return IdentityFault::chain_order;
    bool const strong = std::ranges::all_of(chain, [](Parsed const& each) { return strong_key(*each) && strong_signature(*each); });
    return strong ? IdentityFault::none : IdentityFault::weak_key;
}

bool may_be_used(DecodedCert const& leaf, unsigned usage)
{
    return !leaf.extExtKeyUsageSet || (leaf.extExtKeyUsage & (usage | EXTKEYUSE_ANY)) != 0;
}

IdentityFault judge_chain(std::vector<Parsed> const& chain, std::chrono::sys_seconds now)
{
    if (auto const fault = judge_strength(chain); fault != IdentityFault::none) return fault;
    for (auto const& each : chain) {
        auto const from = time_of(each->beforeDate, each->beforeDateLen);
        auto const to = time_of(each->afterDate, each->afterDateLen);
        if (!from || !to) return IdentityFault::certificate_unreadable;
        if (now < *from) return IdentityFault::not_yet_valid;
        if (now > *to) return IdentityFault::expired;
    }
    return may_be_used(*chain.front(), EXTKEYUSE_SERVER_AUTH) ? IdentityFault::none : IdentityFault::not_for_servers;
}

int init_rsa(RsaKey* key) { return wc_InitRsaKey(key, nullptr); }

// SubjectPublicKeyInfo, encoded anew: what the library keeps of a parsed certificate is cut differently for each kind of key. Empty: of a
// kind that is not served.
std::vector<byte> public_key_info(DecodedCert const& cert)
{
    std::vector<byte> out(2048);
    word32 index = 0;
    int size = -1;
    if (cert.keyOID == ECDSAk) {
        EccKey key;
        if (key.good() && wc_EccPublicKeyDecode(cert.publicKey, &index, key.get(), cert.pubKeySize) == 0)
            size = wc_EccPublicKeyToDer(key.get(), out.data(), static_cast<word32>(out.size()), 1);
    } else if (cert.keyOID == RSAk) {
        Owned<RsaKey, init_rsa, wc_FreeRsaKey> key;
        if (key.good() && wc_RsaPublicKeyDecode(cert.publicKey, &index, key.get(), cert.pubKeySize) == 0)
            size = wc_RsaKeyToPublicDer(key.get(), out.data(), static_cast<word32>(out.size()));
    }
    out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return out;
}

using Context = std::unique_ptr<WOLFSSL_CTX, decltype(&wolfSSL_CTX_free)>;

// The library is asked to serve with them, as a front will ask it.
IdentityFault judge_key(std::string_view chain_pem, Secret const& key_pem)
{
    Context const context(wolfSSL_CTX_new(wolfTLSv1_3_server_method()), wolfSSL_CTX_free);
    if (!context) return IdentityFault::certificate_unreadable;
    auto const* const chain = reinterpret_cast<unsigned char const*>(chain_pem.data());
    if (wolfSSL_CTX_use_certificate_chain_buffer(context.get(), chain, static_cast<long>(chain_pem.size())) != WOLFSSL_SUCCESS)
        return IdentityFault::certificate_unreadable;
    std::string_view const text(reinterpret_cast<char const*>(key_pem.bytes().data()), key_pem.bytes().size());
    if (text.size() > kPrivateKeyBytesMax || !text.contains("PRIVATE KEY-----") || text.contains("ENCRYPTED"))
        return IdentityFault::key_unreadable;
    if (wolfSSL_CTX_use_PrivateKey_buffer(
            context.get(), wolf(key_pem.bytes().data()), static_cast<long>(text.size()), WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
        return IdentityFault::key_unreadable;
    return wolfSSL_CTX_check_private_key(context.get()) == WOLFSSL_SUCCESS ? IdentityFault::none : IdentityFault::key_mismatch;
}

}  // namespace

FaultText text_of(IdentityFault fault)
{
    switch (fault) {
    case IdentityFault::none: break;
    case IdentityFault::certificate_unreadable: return {"certificate", "is not a chain of 1 to 8 certificates in PEM"};
    case IdentityFault::chain_order: return {"certificate", "is out of order: each certificate must be signed by the one after it"};
    case IdentityFault::weak_key:
        return {"certificate", "has a weak key or signature: RSA of 2048 bits, P-256 or P-384, and SHA-2 are the least"};
    case IdentityFault::not_yet_valid: return {"certificate", "is not valid yet: look at its dates and at this machine's clock"};
    case IdentityFault::expired: return {"certificate", "has expired: look at its dates and at this machine's clock"};
    case IdentityFault::not_for_servers: return {"certificate", "is not for servers: its extended key usage leaves serverAuth out"};
    case IdentityFault::sealed_unreadable: return {"key", "is not what `manifest seal` writes"};
    case IdentityFault::sealed_to_passphrase:
        return {"key", "is sealed to a passphrase, which this version cannot ask for: seal it --to appliance.pub"};
    case IdentityFault::sealed_to_another: return {"key", "is sealed to another appliance's key: seal it --to this one's appliance.pub"};
    case IdentityFault::sealed_altered: return {"key", "does not open: it was altered, or cut off"};
    case IdentityFault::key_unreadable: return {"key", "is not a private key in PEM, without a passphrase of its own"};
    case IdentityFault::key_mismatch: return {"key", "is not the key of the certificate"};
    case IdentityFault::not_for_clients: return {"certificate", "is not for clients: its extended key usage leaves clientAuth out"};
    case IdentityFault::not_p256: return {"key", "is not a P-256 key, the only kind that a client certificate may have here"};
    case IdentityFault::store_credential_malformed: return {"key", "is not ACCESS_KEY_ID:SECRET_ACCESS_KEY in printable letters"};
    case IdentityFault::sink_token_malformed: return {"key", "is not at most 1024 printable letters without a space"};
    case IdentityFault::signing_key_short: return {"key", "is shorter than 16 bytes: whoever can guess it can sign"};
    }
    return {};
}

bool is_weak_certificate(std::span<std::byte const> der)
{
    auto const* const bytes = wolf(der.data());
    Parsed const parsed(std::vector<byte>(bytes, bytes + der.size()));
    return !parsed.good() || !strong_key(*parsed) || !strong_signature(*parsed);
}

IdentityFault judge_identity(std::string_view chain_pem, Secret const& key_pem, std::chrono::sys_seconds now)
{
    auto const chain = parse_chain(chain_pem);
    if (!chain) return IdentityFault::certificate_unreadable;
    auto const fault = judge_chain(*chain, now);
    return fault == IdentityFault::none ? judge_key(chain_pem, key_pem) : fault;
}

IdentityFault judge_client_identity(std::string_view chain_pem, Secret const& key_pem)
{
    auto const chain = parse_chain(chain_pem);
    if (!chain) return IdentityFault::certificate_unreadable;
    if (auto const fault = judge_strength(*chain); fault != IdentityFault::none) return fault;
    if (!may_be_used(*chain->front(), EXTKEYUSE_CLIENT_AUTH)) return IdentityFault::not_for_clients;
    return judge_key(chain_pem, key_pem);
}

Result<std::vector<std::uint8_t>> certificate_der(std::string_view pem)
{
    auto der = next_certificate(pem);
    if (!der || der->empty()) return fail(Fault::malformed, "not a certificate in PEM");
    return *std::move(der);
}

Result<Digest> certificate_fingerprint(std::string_view pem)
{
    auto const der = next_certificate(pem);
    if (!der || der->empty()) return fail(Fault::malformed, "not a certificate in PEM");
    return sha256(std::as_bytes(std::span(*der)));
}

std::string fingerprint_text(Digest const& digest)
{
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (auto const each : digest) {
        if (!out.empty()) out += ':';
        out += kDigits[each >> 4];
        out += kDigits[each & 15];
    }
    return out;
}

Result<std::string> certificate_key_pin(std::string_view pem)
{
    auto der = next_certificate(pem);
    if (!der || der->empty()) return fail(Fault::malformed, "not a certificate in PEM");
    Parsed const certificate(std::move(*der));
    if (!certificate.good()) return fail(Fault::malformed, "not a certificate");
    auto const info = public_key_info(*certificate);
    if (info.empty()) return fail(Fault::malformed, "a certificate without a key that can be read");
    return "sha256//" + to_base64(sha256(std::as_bytes(std::span(info))));
}

}  // namespace ocu::crypto
