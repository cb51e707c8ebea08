// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/trust, and the rule for names of variables.

#include "sandbox/trust.h"

#include <catch2/catch_test_macros.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/crypto/crypto.h"

namespace test_trust {

using namespace ocu;
using namespace ocu::sandbox;

std::string const kOne = "-----BEGIN CERTIFICATE-----\nAQID\nBAUG\n-----END CERTIFICATE-----\n";
std::string const kTwo = "-----BEGIN CERTIFICATE-----\nBwg=\n-----END CERTIFICATE-----";

TEST_CASE("trust: given roots of an image, or none, when the authority is added, then all stand, on lines of their own", "[sandbox][EG-8]")
{
    CHECK(roots_with(kTwo, kOne) == kTwo + "\n" + kOne);
    CHECK(roots_with("", kTwo) == kTwo + "\n");
    CHECK(roots_with(kOne, kTwo) == kOne + kTwo + "\n");
}

TEST_CASE("trust: given certificates, when a Java store is made, then each is in it once, by its own name", "[sandbox][EG-8]")
{
    auto const store = java_store("# a comment\n" + kOne + kTwo);
    REQUIRE(store);
    CHECK(store->starts_with(std::string("\xfe\xed\xfe\xed\0\0\0\2\0\0\0\2\0\0\0\2\0\5ocu-1", 23)));
    CHECK(store->contains(std::string("\0\5X.509\0\0\0\6\1\2\3\4\5\6", 17)));
    CHECK(store->contains(std::string("\0\5ocu-2\0\0\0\0\0\0\0\0\0\5X.509\0\0\0\2\7\10", 28)));
    // As OpenSSL says it: SHA-1 over the password in UTF-16, the format's words, and what precedes.
    CHECK(store->substr(store->size() - 22, 2) == "\7\10");
    auto const digest = java_store("")->substr(12);
    CHECK(crypto::to_hex({reinterpret_cast<std::uint8_t const*>(digest.data()), digest.size()}) ==
          "e2686e45fb43dfa4d992dd41ceb6b21c6330d792");
    CHECK(java_store("")->size() == 12 + 20);
}

TEST_CASE("trust: given what is no certificate, when a Java store is made, then refused", "[sandbox][EG-8]")
{
    CHECK_FALSE(java_store("-----BEGIN CERTIFICATE-----\nAQID\n"));
    CHECK_FALSE(java_store("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"));
    CHECK_FALSE(java_store("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"));
    std::string many;
    for (int i = 0; i < 4097; ++i) many += kOne;
    CHECK_FALSE(java_store(many));
}

TEST_CASE("trust: given an image, when a file is read from it, then only a plain one, through no link", "[sandbox][T-04]")
{
    char name[] = "/tmp/ocu-trust-XXXXXX";
    std::filesystem::path const image = ::mkdtemp(name);
    std::filesystem::create_directories(image / "etc/ssl");
    std::ofstream(image / "etc/ssl/roots") << "roots";
    std::filesystem::create_symlink("roots", image / "etc/ssl/link");
    std::filesystem::create_symlink("/etc", image / "host");
    std::filesystem::create_directory_symlink("ssl", image / "etc/tls");
    CHECK(read_from_image(image, "/etc/ssl/roots", 5) == "roots");
    CHECK(read_from_image(image, "/etc/ssl/roots", 4).empty());
    for (char const* const path : {"/etc/ssl/link", "/host/passwd", "/etc/tls/roots", "/etc/ssl", "/none", "/../../etc/passwd"})
        CHECK(read_from_image(image, path, 1u << 20).empty());
    std::filesystem::remove_all(image);
}

TEST_CASE("variables: given names, when judged, then none may be set that changes a shell or the loader", "[guest][SX-4][T-04]")
{
    for (std::string const name : {"A", "API_TOKEN", "X9_"}) CHECK(proto::may_be_set(name));
    for (std::string const name : {"", "a", "9A", "_A", "A-B", "A=B", "A B", "PATH", "HOME", "LD_PRELOAD", "LD_", "BASH_ENV", "ENV", "IFS",
             "PROMPT_COMMAND", "SHELLOPTS", "GCONV_PATH", "\xc3\x84"})
        CHECK_FALSE(proto::may_be_set(name));
    CHECK(proto::may_be_set(std::string(64, 'A')));
    CHECK_FALSE(proto::may_be_set(std::string(65, 'A')));
    CHECK_FALSE(proto::is_plain_value("a\nb"));
    std::set<std::string> names;
    for (auto const& each : trust_variables()) names.insert(each.name.str());
    CHECK(names.size() == trust_variables().size());
    CHECK(names.size() <= proto::kTrustVariablesMax);
}

}  // namespace test_trust
