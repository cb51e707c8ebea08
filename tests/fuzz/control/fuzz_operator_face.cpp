// SPDX-License-Identifier: GPL-3.0-or-later
// Face: an operator's request (method, target and body, one line each). A kill names a session, and only POST changes anything.

#include "control/operator_face.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu;
    std::string_view text(reinterpret_cast<char const*>(data), size);
    auto const take = [&text] {
        auto const part = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
        return part;
    };
    auto const method = take();
    auto const target = take();
    auto const question = control::parse_question(method, target, text);
    if (!question) {
        if (question.error().status < 400 || question.error().status > 499) __builtin_trap();
        (void)control::render_refusal(question.error(), "0123456789abcdef");
        return 0;
    }
    bool const changes = question->action > proto::OperatorAction::leases;
    if (changes != (method == "POST")) __builtin_trap();
    bool const kill = question->action == proto::OperatorAction::kill;
    bool const test = question->action == proto::OperatorAction::egress_test;
    bool const files = question->action >= proto::OperatorAction::files_list && question->action <= proto::OperatorAction::files_release;
    bool const policy = question->action == proto::OperatorAction::policy_explain;
    if (!test && (kill || files) != static_cast<bool>(question->session)) __builtin_trap();
    if (policy == (question->policy.caller.empty() || question->policy.tool.empty())) __builtin_trap();
    if (test && (question->egress.host.empty() || question->egress.port == 0)) __builtin_trap();
    return 0;
}
