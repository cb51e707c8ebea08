// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The OpenAPI 3.1 document of the file API, as GET /openapi.json answers it. tests/flow/test_file_api.py holds the real server against it.

#include <string_view>

namespace ocu::storage {

extern std::string_view const kOpenApi;

}  // namespace ocu::storage
