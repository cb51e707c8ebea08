// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `POST /v1/policy/explain` as bytes: {"caller", "tool", "arguments"?} into a question. The answer is written as an egress test's
// (egress_question.h). Pure; runs in operator-front only.

#include <expected>
#include <string_view>

#include "proto/ask_policy.h"

namespace ocu::control {

// Or one sentence that says what is wrong with it. Of `arguments` only `path` is judged by rules; others are taken and dropped.
std::expected<proto::PolicyQuestion, std::string_view> read_policy_question(std::string_view body);

}  // namespace ocu::control
