// SPDX-License-Identifier: GPL-3.0-or-later
// Face: the first bytes of a volume that a stranger made. Whatever they are, the probe asks for a bounded number of bytes and ends. The
// input is the device, in pieces of 64 bytes: a piece number (2 bytes), then its bytes; all else is zero, so that small inputs reach far.

#include <cstdlib>
#include <cstring>
#include <map>

#include "stick/limits.h"
#include "stick/volume_face.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    constexpr std::size_t kPiece = 64;
    constexpr std::size_t kRecord = 2 + kPiece;
    constexpr std::uint64_t kDeviceBytes = 4u << 20;
    std::map<std::uint64_t, std::uint8_t const*> pieces;
    for (std::size_t at = 0; at + kRecord <= size; at += kRecord)
        pieces[static_cast<std::uint64_t>(data[at] | (data[at + 1] << 8))] = data + at + 2;
    std::size_t asked = 0;
    std::size_t calls = 0;
    (void)ocu::stick::probe_volume([&](std::uint64_t offset, std::span<std::byte> into) {
        asked += into.size();
        ++calls;
        if (offset > kDeviceBytes || into.size() > kDeviceBytes - offset) return false;
        for (std::size_t i = 0; i < into.size(); ++i) {
            auto const piece = pieces.find((offset + i) / kPiece);
            into[i] = piece == pieces.end() ? std::byte{0} : static_cast<std::byte>(piece->second[(offset + i) % kPiece]);
        }
        return true;
    });
    if (asked > ocu::stick::kProbeBytesMax || calls > 1'000) std::abort();
    return 0;
}
