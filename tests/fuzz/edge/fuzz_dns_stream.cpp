// SPDX-License-Identifier: GPL-3.0-or-later
// Face: bytes that a guest sends to port 53 over TCP, in pieces whose size the first byte says. However they are cut, the messages are the same.

#include <algorithm>
#include <cstdlib>

#include "edge/dns_stream.h"

namespace {

std::vector<std::vector<std::uint8_t>> messages(std::span<std::uint8_t const> bytes, std::size_t step)
{
    ocu::edge::DnsFrames frames;
    std::vector<std::vector<std::uint8_t>> out;
    while (!bytes.empty()) {
        auto const piece = bytes.first(std::min({step, bytes.size(), frames.room()}));
        if (piece.empty()) std::abort();  // there is always room for what makes a message whole
        frames.add(piece);
        bytes = bytes.subspan(piece.size());
        for (;;) {
            auto message = frames.next();
            if (!message) return out;
            if (!*message) break;
            if ((*message)->empty() || (*message)->size() > ocu::edge::kDnsDatagramBytesMax) std::abort();
            (void)ocu::edge::read_question(**message);
            out.push_back(*std::move(*message));
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::span const bytes(data + 1, size - 1);
    if (messages(bytes, data[0] + 1u) != messages(bytes, 65536)) std::abort();
    return 0;
}
