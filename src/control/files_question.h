// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `POST /v1/files/list`, `/withhold` and `/release` as bytes: {"session", "path" or "after"} into a question, and storage's answer into JSON.
// Pure; runs in operator-front only.

#include <expected>
#include <string_view>

#include "proto/ask_files.h"
#include "wire/json.h"

namespace ocu::control {

struct FilesAsked {
    SessionId session;
    proto::FilesQuestion question;
};

// Or one sentence that says what is wrong with it.
std::expected<FilesAsked, std::string_view> read_files_question(proto::FilesVerb verb, std::string_view body);

wire::Json files_body(proto::FilesTold const& told, std::string_view trace, bool recorded);

}  // namespace ocu::control
