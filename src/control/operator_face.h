// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The operator API as bytes (F2): which request is which question, and how an answer is written. Pure; runs in operator-front only.
//
//   GET  /metrics              metrics_page.h
//   GET  /health               GET  /v1/status            GET  /v1/sessions  /v1/leases
//   POST /v1/sessions/ID/kill  POST /v1/kill-all          POST /v1/freeze  /v1/thaw  /v1/shutdown
//   POST /v1/egress/test       with a body of its own: egress_question.h
//   POST /v1/policy/explain    likewise: policy_question.h
//   GET  /v1/callers, POST /v1/callers/add  /v1/callers/rotate  /v1/callers/revoke  /v1/callers/reset   likewise: caller_question.h
//   POST /v1/files/list  /v1/files/withhold  /v1/files/release   likewise: files_question.h
//
// Strict: no query, and else no body but an empty one or {}. Errors: {"error":{"code","message","trace"}}.

#include <expected>
#include <string>
#include <string_view>

#include "proto/operator_front_to_control.h"
#include "wire/http.h"

namespace ocu::control {

struct OperatorQuestion {
    proto::OperatorAction action{};
    SessionId session;
    proto::EgressQuestion egress{};
    proto::FilesQuestion files{};
    proto::PolicyQuestion policy{};
    proto::CallerQuestion caller{};
};

// Why a request is not a question. `allow` is set with 405.
struct FaceRefusal {
    unsigned status;
    std::string_view code;
    std::string_view message;
    std::string_view allow;
};

std::expected<OperatorQuestion, FaceRefusal> parse_question(std::string_view method, std::string_view target, std::string_view body);

wire::HttpResponse render_answer(proto::OperatorAction action, proto::OperatorAnswer const& answer, std::string_view trace);
wire::HttpResponse render_refusal(FaceRefusal const& refusal, std::string_view trace);

}  // namespace ocu::control
