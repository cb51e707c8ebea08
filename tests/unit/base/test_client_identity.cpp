// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/base/crypto/client_identity.

#include <catch2/catch_test_macros.hpp>

#include "support/client_identities.h"

namespace test_client_identity {

using namespace ocu;
using namespace test_support;
using crypto::IdentityFault;

IdentityFault fault_of(std::string const& pem)
{
    auto const read = crypto::read_client_identity(*Secret::copy_of(crypto::as_bytes(pem)));
    return read ? IdentityFault::none : read.error();
}

TEST_CASE("client identity: given a chain and its key in any order, when read, then the chain without the key, and proofs hold",
    "[base][EG-7][T-12]")
{
    TestAuthority authority("clients");
    auto const client = make_client(authority);
    for (auto const& text : {client.whole(), client.key_pem + client.chain_pem}) {
        auto const read = crypto::read_client_identity(*Secret::copy_of(crypto::as_bytes(text)));
        REQUIRE(read);
        CHECK_FALSE(read->chain_pem.contains("PRIVATE"));
        CHECK(read->chain_pem.contains("BEGIN CERTIFICATE"));
        for (std::size_t const size : {32, 48}) {
            std::string const hash(size, 'h');
            auto const proof = *crypto::sign_client_proof(*read, crypto::as_bytes(hash));
            CHECK(proof.size() <= crypto::kProofBytesMax);
            CHECK(proves(client.public_key, hash, proof));
            CHECK_FALSE(proves(client.public_key, std::string(size, 'x'), proof));
            CHECK_FALSE(proves(client.public_key, hash, proof, "TLS 1.3, server CertificateVerify"));
        }
    }
}

TEST_CASE("client identity: given a hash of a size that no handshake has, when it is to be signed, then refused", "[base][EG-7][T-12]")
{
    TestAuthority authority("clients");
    auto const read = crypto::read_client_identity(*Secret::copy_of(crypto::as_bytes(make_client(authority).whole())));
    REQUIRE(read);
    for (std::size_t const size : {0, 1, 20, 31, 33, 47, 49, 64}) {
        std::string const hash(size, 'h');
        auto const proof = crypto::sign_client_proof(*read, crypto::as_bytes(hash));
        REQUIRE_FALSE(proof);
        CHECK(proof.error().fault == Fault::malformed);
    }
}

TEST_CASE("client identity: given one of each wrong kind, when read, then its fault", "[base][EG-7]")
{
    TestAuthority authority("clients");
    TestAuthority stranger("strangers");
    auto const client = make_client(authority);
    auto const other = make_client(authority);
    auto const server = make_client(authority, {.name = "agent.example.com", .for_clients = false});
    auto const old = make_client(authority, {.name = "agent.example.com", .from_days = -30, .to_days = -2, .for_clients = true});
    CHECK(fault_of("nothing") == IdentityFault::key_unreadable);
    CHECK(fault_of(client.chain_pem) == IdentityFault::key_unreadable);
    CHECK(fault_of(client.whole() + other.key_pem) == IdentityFault::key_unreadable);
    CHECK(fault_of(client.key_pem) == IdentityFault::certificate_unreadable);
    CHECK(fault_of(client.chain_pem + "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n" + client.key_pem) ==
          IdentityFault::certificate_unreadable);
    CHECK(fault_of(stranger.pem() + client.whole()) != IdentityFault::none);
    CHECK(fault_of(client.chain_pem + other.key_pem) == IdentityFault::key_mismatch);
    CHECK(fault_of(server.whole()) == IdentityFault::not_for_clients);
    CHECK(fault_of(old.whole()) == IdentityFault::none);  // its dates are the upstream's to judge
    CHECK(fault_of(client.chain_pem + "-----BEGIN ENCRYPTED PRIVATE KEY-----\nQUJD\n-----END ENCRYPTED PRIVATE KEY-----\n") ==
          IdentityFault::key_unreadable);
}

}  // namespace test_client_identity
