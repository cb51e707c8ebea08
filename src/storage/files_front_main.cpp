// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/files_front.h"
#include "helper/identity.h"
#include "proto/files_front_to_storage.h"
#include "storage/files_face.h"
#include "storage/helpers.h"
#include "wire/http.h"

namespace ocu::storage {

namespace {

wire::HttpServer::Options server_options(std::optional<helper::Identity> identity)
{
    wire::HttpServer::Options options;
    options.limits.connections_max = 512;
    options.limits.body_bytes_max = 64u << 10;  // nothing is uploaded here yet
    options.refuse = files_refusal;
    if (identity) options.tls = wire::TlsIdentity{std::move(identity->certificate_pem), std::move(identity->key_pem)};
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
    std::vector<std::string> hosts;
    for (auto const& host : config.hosts.items()) hosts.push_back(host.str());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kFilesFront));
    std::optional<helper::IdentityReceiver> custody;
    if (config.tls) custody.emplace(OCU_TRY(helper::IdentityReceiver::make(std::move(helper.descriptors()[1]))));
    OCU_CHECK(helper.confine(profiles::kFilesFront));
    std::optional<helper::Identity> identity;
    if (custody) identity = OCU_TRY(custody->receive(helper::kIdentityWait));
    wire::Loop loop;
    wire::Link link(
        loop, OCU_TRY(helper.report_ready()), {proto::kStorageMaySendFilesFront}, [](wire::Link::Frame) {},
        [&loop](wire::Lost) { loop.stop(); });
    wire::HttpServer server(loop, std::move(listener), server_options(std::move(identity)),
        [hosts = std::move(hosts)](
            wire::HttpRequest request, std::shared_ptr<wire::HttpReply> reply) { reply->send(answer_files_request(request, hosts)); });
    loop.run();
    return {};
}

}  // namespace ocu::storage
