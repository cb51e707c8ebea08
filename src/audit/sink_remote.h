// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Sinks that are somewhere else, on connections that are handed over: TLS and nothing less, to whom the manifest names. What comes back is a stranger's: of a web
// server its status is used, of a syslog receiver nothing. Helper only. Threading: the loop's thread.

#include <chrono>
#include <memory>
#include <string_view>

#include "audit/sink_carrier.h"
#include "audit/sink_custody.h"

namespace ocu::audit {

inline constexpr std::chrono::milliseconds kSyslogBatchWait{30'000};  // until the other machine has a whole batch
// RFC 5425 has no answer. What the other machine has, and does not close the connection over for so long, is taken to be delivered.
inline constexpr std::chrono::milliseconds kSyslogSettle{5'000};

struct SinkPeer {
    proto::SinkConfig const& config;
    std::string_view roots_pem;
    SinkCustody* custody = nullptr;  // null: it has no key

    // Errors: malformed (no root that can be used now), unavailable.
    Result<std::unique_ptr<wire::TlsStream>> connect(wire::Loop& loop, UniqueFd socket) const;
};

// One POST for each batch (wire/http_post.h).
std::unique_ptr<SinkCarrier> https_carrier(wire::Loop& loop, SinkPeer peer);
// Syslog over TLS (RFC 5425), on one connection until that ends.
std::unique_ptr<SinkCarrier> syslog_carrier(wire::Loop& loop, SinkPeer peer);

}  // namespace ocu::audit
