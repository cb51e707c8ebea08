// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Counts what is on disk (proto/tally.h). Pure.

#include <chrono>

#include "proto/any_to_audit.h"
#include "proto/tally.h"

namespace ocu::audit {

// Only numbers of `event` are looked at: its texts may have gone on to the writer. `took`: from asked for to on disk.
void count(proto::Tally& tally, proto::Event const& event, std::chrono::microseconds took);

}  // namespace ocu::audit
