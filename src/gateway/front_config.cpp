// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/front_config.h"

#include "base/log.h"

namespace ocu::gateway {

namespace {

auto names_of(std::vector<std::string> const& from)
{
    wire::List<FrontConfig::Name, FrontConfig::kNamesMax> out;
    for (auto const& name : from) {
        if (out.full() || !FrontConfig::Name::fits(name)) {
            log::warning("a host name or origin of the manifest is left out: too many, or too long");
            continue;
        }
        out.push(name);
    }
    return out;
}

// The host of host:port, without the brackets of an IPv6 address.
std::string host_of(std::string_view authority)
{
    if (authority.starts_with('[')) return std::string(authority.substr(1, authority.find(']') - 1));
    return std::string(authority.substr(0, authority.find(':')));
}

}  // namespace

wire::Bytes front_config(Config const& config, std::string_view authority)
{
    std::vector<std::string> hosts{host_of(authority)};
    if (hosts[0].starts_with("127.") || hosts[0] == "::1") hosts.emplace_back("localhost");
    hosts.insert(hosts.end(), config.host_names.begin(), config.host_names.end());
    FrontConfig out;
    out.host_names = names_of(hosts);
    out.origins = names_of(config.origins);
    out.public_url = decltype(out.public_url)::cut((config.tls ? "https://" : "http://") + std::string(authority));
    out.instructions = decltype(out.instructions)::cut(config.instructions);
    out.chat_id_required = config.chat_id_required;
    out.tls = config.tls;
    out.timeout_default = config.tool_timeout_default;
    out.timeout_max = config.tool_timeout_max;
    out.connections_max = static_cast<std::uint32_t>(config.connections_max);
    return wire::encode(out);
}

}  // namespace ocu::gateway
