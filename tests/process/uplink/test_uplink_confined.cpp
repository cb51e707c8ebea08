// SPDX-License-Identifier: GPL-3.0-or-later
// What the uplink's profile leaves it, tried by a process that put it on: connecting sockets, and nothing that they are usually next to.
#include "appliance/profiles/uplink.h"
#include "support/dial_attempts.h"

using namespace ocu;
using namespace ocu::test_dial;

TEST_CASE(
    "uplink: given its profile, when it tries what a dialler does not need, then it is killed or refused", "[helper][T-05][T-14][AP-8]")
{
    check_forbidden(kForbidden, "uplink", profiles::kUplink);
    check_forbidden(kPair, "uplink", profiles::kUplink);
}

TEST_CASE("uplink: given its profile, when it makes the sockets that it needs, then it can", "[helper][AP-8]")
{
    check_allowed(kAllowed, "uplink", profiles::kUplink);
}
