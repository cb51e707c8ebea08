// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_authority.h"

#include <charconv>

#include "edge/host_name.h"

namespace ocu::manifest {

Admission<Authority> admit_authority(std::string const& key, std::string_view host, std::uint16_t usual_port)
{
    Authority out;
    out.port = usual_port;
    auto const close = host.starts_with('[') ? host.find(']') : 0;
    auto const colon = close == std::string_view::npos ? close : host.find(':', close);
    if (colon != std::string_view::npos) {
        auto const digits = host.substr(colon + 1);
        auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
        if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || out.port == 0)
            return refuse(key, "its port is not a number from 1 to 65535");
        host = host.substr(0, colon);
    }
    bool const bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    auto const address = edge::parse_address(host);
    if (bracketed != (address && !edge::is_ipv4(*address)))
        return refuse(key, "names no host: an IPv6 address stands in brackets, and nothing else does");
    if (address) {
        auto const what = edge::not_public(*address).value_or("");
        if (what == "multicast" || what == "broadcast") return refuse(key, "is no address of a machine");
        out.address = *address;
        out.host = edge::text_of(*address);
        return out;
    }
    out.host = host;
    for (char& c : out.host)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!edge::is_host_name(out.host) || out.host.ends_with('.')) return refuse(key, "names no host");
    return out;
}

}  // namespace ocu::manifest
