// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz: the bytes of the channel as the agent takes them apart. The first byte is the size of the pieces in which they arrive.

#include <algorithm>

#include "guest/inbox.h"
#include "proto/exec_to_guest.h"

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size)
{
    using namespace ocu;
    if (size == 0) return 0;
    std::size_t const step = std::max<std::size_t>(1, data[0]);
    guest::Inbox inbox;
    for (std::size_t at = 1; at < size; at += step) {
        inbox.append({reinterpret_cast<std::byte const*>(data + at), std::min(step, size - at)});
        for (;;) {
            auto const frame = inbox.next();
            if (!frame) return 0;
            if (!*frame) break;
            (void)wire::decode<proto::GuestWelcome>((**frame).body);
            (void)wire::decode<proto::GuestRun>((**frame).body);
            (void)wire::decode<proto::GuestSignal>((**frame).body);
            (void)wire::decode<proto::GuestFile>((**frame).body);
            (void)wire::decode<proto::GuestProcess>((**frame).body);
            (void)wire::decode<proto::GuestProcessOrder>((**frame).body);
        }
    }
    return 0;
}
