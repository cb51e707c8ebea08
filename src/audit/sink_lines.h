// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A record in the form that a sink has it (docs/formats/audit-sinks.md): its format, and around it what its kind wants. Whatever stands in a record, what comes
// of it is one line, one object, one message. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/audit_to_sink.h"

namespace ocu::audit {

// `number`: the record's, from 1: the key by which a receiver tells the same record twice. `record`: its bytes, which have been checked.
std::string sink_bytes(proto::SinkConfig const& config, std::uint64_t number, std::string_view record);

// The very bytes of the record, with its number before all else.
std::string numbered_record(std::uint64_t number, std::string_view record);

}  // namespace ocu::audit
