// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/credentials.h"

#include "base/sealed_face.h"
#include "custody/notice_mac.h"

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

std::expected<void, IdentityFault> Credentials::keep(
    proto::SealedCredential const& each, std::string_view notice_key, Secret const& appliance_seed)
{
    auto opened = open_sealed(each.sealed.view(), appliance_seed);
    if (!opened) return std::unexpected(opened.error());
    if (!notice_key.empty() && each.name.view() == notice_key) {
        if (opened->bytes().size() < kNoticeKeyBytesMin) return std::unexpected(IdentityFault::signing_key_short);
        notice_key_ = *std::move(opened);
        return {};
    }
    if (each.kind == proto::CredentialKind::value) {
        secrets_.insert_or_assign(each.name.str(), *std::move(opened));
        return {};
    }
    auto identity = crypto::read_client_identity(*opened);
    if (!identity) return std::unexpected(identity.error());
    identities_.insert_or_assign(each.name.str(), *std::move(identity));
    return {};
}

std::optional<CredentialFault> Credentials::open(proto::CustodyConfig const& config, Secret const& appliance_seed)
{
    std::optional<CredentialFault> fault;
    std::uint32_t index = 0;
    for (auto const& each : config.credentials.items()) {
        if (auto const kept = keep(each, config.notice_key.view(), appliance_seed); !kept && !fault)
            fault = CredentialFault{index, kept.error()};
        ++index;
    }
    return fault;
}

Secret const* Credentials::find(std::string_view name) const
{
    auto const found = secrets_.find(name);
    return found == secrets_.end() ? nullptr : &found->second;
}

crypto::ClientIdentity const* Credentials::find_identity(std::string_view name) const
{
    auto const found = identities_.find(name);
    return found == identities_.end() ? nullptr : &found->second;
}

}  // namespace ocu::custody
