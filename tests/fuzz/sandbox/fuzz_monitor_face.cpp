// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz: packets of gVisor's runtime monitor. Each is a byte of length (in eights), then the packet. What is told stays within its bounds, and every
// packet is counted once at most.

#include <algorithm>
#include <cstdlib>

#include "sandbox/program_tally.h"

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size)
{
    using namespace ocu::sandbox;
    ProgramTally tally;
    std::uint64_t packets = 0;
    (void)is_monitor_handshake(std::as_bytes(std::span(data, size)));
    for (std::size_t at = 0; at < size;) {
        auto const length = std::min<std::size_t>(data[at] * 8u, size - at - 1);
        auto packet = read_monitor_packet(std::as_bytes(std::span(data + at + 1, length)));
        at += 1 + length;
        if (!packet || !packet->program) continue;
        if (packet->program->path.size() > 200 || packet->program->words.size() > kProgramWordsBytesMax) std::abort();
        tally.add(*std::move(packet->program));
        ++packets;
    }
    auto const told = tally.take();
    if (told.count != packets || told.untold != 0) std::abort();
    return 0;
}
