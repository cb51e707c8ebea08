// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/helpers.h"

#include "appliance/profiles/gateway_front.h"
#include "gateway/front.h"
#include "gateway/front_config.h"
#include "gateway/limits.h"
#include "helper/identity.h"

namespace ocu::gateway {

namespace {

template <std::size_t N>
std::vector<std::string> strings_of(wire::List<FrontConfig::Name, N> const& list)
{
    std::vector<std::string> out;
    for (auto const& item : list.items()) out.push_back(item.str());
    return out;
}

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

}  // namespace

Result<void> gateway_front_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<FrontConfig>());
    if (helper.descriptors().size() != (config.tls ? 2 : 1))
        return fail(Fault::malformed, "gateway-front wants one listening socket, and custody's socket for TLS");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kGatewayFront));
    UniqueFd listener = std::move(helper.descriptors()[0]);
    std::optional<helper::IdentityReceiver> custody;
    if (config.tls) custody.emplace(OCU_TRY(helper::IdentityReceiver::make(std::move(helper.descriptors()[1]))));
    OCU_CHECK(helper.confine(profiles::kGatewayFront));

    Front::Options options = options_of(config);
    if (custody) {
        auto identity = OCU_TRY(custody->receive(helper::kIdentityWait));
        options.tls = wire::TlsIdentity{std::move(identity.certificate_pem), std::move(identity.key_pem)};
    }
    SystemClock const clock;
    wire::Loop loop;
    UniqueFd link = OCU_TRY(helper.report_ready());
    Front const front(loop, clock, std::move(options), std::move(listener), std::move(link), [&loop] { loop.stop(); });
    loop.run();
    return {};
}

}  // namespace ocu::gateway
