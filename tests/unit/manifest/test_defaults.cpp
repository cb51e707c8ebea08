// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit, what a manifest may leave to the machine. With a service address, listeners that are not placed are on
// it and speak TLS; without one they stay on loopback.

#include "appliance/manifest/admit.h"

namespace test_defaults {

using namespace ocu;
using namespace ocu::manifest;

std::string manifest_with(std::string_view more) { return R"({"schema": "ocu-manifest/1", "serial": 1)" + std::string(more) + "}"; }

TEST_CASE("defaults: given no service address, when a manifest places nothing, then listeners are on loopback", "[manifest][T-01]")
{
    auto const applied = admit(manifest_with(""));
    CHECK(applied->mcp.url() == "http://127.0.0.1:8811");
    CHECK(applied->files.url() == "http://127.0.0.1:8812");
    CHECK(applied->mcp.by_default);
}

TEST_CASE("defaults: given a service address, when a manifest places nothing, then listeners are on it, with TLS", "[manifest][T-01]")
{
    auto const applied = admit(manifest_with(""), {"192.0.2.7"});
    CHECK(applied->mcp.url() == "https://192.0.2.7:8443");
    CHECK(applied->files.url() == "https://192.0.2.7:8444");
    CHECK(applied->gateway.tls);
    CHECK(admit(manifest_with(""), {"2001:db8::7"})->mcp.url() == "https://[2001:db8::7]:8443");
    CHECK(admit(manifest_with(""), {"127.0.0.1"})->mcp.url() == "https://127.0.0.1:8443");
}

TEST_CASE("defaults: given a service address, when a manifest places a listener, then that one stays where it is", "[manifest][T-01]")
{
    auto const applied = admit(manifest_with(R"(, "mcp": {"listen": "127.0.0.1:9000"})"), {"192.0.2.7"});
    CHECK(applied->mcp.url() == "http://127.0.0.1:9000");
    CHECK_FALSE(applied->mcp.by_default);
    CHECK(applied->files.url() == "https://192.0.2.7:8444");
}

TEST_CASE("defaults: given a service address, when a manifest wants no TLS on it, then it is refused", "[manifest][T-01]")
{
    auto const applied = admit(manifest_with(R"(, "mcp": {"tls": false})"), {"192.0.2.7"});
    REQUIRE_FALSE(applied);
    CHECK(applied.error().key == "mcp.tls");
}

}  // namespace test_defaults
