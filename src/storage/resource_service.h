// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a caller is told of a session's files over MCP, from the tree that the mount shows. Runs in `broker`. A path is walked name by name;
// no link is followed, and only regular files are listed and read (T-08).

#include "proto/resource.h"
#include "storage/session_tree.h"

namespace ocu::storage {

proto::ResourceAnswer answer_resource(SessionTree& tree, proto::ResourceAsk const& ask);

}  // namespace ocu::storage
