// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/helpers.h"

#include "gateway/helpers.h"

#include "appliance/profiles/gateway_front.h"
#include "base/crypto/crypto.h"
#include "gateway/front.h"
#include "gateway/front_config.h"
#include "gateway/limits.h"

namespace ocu::gateway {

namespace {

constexpr unsigned kCertificateDays = 825;

template <std::size_t N>
std::vector<std::string> strings_of(wire::List<FrontConfig::Name, N> const& list)
{
    std::vector<std::string> out;
    for (auto const& item : list.items()) out.push_back(item.str());
    return out;
}

bool is_address(std::string const& name) { return name.contains(':') || name.find_first_not_of("0123456789.") == std::string::npos; }

Front::Options options_of(FrontConfig const& config)
{
    Front::Options options;
    options.rules.access.hosts = strings_of(config.host_names);
    options.rules.access.origins = strings_of(config.origins);
    options.rules.access.chat_required = config.chat_id_required;
    options.rules.public_url = config.public_url.str();
    options.rules.instructions = config.instructions.str();
    options.rules.tools = {config.timeout_default, config.timeout_max};
    options.http.connections_max = config.connections_max;
    options.http.body_bytes_max = kBodyBytesMax;
    return options;
}

// A key that never leaves this process; the certificate goes into the ready report, for those who pin it.
Result<wire::TlsIdentity> make_identity(FrontConfig const& config, std::string& report)
{
    std::vector<std::string> names;
    std::vector<std::string> addresses;
    for (auto const& host : config.host_names.items()) (is_address(host.str()) ? addresses : names).push_back(host.str());
    auto made = OCU_TRY(crypto::make_self_signed("ocu-appliance", names, addresses, kCertificateDays));
    report = made.certificate_pem;
    return wire::TlsIdentity{std::move(made.certificate_pem), std::move(made.key_pem)};
}

}  // namespace

Result<void> gateway_front_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<FrontConfig>());
    if (helper.descriptors().size() != 1) return fail(Fault::malformed, "gateway-front wants one listening socket");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kGatewayFront));
    UniqueFd listener = std::move(helper.descriptors()[0]);
    OCU_CHECK(helper.confine(profiles::kGatewayFront));

    Front::Options options = options_of(config);
    std::string certificate;
    if (config.tls) options.tls = OCU_TRY(make_identity(config, certificate));
    auto const* const first = reinterpret_cast<std::byte const*>(certificate.data());
    SystemClock const clock;
    wire::Loop loop;
    UniqueFd link = OCU_TRY(helper.report_ready(wire::Bytes(first, first + certificate.size())));
    Front const front(loop, clock, std::move(options), std::move(listener), std::move(link), [&loop] { loop.stop(); });
    loop.run();
    return {};
}

}  // namespace ocu::gateway
