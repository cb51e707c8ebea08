// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The manifest's `network` section, admitted. Used on the booted machine only: an ordinary program leaves its host's network alone.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ocu::manifest {

struct Address {
    std::string address;  // numeric
    std::uint8_t prefix = 0;
    bool ipv6 = false;
};

struct Interface {
    enum class Role : std::uint8_t { service, operators };
    enum class Addressing : std::uint8_t { fixed, dhcp };

    std::string name;                                  // in messages and on the console
    Role role = Role::service;
    std::string mac;                                   // "52:54:00:12:34:56"; or
    std::string device;                                // a kernel name; both empty: the only card that there is
    std::vector<std::string> bond;                     // members by MAC or kernel name; empty: no bond
    std::optional<std::uint16_t> vlan;                 // 1..4094
    Addressing addressing = Addressing::dhcp;
    std::vector<Address> addresses;                    // fixed
    std::string gateway4;
    std::string gateway6;
    std::uint16_t mtu = 1500;
};

struct TimeServer {
    std::string host;       // NTS-KE server name, as in its certificate
    std::string address;    // numeric: the appliance resolves no name for it
    std::uint16_t port = 4460;
    std::string ca_pem;     // who signs its certificate
};

struct Network {
    std::vector<Interface> interfaces;  // empty: DHCP on the only card, as `service`
    std::vector<std::string> dns;       // numeric
    std::vector<TimeServer> time;
    std::int64_t not_before = 0;        // Unix seconds: a moment that has passed when the manifest was signed; 0 = none
};

}  // namespace ocu::manifest
