// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/trust. A manifest that holds its guests less than the one before is told from one that does not.

#include "appliance/manifest/files.h"
#include "appliance/manifest/trust.h"

#include <sys/stat.h>

#include "support/temporary_folder.h"

namespace test_trust {

using namespace ocu;
using namespace ocu::manifest;

constexpr char kOperator[] = "trusted_operator", kWorkforce[] = "internal_workforce", kUntrusted[] = "untrusted";
constexpr auto kRunc = proto::Tier::runc, kGvisor = proto::Tier::gvisor;

std::string told(Trust const& last, Trust const& next) { return downgrade({.damaged = false, .trust = last}, next).value_or(""); }

struct TrustTest : test::TemporaryFolder {
    TrustTest()
    {
        REQUIRE(::mkdir((folder + "/state").c_str(), 0700) == 0);
    }

    std::string note() const { return folder + "/" + kTrustNoteFile; }
};

TEST_CASE("trust: given a weaker profile or tier than before, when they are compared, then both are named", "[manifest][CT-9]")
{
    CHECK(told({kWorkforce, kGvisor}, {kOperator, kRunc}) == "internal_workforce/gvisor->trusted_operator/runc");
    CHECK(told({kWorkforce, kGvisor}, {kOperator, kGvisor}) == "internal_workforce/gvisor->trusted_operator/gvisor");
    CHECK(told({kOperator, kGvisor}, {kOperator, kRunc}) == "trusted_operator/gvisor->trusted_operator/runc");
    CHECK(told({kUntrusted, kGvisor}, {kWorkforce, kGvisor}) == "untrusted/gvisor->internal_workforce/gvisor");
    // Stricter in the one does not make up for the other.
    CHECK(told({kOperator, kGvisor}, {kWorkforce, kRunc}) == "trusted_operator/gvisor->internal_workforce/runc");
}

TEST_CASE("trust: given an equal or stricter manifest, when they are compared, then nothing is said", "[manifest][CT-9]")
{
    for (auto const& same : {Trust{kOperator, kRunc}, Trust{kOperator, kGvisor}, Trust{kWorkforce, kGvisor}}) CHECK(told(same, same).empty());
    CHECK(told({kOperator, kRunc}, {kOperator, kGvisor}).empty());
    CHECK(told({kOperator, kRunc}, {kWorkforce, kGvisor}).empty());
    CHECK(told({kOperator, kGvisor}, {kWorkforce, kGvisor}).empty());
}

TEST_CASE_METHOD(TrustTest, "trust: given no note, when it is recalled, then there was no manifest before", "[manifest][CT-9]")
{
    auto const recalled = recall_trust(folder);
    CHECK_FALSE(recalled.damaged);
    CHECK_FALSE(downgrade(recalled, {kOperator, kRunc}));
}

TEST_CASE_METHOD(TrustTest, "trust: given what was remembered, when it is recalled, then it is the same, and the last counts", "[manifest][CT-9]")
{
    REQUIRE(remember_trust(folder, {kWorkforce, kGvisor}));
    CHECK(downgrade(recall_trust(folder), {kOperator, kGvisor}));
    REQUIRE(remember_trust(folder, {kOperator, kGvisor}));
    auto const recalled = recall_trust(folder);
    REQUIRE(recalled.trust);
    CHECK(recalled.trust->profile == kOperator);
    CHECK(recalled.trust->tier == kGvisor);
    struct stat status{};
    REQUIRE(::stat(note().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE_METHOD(TrustTest, "trust: given a damaged note, when a manifest is compared with it, then it is a downgrade", "[manifest][CT-9]")
{
    std::string const long_one(100, 'x');
    for (std::string const& text : {std::string(), std::string("\n"), std::string(" \n"), std::string("internal_workforce"),
             std::string("internal_workforce gvisor"), std::string("internal_workforce  gvisor\n"), std::string("operator runc\n"),
             std::string("trusted_operator kata\n"), std::string("trusted_operator runc\n\n"), std::string("trusted_operator runc\0\n", 23),
             long_one}) {
        CAPTURE(text);
        REQUIRE(write_file(note(), std::as_bytes(std::span(text)), 0600, Replace::yes));
        CHECK(recall_trust(folder).damaged);
        CHECK(downgrade(recall_trust(folder), {kWorkforce, kGvisor}) == "unknown->internal_workforce/gvisor");
    }
    // Not a file at all.
    std::filesystem::remove(note());
    REQUIRE(::mkdir(note().c_str(), 0700) == 0);
    CHECK(recall_trust(folder).damaged);
}

}  // namespace test_trust
