// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A directory, two levels deep, without hidden entries and node_modules.

#include <string>

#include "guest/file_tool.h"

namespace ocu::guest {

FileAnswer list_directory(std::string const& path);

}  // namespace ocu::guest
