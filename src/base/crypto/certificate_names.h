// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Whether a server's certificate is for the host that was asked for, by the strict reading of RFC 9525: names of the subjectAltName alone,
// never the common name; a wildcard is the whole first label and stands for exactly one; an address is compared as bytes. Libraries are
// more lenient (a part of a label, the common name where there is no subjectAltName), so theirs is not the last word (EG-9).
// Pure; threading: any.

#include <cstddef>
#include <span>
#include <string_view>

namespace ocu::crypto {

// `pattern`: a dNSName of a certificate. `name`: lower case, without a last dot. Case of the pattern does not count.
bool dns_name_covers(std::string_view pattern, std::string_view name);

// `name`: a DNS name, or an IPv4 or IPv6 address as text without brackets. False as well for a certificate that does not parse.
bool is_certificate_for(std::span<std::byte const> der, std::string_view name);

}  // namespace ocu::crypto
