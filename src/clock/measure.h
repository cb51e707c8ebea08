// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One measurement against one server, over descriptors that somebody else has connected: key exchange over TCP, then a few questions over
// UDP. Waits in poll(2), always with a deadline. Threading: one thread.

#include <expected>

#include "base/secret.h"
#include "base/unique_fd.h"
#include "clock/nts_ke_face.h"
#include "proto/time_to_init.h"

namespace ocu::clock {

// A failure here is one of the answers that this process is for, so it is the message's enumerator and not a Fault.
template <class T>
using Outcome = std::expected<T, proto::TimeFailure>;

struct SessionKeys {
    Secret client;  // seals what we ask
    Secret server;  // opens what it answers
    // Before confinement: locking memory is not possible afterwards. Errors: os.
    static Result<SessionKeys> make();
};

// TLS, the two records, the keys. `tcp` may still be connecting.
Outcome<KeAnswer> exchange_keys(int tcp, proto::TimeConfig const& config, SessionKeys& keys);

// Up to kExchangesMax questions, each with a cookie of its own; the best answer.
Outcome<proto::TimeMeasured> ask_time(int udp, proto::TimeConfig const& config, SessionKeys const& keys, std::vector<wire::Bytes> cookies);

}  // namespace ocu::clock
