// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `GET /metrics` (AP-9): the status and the tally as Prometheus text, version 0.0.4. Names are stable and listed in docs/operating/metrics.md. No label
// has a value that a caller or a guest chose, and each has at most as many as the manifest or this program has. Pure; runs in operator-front only.

#include <string>

#include "proto/operator_front_to_control.h"

namespace ocu::control {

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_text(proto::OperatorAnswer const& answer);

}  // namespace ocu::control
