// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where bytes that a guest calls an image or an archive are opened, and an upload that begins as an archive: one request in, one answer out, nothing
// kept. Runs in `parser`.

#include "base/unique_fd.h"
#include "proto/parser_to_storage.h"

namespace ocu::storage {

proto::Inspected inspect(proto::Inspect const& request, proto::ParserConfig const& config);
// `channel`: to the broker that has it. Blocks until all of it has been read, or enough.
proto::ArchiveChecked check(proto::CheckArchive const& request, UniqueFd channel);

}  // namespace ocu::storage
