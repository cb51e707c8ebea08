// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What gateway-front is told at its start: enough to judge a head and to write an answer. No caller, no digest, no key.

#include "gateway/gateway.h"
#include "wire/codec.h"
#include "wire/text.h"

namespace ocu::gateway {

struct FrontConfig {
    static constexpr std::size_t kNamesMax = 64;
    using Name = wire::Text<300>;

    wire::List<Name, kNamesMax> host_names;
    wire::List<Name, kNamesMax> origins;
    wire::Text<300> public_url;
    wire::Text<16u << 10> instructions;
    bool chat_id_required = false;
    bool tls = false;
    std::chrono::milliseconds timeout_default{};
    std::chrono::milliseconds timeout_max{};
    std::uint32_t connections_max = 0;

    static void fields(auto& wire, auto& m)
    {
        wire(m.host_names, m.origins, m.public_url, m.instructions, m.chat_id_required, m.tls, m.timeout_default, m.timeout_max,
            m.connections_max);
    }
};

}  // namespace ocu::gateway
