// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where bytes that a guest calls an image or an archive are opened: one request in, one answer out, nothing kept. Runs in `parser`.

#include "proto/parser_to_storage.h"

namespace ocu::storage {

proto::Inspected inspect(proto::Inspect const& request, proto::ParserConfig const& config);

}  // namespace ocu::storage
