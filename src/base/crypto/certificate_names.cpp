// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/crypto/certificate_names.h"

#include <arpa/inet.h>

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

namespace ocu::crypto {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_text(std::string_view left, std::string_view right) { return std::ranges::equal(left, right, {}, lower, lower); }

// An address as the bytes of an iPAddress; empty: it is none.
std::string address_bytes(std::string const& text)
{
    std::array<char, 16> bytes{};
    if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
    if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return {bytes.data(), 16};
    return {};
}

struct FreeDecoded {
    void operator()(DecodedCert* decoded) const
    {
        wc_FreeDecodedCert(decoded);
        delete decoded;
    }
};

}  // namespace

bool dns_name_covers(std::string_view pattern, std::string_view name)
{
    if (pattern.ends_with('.')) pattern.remove_suffix(1);
    if (pattern.empty() || name.empty()) return false;
    if (!pattern.starts_with("*.")) return !pattern.contains('*') && same_text(pattern, name);
    auto const rest = pattern.substr(1);  // with its dot
    auto const dot = name.find('.');
    if (rest.size() < 2 || rest.contains('*') || dot == std::string_view::npos || dot == 0) return false;
    return same_text(rest, name.substr(dot));
}

bool is_certificate_for(std::span<std::byte const> der, std::string_view name)
{
    std::unique_ptr<DecodedCert, FreeDecoded> const decoded(new DecodedCert{});
    wc_InitDecodedCert(decoded.get(), reinterpret_cast<byte const*>(der.data()), static_cast<word32>(der.size()), nullptr);
    if (wc_ParseCert(decoded.get(), CERT_TYPE, NO_VERIFY, nullptr) != 0) return false;
    auto const address = address_bytes(std::string(name));
    for (auto const* each = decoded->altNames; each != nullptr; each = each->next) {
        std::string_view const said(each->name, static_cast<std::size_t>(std::max(each->len, 0)));
        if (address.empty() ? each->type == ASN_DNS_TYPE && dns_name_covers(said, name) : each->type == ASN_IP_TYPE && said == address)
            return true;
    }
    return false;
}

}  // namespace ocu::crypto
