// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where this role's helper process begins.

#include "helper/helper.h"

namespace ocu::control {

// `operator-front`: HTTP and JSON from operators. Configuration: proto::OperatorFrontConfig; no descriptors.
Result<void> operator_front_main(helper::Helper& helper);

}  // namespace ocu::control
