// SPDX-License-Identifier: GPL-3.0-or-later
// Invariant 1: what the agent's path may say, taken from the permit tables that both ends compile, holds no operator word.

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "appliance/profiles/all.h"
#include "appliance/topology.h"

using namespace ocu;

TEST_CASE("topology: given the words of operators, launcher and custody, when they are looked for on the agent's path, then none is there",
    "[core][T-03][T-12]")
{
    for (auto const type : {proto::Type::operator_ask, proto::Type::operator_connection, proto::Type::launcher_kill,
             proto::Type::launcher_start, proto::Type::launcher_destroy, proto::Type::mint_token, proto::Type::sign_checkpoint}) {
        CHECK(appliance::is_privileged_word(static_cast<std::uint16_t>(type)));
        for (auto const& permits : appliance::kAgentPathPermits)
            CHECK(std::ranges::find(permits, static_cast<std::uint16_t>(type), &wire::Permit::type) == permits.end());
    }
}

TEST_CASE("topology: given the front that serves agents, when its words are looked up, then a tool call is one of them", "[core][T-03]")
{
    CHECK(std::ranges::find(proto::kGatewayFrontMaySay, static_cast<std::uint16_t>(proto::Type::call_tool), &wire::Permit::type) !=
          proto::kGatewayFrontMaySay.end());
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
