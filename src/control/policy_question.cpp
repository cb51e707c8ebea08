// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/policy_question.h"

#include "wire/json.h"

namespace ocu::control {

using wire::Json;
using wire::JsonView;

namespace {

using Refused = std::unexpected<std::string_view>;

constexpr std::size_t kBodyBytesMax = 8192;
constexpr std::size_t kDepthMax = 8;

}  // namespace

std::expected<proto::PolicyQuestion, std::string_view> read_policy_question(std::string_view body)
{
    auto const document = Json::parse(body, {.bytes_max = kBodyBytesMax, .depth_max = kDepthMax});
    if (!document || !document->view().is_object()) return Refused("the body is an object with caller, tool, and maybe arguments");
    JsonView const root = document->view();
    bool known = true;
    root.each([&known](std::string_view key, JsonView) { known = known && (key == "caller" || key == "tool" || key == "arguments"); });
    if (!known) return Refused("only caller, tool and arguments are taken");
    proto::PolicyQuestion question;
    auto const caller = root["caller"].string();
    if (!caller || caller->empty() || !question.caller.fits(*caller)) return Refused("caller is the name of a caller");
    auto const tool = root["tool"].string();
    if (!tool || tool->empty() || !question.tool.fits(*tool))
        return Refused("tool is the name of a tool, resources/list or resources/read");
    question.caller = std::string(*caller);
    question.tool = std::string(*tool);
    JsonView const arguments = root["arguments"];
    if (!arguments) return question;
    if (!arguments.is_object()) return Refused("arguments is an object, as in tools/call");
    JsonView const path = arguments["path"];
    if (!path) return question;
    if (!path.string() || !question.path.fits(*path.string())) return Refused("path is a string of at most 4096 bytes");
    question.path = std::string(*path.string());
    return question;
}

}  // namespace ocu::control
