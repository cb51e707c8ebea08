// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/trust.h"

#include <format>

#include "base/crypto/certificate.h"

namespace ocu::init {

using manifest::refuse;

std::string key_id(manifest::VerifyKey const& key)
{
    std::string out;
    for (auto byte = key.number.rbegin(); byte != key.number.rend(); ++byte) out += std::format("{:02X}", *byte);
    return out;
}

std::string key_fingerprint(manifest::VerifyKey const& key)
{
    std::vector<std::uint8_t> bytes{'E', 'd'};
    bytes.insert(bytes.end(), key.number.begin(), key.number.end());
    bytes.insert(bytes.end(), key.key.begin(), key.key.end());
    return crypto::fingerprint_text(crypto::sha256(std::as_bytes(std::span(bytes))));
}

manifest::Admission<void> check_signature(Candidate const& candidate, manifest::VerifyKey const& key)
{
    if (candidate.signature.empty()) return refuse("", "the manifest has no signature: manifest.json.minisig is missing");
    auto const signature = manifest::parse_minisig(candidate.signature);
    if (!signature) return refuse("", signature.error());
    if (auto const good = manifest::verify(key, candidate.manifest, *signature); !good) return refuse("", good.error());
    return {};
}

manifest::Admission<manifest::VerifyKey> key_for_enrolment(Candidate const& candidate)
{
    if (candidate.public_key.empty())
        return refuse("", "this machine trusts no key yet: put the public key on the stick as manifest.pub, and confirm it here");
    auto const key = manifest::parse_public_key(candidate.public_key);
    if (!key) return refuse("", "manifest.pub: " + std::string(key.error().what.view()));
    if (auto const good = check_signature(candidate, *key); !good) return std::unexpected(good.error());
    return *key;
}

std::string enrolment_question(Candidate const& candidate, manifest::VerifyKey const& key)
{
    return std::format(
        "The stick in {} brings a manifest and the public key that signed it.\n"
        "This machine trusts no key yet. From now on it would take manifests that are signed with this one, and no others:\n\n"
        "  key id       {}\n"
        "  fingerprint  {}\n\n"
        "Compare the fingerprint with the one that the owner of the key has given you by another way\n"
        "(tail -n1 manifest.pub | base64 -d | sha256sum). Trust this key?",
        candidate.device, key_id(key), key_fingerprint(key));
}

}  // namespace ocu::init
