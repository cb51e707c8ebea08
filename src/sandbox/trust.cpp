// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/trust.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <span>

#include "base/crypto/crypto.h"
#include "base/unique_fd.h"
#include "sandbox/files.h"

namespace ocu::sandbox {

namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
constexpr std::size_t kCertificatesMax = 4096;

// The format's: over the password in UTF-16 (big endian), these words, and all that comes before the digest.
constexpr std::string_view kDigestWords = "Mighty Aphrodite";

void put(std::string& out, std::uint64_t value, unsigned bytes)
{
    while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xff);
}

void put_text(std::string& out, std::string_view text)
{
    put(out, text.size(), 2);
    out += text;
}

}  // namespace

std::string roots_with(std::string_view image_roots, std::string_view authority_pem)
{
    std::string out(image_roots);
    if (!out.empty() && out.back() != '\n') out += '\n';
    out += authority_pem;
    if (out.back() != '\n') out += '\n';
    return out;
}

Result<std::string> java_store(std::string_view pem)
{
    constexpr std::uint32_t kMagic = 0xfeedfeed, kVersion = 2, kTrustedCertificate = 2;
    std::string entries;
    std::size_t count = 0;
    for (auto begin = pem.find(kBegin); begin != std::string_view::npos; begin = pem.find(kBegin)) {
        auto const end = pem.find(kEnd, begin);
        if (end == std::string_view::npos) return fail(Fault::malformed, "a certificate that is cut off");
        if (++count > kCertificatesMax) return fail(Fault::over_limit, "too many certificates");
        std::string coded(pem.substr(begin + kBegin.size(), end - begin - kBegin.size()));
        std::erase_if(coded, [](char c) { return c == '\n' || c == '\r'; });
        auto const der = OCU_TRY(crypto::from_base64(coded));
        if (der.empty()) return fail(Fault::malformed, "a certificate without bytes");
        put(entries, kTrustedCertificate, 4);
        put_text(entries, "ocu-" + std::to_string(count));
        put(entries, 0, 8);  // its date: none
        put_text(entries, "X.509");
        put(entries, der.size(), 4);
        entries.append(der.begin(), der.end());
        pem.remove_prefix(end + kEnd.size());
    }
    std::string out;
    put(out, kMagic, 4);
    put(out, kVersion, 4);
    put(out, count, 4);
    out += entries;
    std::string digested;
    for (char const c : kJavaStorePassword) put(digested, static_cast<unsigned char>(c), 2);
    (digested += kDigestWords) += out;
    auto const digest = crypto::sha1(std::as_bytes(std::span(digested)));
    for (auto const byte : digest) put(out, byte, 1);
    return out;
}

std::vector<proto::GuestVariable> trust_variables()
{
    std::vector<proto::GuestVariable> out;
    for (char const* const name :
        {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE"})
        out.push_back({name, "/run/ocu/ca-bundle.pem"});
    for (char const* const name : {"NODE_EXTRA_CA_CERTS", "DENO_CERT"}) out.push_back({name, "/run/ocu/ca.pem"});
    return out;
}

// The image is not ours: a link in it could name a file of the host.
std::string read_from_image(std::string const& image, char const* path, std::size_t bytes_max)
{
    UniqueFd const root(::open(image.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    UniqueFd const file(static_cast<int>(::syscall(SYS_openat2, root.get(), path + 1, &how, sizeof how)));
    struct stat what{};
    if (!file || ::fstat(file.get(), &what) != 0 || !S_ISREG(what.st_mode) || static_cast<std::size_t>(what.st_size) > bytes_max) return {};
    return read_text(file.get(), static_cast<std::size_t>(what.st_size));
}

}  // namespace ocu::sandbox
