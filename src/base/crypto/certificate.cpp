// SPDX-License-Identifier: GPL-3.0-or-later
#include <arpa/inet.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/assert.h"
#include "base/crypto/certificate.h"
#include "base/crypto/wolf.h"

namespace ocu::crypto {

namespace {

constexpr std::size_t kNameBytesMax = 253;
constexpr std::size_t kNamesBytesMax = 6u << 10;  // all names; the certificate in PEM then stays below kChainBytesMax
constexpr std::size_t kKeyBytes = 32;
constexpr std::chrono::hours kAge{1};        // a caller whose clock is a little behind still accepts it
constexpr unsigned kDaysMax = 3660;

// Tag, length, and room for what follows (X.690; lengths below 64 KiB).
void put_header(std::vector<std::uint8_t>& out, std::uint8_t tag, std::size_t size)
{
    out.push_back(tag);
    if (size >= 256) {
        out.push_back(0x82);
        out.push_back(static_cast<std::uint8_t>(size >> 8));
    } else if (size >= 128) {
        out.push_back(0x81);
    }
    out.push_back(static_cast<std::uint8_t>(size));
}

// GeneralNames of RFC 5280: the library takes this one extension as bytes.
Result<std::vector<std::uint8_t>> alternative_names(std::vector<std::string> const& names, std::vector<std::string> const& addresses)
{
    constexpr std::uint8_t kSequence = 0x30, kDnsName = 0x82, kIpAddress = 0x87;
    std::vector<std::uint8_t> body;
    for (auto const& name : names) {
        if (name.empty() || name.size() > kNameBytesMax) return fail(Fault::malformed, "certificate name is empty or too long");
        put_header(body, kDnsName, name.size());
        body.insert(body.end(), name.begin(), name.end());
    }
    for (auto const& address : addresses) {
        std::array<std::uint8_t, 16> raw{};
        std::uint8_t size = 4;
        if (::inet_pton(AF_INET, address.c_str(), raw.data()) != 1) {
            size = 16;
            if (::inet_pton(AF_INET6, address.c_str(), raw.data()) != 1) return fail(Fault::malformed, "not an address");
        }
        put_header(body, kIpAddress, size);
        body.insert(body.end(), raw.begin(), raw.begin() + size);
    }
    if (body.empty()) return body;  // the extension is left out: an empty list of names is no valid one
    if (body.size() > kNamesBytesMax) return fail(Fault::over_limit, "too many names in a certificate");
    std::vector<std::uint8_t> out;
    put_header(out, kSequence, body.size());
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

// UTCTime until 2049 and GeneralizedTime after it, as RFC 5280 wants; tag and length first, as the library copies it. Not gmtime_r, which
// opens the time zone file: a confined helper does not survive that.
int put_time(byte (&out)[CTC_DATE_SIZE], std::chrono::sys_seconds when)
{
    constexpr byte kUtcTime = 0x17, kGeneralizedTime = 0x18;
    auto const day = std::chrono::floor<std::chrono::days>(when);
    std::chrono::year_month_day const date(day);
    std::chrono::hh_mm_ss const clock(when - day);
    int const year = static_cast<int>(date.year());
    bool const short_form = year < 2050;
    char text[CTC_DATE_SIZE];
    int const size = std::snprintf(text, sizeof text, "%0*d%02u%02u%02d%02d%02dZ", short_form ? 2 : 4, short_form ? year % 100 : year,
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
        static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    out[0] = short_form ? kUtcTime : kGeneralizedTime;
    out[1] = static_cast<byte>(size);
    std::copy_n(text, size, out + 2);
    return size + 2;
}

std::string pem(std::span<byte const> der, int type)
{
    std::string text(der.size() * 2 + 256, '\0');
    int const size = wc_DerToPem(
        der.data(), static_cast<word32>(der.size()), reinterpret_cast<byte*>(text.data()), static_cast<word32>(text.size()), type);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

Result<void> fill(Cert& cert, std::string_view common_name, std::span<std::uint8_t const> alternatives, std::chrono::sys_seconds now,
    unsigned days, EccKey& key)
{
    if (wc_InitCert(&cert) != 0) return fail(Fault::os, "begin a certificate");
    std::ranges::copy(common_name, cert.subject.commonName);
    cert.sigType = CTC_SHA256wECDSA;
    cert.selfSigned = 1;
    cert.beforeDateSz = put_time(cert.beforeDate, now - kAge);
    cert.afterDateSz = put_time(cert.afterDate, now + std::chrono::days(days));
    std::ranges::copy(alternatives, cert.altNames);
    cert.altNamesSz = static_cast<int>(alternatives.size());
    if (wc_SetSubjectKeyIdFromPublicKey_ex(&cert, ECC_TYPE, key.get()) != 0) return fail(Fault::os, "fill a certificate");
    return {};
}

Result<void> let_serve(Cert& cert)
{
    if (wc_SetKeyUsage(&cert, "digitalSignature") != 0 || wc_SetExtKeyUsage(&cert, "serverAuth") != 0)
        return fail(Fault::os, "fill a certificate");
    return {};
}

// It may sign certificates of servers, and no further authority.
Result<void> let_sign(Cert& cert)
{
    cert.isCA = 1;
    cert.pathLen = 0;
    cert.pathLenSet = 1;
    if (wc_SetKeyUsage(&cert, "keyCertSign") != 0) return fail(Fault::os, "fill a certificate");
    return {};
}

Result<void> check_terms(std::string_view common_name, unsigned days)
{
    if (common_name.empty() || common_name.size() >= CTC_NAME_SIZE) return fail(Fault::malformed, "common name is empty or too long");
    if (days == 0 || days > kDaysMax) return fail(Fault::malformed, "certificate life out of range");
    return {};
}

// RFC 5280 wants the basic constraints of an authority to be critical, and strict programs (Python from 3.13) refuse it otherwise; the library
// cannot say so. What is to be signed, as it writes it, ends with
//
//      A3 n  30 n  … 30 n  06 03 55 1D 13  [01 01 FF]  04 08 30 06 01 01 FF 02 01 00 …      in brackets: what is put in
//
// and every length on the way down grows by those three bytes. Errors: os (it is written in another way).
Result<void> make_constraint_critical(std::vector<byte>& der, int& body_size)
{
    constexpr std::array<byte, 15> kConstraint{0x06, 0x03, 0x55, 0x1d, 0x13, 0x04, 0x08, 0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00};
    constexpr std::array<byte, 3> kCritical{0x01, 0x01, 0xff};
    constexpr std::size_t kOidBytes = 5;
    constexpr byte kLengthMax = 0x7f - kCritical.size();
    auto const size = static_cast<std::size_t>(body_size);
    std::span const body(der.data(), size);
    auto const found = static_cast<std::size_t>(std::ranges::search(body, kConstraint).begin() - body.begin());
    if (found == size || found < 2 || size < 8 || body[0] != 0x30 || body[1] != 0x82) return fail(Fault::os, "an authority's constraint");
    std::size_t extensions = 4;
    while (extensions + 4 < found && (body[extensions] != 0xa3 || body[extensions + 2] != 0x30 ||
                                         extensions + 2 + body[extensions + 1] != size || extensions + 4 + body[extensions + 3] != size))
        ++extensions;
    if (extensions + 4 >= found || body[found - 2] != 0x30) return fail(Fault::os, "an authority's extensions");
    for (auto const at : {extensions + 1, extensions + 3, found - 1}) {
        if (body[at] > kLengthMax) return fail(Fault::os, "an authority's extensions are too long");
        der[at] = static_cast<byte>(der[at] + kCritical.size());
    }
    auto const whole = static_cast<unsigned>(der[2]) << 8 | der[3];
    der[2] = static_cast<byte>((whole + kCritical.size()) >> 8);
    der[3] = static_cast<byte>(whole + kCritical.size());
    der.insert(der.begin() + static_cast<std::ptrdiff_t>(found + kOidBytes), kCritical.begin(), kCritical.end());
    body_size += static_cast<int>(kCritical.size());
    return {};
}

// `subject` is whom it is for, `signer` whose signature it carries.
Result<std::vector<byte>> sign(Cert& cert, EccKey& subject, EccKey& signer)
{
    Rng rng;
    std::vector<byte> der(kNamesBytesMax + 2048);
    if (!rng.good() || wc_MakeCert_ex(&cert, der.data(), static_cast<word32>(der.size()), ECC_TYPE, subject.get(), rng.get()) < 0)
        return fail(Fault::os, "make a certificate");
    if (cert.isCA != 0) OCU_CHECK(make_constraint_critical(der, cert.bodySz));
    int const size =
        wc_SignCert_ex(cert.bodySz, cert.sigType, der.data(), static_cast<word32>(der.size()), ECC_TYPE, signer.get(), rng.get());
    if (size <= 0) return fail(Fault::os, "sign a certificate");
    der.resize(static_cast<std::size_t>(size));
    return der;
}

Result<Certificate> self_signed(Cert& cert, EccKey& key, std::chrono::sys_seconds not_after)
{
    auto const der = OCU_TRY(sign(cert, key, key));
    Certificate out{pem(der, CERT_TYPE), not_after};
    if (out.pem.empty()) return fail(Fault::os, "encode a certificate");
    return out;
}

Result<void> import(EccKey& key, Secret const& number)
{
    if (!key.good() || number.bytes().size() != kKeyBytes ||
        wc_ecc_import_private_key_ex(wolf(number.bytes().data()), kKeyBytes, nullptr, 0, key.get(), ECC_SECP256R1) != 0 ||
        wc_ecc_make_pub(key.get(), nullptr) != 0)
        return fail(Fault::malformed, "not a private number of P-256");
    return {};
}

}  // namespace

Result<Secret> make_p256_key()
{
    Rng rng;
    EccKey key;
    auto out = OCU_TRY(Secret::make(kKeyBytes));
    word32 size = kKeyBytes;
    if (!rng.good() || !key.good() || wc_ecc_make_key_ex(rng.get(), kKeyBytes, key.get(), ECC_SECP256R1) != 0 ||
        wc_ecc_export_private_only(key.get(), wolf(out.bytes().data()), &size) != 0 || size != kKeyBytes)
        return fail(Fault::os, "make a P-256 key");
    return out;
}

Result<Secret> p256_key_pem(Secret const& key)
{
    EccKey imported;
    OCU_CHECK(import(imported, key));
    auto der = OCU_TRY(Secret::make(512));
    int const size = wc_EccKeyToDer(imported.get(), wolf(der.bytes().data()), static_cast<word32>(der.bytes().size()));
    if (size <= 0) return fail(Fault::os, "encode a P-256 key");
    auto text = OCU_TRY(Secret::make(1024));
    int const length = wc_DerToPem(wolf(der.bytes().data()), static_cast<word32>(size), wolf(text.bytes().data()),
        static_cast<word32>(text.bytes().size()), ECC_PRIVATEKEY_TYPE);
    if (length <= 0) return fail(Fault::os, "encode a P-256 key");
    return Secret::copy_of(text.bytes().first(static_cast<std::size_t>(length)));
}

Result<Certificate> issue_self_signed(Secret const& key, CertificateNames const& names, std::chrono::sys_seconds now, unsigned days)
{
    OCU_CHECK(check_terms(names.common_name, days));
    auto const alternatives = OCU_TRY(alternative_names(names.hosts, names.addresses));
    EccKey imported;
    OCU_CHECK(import(imported, key));
    auto const cert = std::make_unique<Cert>();
    OCU_CHECK(fill(*cert, names.common_name, alternatives, now, days, imported));
    OCU_CHECK(let_serve(*cert));
    return self_signed(*cert, imported, now + std::chrono::days(days));
}

Result<Certificate> issue_authority(Secret const& key, std::string_view common_name, std::chrono::sys_seconds now, unsigned days)
{
    OCU_CHECK(check_terms(common_name, days));
    EccKey imported;
    OCU_CHECK(import(imported, key));
    auto const cert = std::make_unique<Cert>();
    OCU_CHECK(fill(*cert, common_name, {}, now, days, imported));
    OCU_CHECK(let_sign(*cert));
    return self_signed(*cert, imported, now + std::chrono::days(days));
}

Result<P256Point> p256_public(Secret const& key)
{
    EccKey imported;
    OCU_CHECK(import(imported, key));
    P256Point out{};
    word32 size = static_cast<word32>(out.size());
    if (wc_ecc_export_x963(imported.get(), out.data(), &size) != 0 || size != out.size()) return fail(Fault::os, "encode a P-256 point");
    return out;
}

Result<std::vector<std::uint8_t>> issue_leaf(
    Authority const& authority, P256Point const& public_key, CertificateNames const& names, std::chrono::sys_seconds now, unsigned days)
{
    OCU_CHECK(check_terms(names.common_name, days));
    auto const alternatives = OCU_TRY(alternative_names(names.hosts, names.addresses));
    if (alternatives.empty()) return fail(Fault::malformed, "a leaf for no name");
    EccKey subject;
    // The point is the asker's: one that is not on the curve is refused before anything is computed with it.
    if (!subject.good() ||
        wc_ecc_import_x963_ex(public_key.data(), static_cast<word32>(public_key.size()), subject.get(), ECC_SECP256R1) != 0 ||
        wc_ecc_check_key(subject.get()) != 0)
        return fail(Fault::malformed, "not a point of P-256");
    EccKey signer;
    auto const number = authority.key.bytes();
    if (!signer.good() || number.size() != kKeyBytes ||
        wc_ecc_import_private_key_ex(wolf(number.data()), kKeyBytes, nullptr, 0, signer.get(), ECC_SECP256R1) != 0)
        return fail(Fault::malformed, "not a private number of P-256");
    auto const issued = std::make_unique<Cert>();
    auto& cert = *issued;
    OCU_CHECK(fill(cert, names.common_name, alternatives, now, days, subject));
    OCU_CHECK(let_serve(cert));
    auto const* const der = authority.certificate_der.data();
    int const size = static_cast<int>(authority.certificate_der.size());
    if (wc_SetIssuerBuffer(&cert, der, size) != 0 || wc_SetAuthKeyIdFromCert(&cert, der, size) != 0)
        return fail(Fault::malformed, "not an authority's certificate");
    cert.selfSigned = 0;
    return sign(cert, subject, signer);
}

}  // namespace ocu::crypto
