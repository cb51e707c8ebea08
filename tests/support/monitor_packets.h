// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Packets of gVisor's runtime monitor, written by hand: only what tests need of the format.

#include <cstdint>
#include <string>
#include <vector>

namespace ocu::test {

inline std::string varint(std::uint64_t value)
{
    std::string out;
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    return out + static_cast<char>(value);
}

inline std::string field(std::uint32_t number, std::string const& text) { return varint(number << 3 | 2) + varint(text.size()) + text; }

inline std::string packet(std::uint16_t type, std::uint32_t dropped, std::string const& message)
{
    std::string out("\x08\0", 2);
    for (int i = 0; i < 2; ++i) out += static_cast<char>(type >> 8 * i);
    for (int i = 0; i < 4; ++i) out += static_cast<char>(dropped >> 8 * i);
    return out + message;
}

inline std::string exec_packet(std::string const& path, std::vector<std::string> const& words, std::uint32_t dropped = 0)
{
    auto message = field(2, path);
    for (auto const& each : words) message += field(3, each);
    return packet(3, dropped, message);
}

}  // namespace ocu::test
