// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/credentials.h"

#include <algorithm>

#include "base/sealed_face.h"
#include "custody/notice_mac.h"
#include "helper/handed_secret.h"

namespace ocu::custody {

using crypto::IdentityFault;

namespace {

bool is_plain(std::byte each) { return each > std::byte{0x20} && each < std::byte{0x7f}; }

// What stands in a header of a sink's requests, and can neither end it nor be trimmed on the way.
bool is_sink_token(std::span<std::byte const> bytes)
{
    return !bytes.empty() && bytes.size() <= proto::kSinkTokenBytesMax && std::ranges::all_of(bytes, is_plain);
}

// Both parts there, and no byte that could split a header or be trimmed on the way: what signs must be exactly what the store knows.
bool is_store_credential(std::span<std::byte const> bytes)
{
    auto const colon = std::ranges::find(bytes, std::byte{':'});
    return bytes.size() <= helper::kHandedSecretBytesMax && std::ranges::all_of(bytes, is_plain) && colon != bytes.end() &&
           colon != bytes.begin() && colon + 1 != bytes.end();
}

}  // namespace

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
    proto::SealedCredential const& each, proto::CustodyConfig const& config, Secret const& appliance_seed)
{
    auto const is_for = [&each](auto const& name) { return !name.empty() && each.name.view() == name.view(); };
    auto opened = open_sealed(each.sealed.view(), appliance_seed);
    if (!opened) return std::unexpected(opened.error());
    for (auto const& [name, into] : {std::pair{&config.store_credential, &store_credential_}, std::pair{&config.cold_credential, &cold_credential_}}) {
        if (!is_for(*name)) continue;
        if (!is_store_credential(opened->bytes())) return std::unexpected(IdentityFault::store_credential_malformed);
        *into = *std::move(opened);
        return {};
    }
    if (std::ranges::any_of(config.sinks.items(), [&](proto::SinkKeys const& sink) { return is_for(sink.token); })) {
        if (!is_sink_token(opened->bytes())) return std::unexpected(IdentityFault::sink_token_malformed);
        sink_tokens_.insert_or_assign(each.name.str(), *std::move(opened));
        return {};
    }
    if (is_for(config.notice_key)) {
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
        if (auto const kept = keep(each, config, appliance_seed); !kept && !fault) fault = CredentialFault{index, kept.error()};
        ++index;
    }
    return fault;
}

Secret const* Credentials::find(std::string_view name) const
{
    auto const found = secrets_.find(name);
    return found == secrets_.end() ? nullptr : &found->second;
}

Secret const* Credentials::find_sink_token(std::string_view name) const
{
    auto const found = sink_tokens_.find(name);
    return found == sink_tokens_.end() ? nullptr : &found->second;
}

crypto::ClientIdentity const* Credentials::find_identity(std::string_view name) const
{
    auto const found = identities_.find(name);
    return found == identities_.end() ? nullptr : &found->second;
}

}  // namespace ocu::custody
