// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/credentials.h"

#include "base/sealed_face.h"

namespace ocu::custody {

using crypto::IdentityFault;

std::expected<Secret, IdentityFault> open_sealed(std::string_view text, Secret const& appliance_seed)
{
    auto const box = sealed::parse(text);
    if (!box) return std::unexpected(IdentityFault::sealed_unreadable);
    if (box->kind == sealed::Kind::passphrase) return std::unexpected(IdentityFault::sealed_to_passphrase);
    auto opened = sealed::open_with_key(*box, appliance_seed);
    if (opened) return *std::move(opened);
    return std::unexpected(opened.error().fault == Fault::conflict ? IdentityFault::sealed_to_another : IdentityFault::sealed_altered);
}

std::optional<CredentialFault> Credentials::open(proto::CustodyConfig const& config, Secret const& appliance_seed)
{
    std::optional<CredentialFault> fault;
    std::uint32_t index = 0;
    for (auto const& each : config.credentials.items()) {
        auto opened = open_sealed(each.sealed.view(), appliance_seed);
        if (opened)
            secrets_.insert_or_assign(each.name.str(), *std::move(opened));
        else if (!fault)
            fault = CredentialFault{index, opened.error()};
        ++index;
    }
    return fault;
}

Secret const* Credentials::find(std::string_view name) const
{
    auto const found = secrets_.find(name);
    return found == secrets_.end() ? nullptr : &found->second;
}

}  // namespace ocu::custody
