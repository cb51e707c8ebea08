// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: edge/dial_plan. Of what a resolver says, which addresses are tried, and in which order.

#include <catch2/catch_test_macros.hpp>

#include "edge/dial_plan.h"

namespace test_dial_plan {

using namespace ocu;
using namespace ocu::edge;

std::vector<Address> all(std::vector<std::string_view> const& texts)
{
    std::vector<Address> out;
    for (auto const text : texts) out.push_back(parse_address(text).value());
    return out;
}
std::vector<proto::AddressRange> ranges(std::vector<std::string_view> const& texts)
{
    std::vector<proto::AddressRange> out;
    for (auto const text : texts) out.push_back(parse_range(text).value());
    return out;
}

TEST_CASE("dial_plan: given permitted and denied addresses, when they are planned, then the permitted alone, families in turn",
    "[edge][T-05][EG-3]")
{
    auto const plan =
        plan_dial(all({"10.0.0.1", "2606:4700::1", "2606:4700::2", "1.1.1.1", "::ffff:127.0.0.1", "1.1.1.2", "1.1.1.1", "::1"}), {});
    CHECK(plan.permitted == all({"1.1.1.1", "2606:4700::1", "1.1.1.2", "2606:4700::2"}));
    CHECK(plan.first == parse_address("10.0.0.1").value());
}

TEST_CASE("dial_plan: given a rule's ranges, when addresses are planned, then those inside alone", "[edge][T-05][EG-3]")
{
    auto const plan = plan_dial(all({"1.1.1.1", "10.0.0.1", "10.1.0.1"}), ranges({"10.1.0.0/16"}));
    CHECK(plan.permitted == all({"10.1.0.1"}));
}

TEST_CASE("dial_plan: given nothing, or more than is looked at, when it is planned, then nothing beyond", "[edge][T-06]")
{
    CHECK_FALSE(plan_dial({}, {}).first);
    CHECK(plan_dial({}, {}).permitted.empty());
    std::vector<Address> many(kAddressesMax, parse_address("10.0.0.1").value());
    many.push_back(parse_address("1.1.1.1").value());
    CHECK(plan_dial(many, {}).permitted.empty());
}

TEST_CASE("dial_plan: given ranges, when one is exactly the address, then it is named exactly", "[edge][EG-3]")
{
    auto const address = parse_address("10.0.0.1").value();
    CHECK(named_exactly(address, ranges({"10.0.0.0/8", "10.0.0.1/32"})));
    CHECK_FALSE(named_exactly(address, ranges({"10.0.0.0/8", "10.0.0.0/31"})));
    CHECK_FALSE(named_exactly(address, {}));
}

}  // namespace test_dial_plan
