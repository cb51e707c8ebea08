// SPDX-License-Identifier: GPL-3.0-or-later
// Invariant 1: what the agent's path may say, taken from the permit tables that both ends compile, holds no operator word.

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "appliance/profiles/all.h"
#include "appliance/topology.h"

namespace {

using namespace ocu;

constexpr bool is_operator_word(std::uint16_t type)
{
    return type >= static_cast<std::uint16_t>(proto::Type::operator_connection) && type < static_cast<std::uint16_t>(proto::Type::files_ask);
}

}  // namespace

TEST_CASE("topology: given the channels of the agent's path, when their words are listed, then none is an operator's or a launcher's", "[core][T-03]")
{
    for (auto const& permits : appliance::kAgentPathPermits) {
        for (auto const& permit : permits) {
            CHECK_FALSE(is_operator_word(permit.type));
            CHECK((permit.type < static_cast<std::uint16_t>(proto::Type::launcher_prepare) || permit.type > static_cast<std::uint16_t>(proto::Type::launcher_failed)));
        }
    }
}

TEST_CASE("profiles: given all helpers, when their users are compared, then no two share one, whatever their slots", "[helper][T-14]")
{
    for (auto const* one : profiles::kConfinedProfiles)
        for (auto const* other : profiles::kConfinedProfiles)
            if (one != other) {
                INFO(one->name << " and " << other->name);
                CHECK(profiles::users_of(*one).disjoint(profiles::users_of(*other)));
            }
}

TEST_CASE("profiles: given all confined helpers, when their capabilities are counted, then there is none", "[helper][T-14][AP-8]")
{
    for (auto const* profile : profiles::kConfinedProfiles) CHECK(profile->capabilities.empty());
}
