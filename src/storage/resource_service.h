// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a caller is told of a session's files over MCP, by the same FileService that answers the file API: path, intent and `downloadable` are
// resolved there (SB-5), no link is followed, and only regular files are listed and read (T-08). Runs in `broker`.

#include "proto/resource.h"
#include "storage/file_service.h"

namespace ocu::storage {

proto::ResourceAnswer answer_resource(FileService& files, proto::ResourceAsk const& ask);

}  // namespace ocu::storage
