// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Messages for a screen with every text in them made printable (printable.h), cut to its bound where that made it longer. Done before
// they are sent and again where they are drawn: neither side takes the other's word for it (T-19).

#include "proto/init_to_screen.h"

namespace ocu::console {

proto::ScreenState clean(proto::ScreenState state);
proto::ScreenLine clean(proto::ScreenLine const& line);

}  // namespace ocu::console
