// SPDX-License-Identifier: GPL-3.0-or-later
#include <ctime>

#include "appliance/profiles/files_front.h"
#include "helper/identity.h"
#include "proto/files_front_to_storage.h"
#include "storage/files_front.h"
#include "storage/helpers.h"

namespace ocu::storage {

namespace {

constexpr std::size_t kConnectionsMax = 512;
constexpr std::uint64_t kFormSlackBytes = 1u << 20;

FilesFront::Options options_of(proto::FilesFrontConfig const& config)
{
    FilesFront::Options options;
    for (auto const& host : config.hosts.items()) options.rules.hosts.push_back(host.str());
    for (auto const& each : config.ancestors.items()) options.rules.ancestors.push_back(each.str());
    options.rules.tls = config.tls;
    options.rules.chat_required = config.chat_id_required;
    options.rules.upload_bytes_max = config.upload_bytes_max;
    options.http.connections_max = kConnectionsMax;
    options.http.body_bytes_max = config.upload_bytes_max + kFormSlackBytes;  // the face says less for each kind of request
    return options;
}

}  // namespace

// Entered by re-execution: `ocu-appliance helper files-front`. No caller's byte is read before confine() has returned.
Result<void> files_front_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::FilesFrontConfig>());
    if (helper.descriptors().size() != (config.tls ? 2 : 1))
        return fail(Fault::malformed, "files front needs one listener, and custody's socket for TLS");
    auto listener = std::move(helper.descriptors().front());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kFilesFront));
    ::tzset();  // the zip writer asks for local time; once confined, no file can be looked up for that
    std::optional<helper::IdentityReceiver> custody;
    if (config.tls) custody.emplace(OCU_TRY(helper::IdentityReceiver::make(std::move(helper.descriptors()[1]))));
    OCU_CHECK(helper.confine(profiles::kFilesFront));
    auto options = options_of(config);
    if (custody) {
        auto identity = OCU_TRY(custody->receive(helper::kIdentityWait));
        options.tls = wire::TlsIdentity{std::move(identity.certificate_pem), std::move(identity.key_pem)};
    }
    wire::Loop loop;
    UniqueFd link = OCU_TRY(helper.report_ready());
    FilesFront const front(loop, std::move(options), std::move(listener), std::move(link), [&loop] { loop.stop(); });
    loop.run();
    return {};
}

}  // namespace ocu::storage
