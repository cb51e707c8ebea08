// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/service_identity.h"

#include <arpa/inet.h>

#include "custody/credentials.h"

namespace ocu::custody {

namespace {

using crypto::IdentityFault;

bool is_address(std::string const& name)
{
    in6_addr ignored{};
    return ::inet_pton(AF_INET, name.c_str(), &ignored) == 1 || ::inet_pton(AF_INET6, name.c_str(), &ignored) == 1;
}

}  // namespace

crypto::CertificateNames certificate_names(proto::CustodyConfig const& config)
{
    crypto::CertificateNames names;
    names.common_name = "ocu-appliance";
    for (auto const& each : config.names.items()) (is_address(each.str()) ? names.addresses : names.hosts).push_back(each.str());
    return names;
}

std::expected<ServiceIdentity, IdentityFault> service_identity(
    proto::CustodyConfig const& config, Keys const& keys, std::chrono::sys_seconds now)
{
    if (config.serve == proto::ServeTls::no) return ServiceIdentity{};
    if (config.serve == proto::ServeTls::own) {
        auto key = crypto::p256_key_pem(keys.service_key);
        if (!key) return std::unexpected(IdentityFault::key_unreadable);
        return ServiceIdentity{keys.certificate.pem, *std::move(key)};
    }
    auto key = open_sealed(config.sealed_key.view(), keys.appliance_seed);
    if (!key) return std::unexpected(key.error());
    auto const fault = crypto::judge_identity(config.certificate.view(), *key, now);
    if (fault != IdentityFault::none) return std::unexpected(fault);
    return ServiceIdentity{config.certificate.str(), *std::move(key)};
}

}  // namespace ocu::custody
