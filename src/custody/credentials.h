// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the manifest brings sealed to this machine: opened once, into locked memory, and nowhere else (CU-1, CU-3). Helper only.

#include <expected>
#include <map>
#include <optional>
#include <string>

#include "base/crypto/client_identity.h"
#include "base/secret.h"
#include "proto/custody_helper_to_custody.h"

namespace ocu::custody {

// Errors: one of sealed_*.
std::expected<Secret, crypto::IdentityFault> open_sealed(std::string_view text, Secret const& appliance_seed);

struct CredentialFault {
    std::uint32_t index;  // in the order of the configuration
    crypto::IdentityFault why;
};

class Credentials {
public:
    // Those that open are there; the first that does not is reported.
    std::optional<CredentialFault> open(proto::CustodyConfig const& config, Secret const& appliance_seed);
    // Null: there is none of that name. Neither a client's key, the notice key, a store's nor a sink's is ever among these: what is found here is lent to
    // sessions' edges.
    Secret const* find(std::string_view name) const;
    crypto::ClientIdentity const* find_identity(std::string_view name) const;
    // Empty: none is configured, or it did not open.
    Secret const& notice_key() const { return notice_key_; }
    Secret const& store_credential() const { return store_credential_; }
    Secret const& cold_credential() const { return cold_credential_; }
    // Null: no sink of the record has it.
    Secret const* find_sink_token(std::string_view name) const;

private:
    std::expected<void, crypto::IdentityFault> keep(
        proto::SealedCredential const& each, proto::CustodyConfig const& config, Secret const& appliance_seed);

    std::map<std::string, Secret, std::less<>> secrets_;
    std::map<std::string, crypto::ClientIdentity, std::less<>> identities_;
    std::map<std::string, Secret, std::less<>> sink_tokens_;
    Secret notice_key_;
    Secret store_credential_;
    Secret cold_credential_;
};

}  // namespace ocu::custody
