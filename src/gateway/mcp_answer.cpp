// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/mcp_answer.h"

#include <algorithm>

#include "base/crypto/crypto.h"
#include "gateway/json_rpc.h"
#include "gateway/limits.h"

namespace ocu::gateway {

using proto::Content;
using proto::Reason;
using wire::Json;

namespace {

constexpr std::string_view kCutNotice = "\n[cut by the gateway]";

std::string_view sentence_of(Reason reason)
{
    switch (reason) {
    case Reason::audit_unavailable:
        return "The record of this call could not be written, so the call was not made or its result is withheld.";
    case Reason::too_many_calls: return "Too many calls are under way or waiting. Wait for some to end, then try again.";
    case Reason::rate_exceeded: return "Calls come faster than this caller may make them. Slow down, then try again.";
    case Reason::too_many_sessions: return "This caller has as many sandboxes as it may have.";
    case Reason::sessions_frozen: return "An operator has stopped the making of new sandboxes.";
    case Reason::session_killed: return "An operator has ended this sandbox. Its processes and scratch files are gone.";
    case Reason::session_ended: return "This sandbox has ended. Its processes and scratch files are gone; the next call gets a new one.";
    case Reason::session_failed: return "The sandbox could not be started. Try again; if it stays so, an operator must look.";
    case Reason::session_denied: return "This caller or conversation has been denied by an operator.";
    case Reason::cancelled: return "The call was cancelled.";
    case Reason::shutting_down: return "The appliance is shutting down.";
    case Reason::role_unavailable: return "A part of the appliance is not running at the moment. Try again shortly.";
    case Reason::policy_denied: return "Policy does not allow this call. Where it judges a path, the path must begin with /.";
    case Reason::unknown_process: return "There is no process of that number in this sandbox. process_list says which there are.";
    case Reason::process_ended: return "That process has ended. process_read still shows what it wrote.";
    case Reason::too_many_processes: return "This sandbox runs as many processes as it may. End one with process_signal, then try again.";
    case Reason::process_input_full: return "The process has not read what was written to it before. Nothing was added; try again when it has.";
    default: return "The call was refused.";
    }
}

// Valid UTF-8 of a bounded number of characters, whatever the sandbox's side sent.
std::string bounded_text(std::string_view bytes)
{
    constexpr std::size_t kCharsMax = proto::kAnswerTextCharsMax + kAnswerSlackChars;
    std::string text = wire::to_utf8(bytes);
    std::size_t chars = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xc0u) == 0x80u) continue;
        if (++chars <= kCharsMax) continue;
        text.resize(i);
        text += kCutNotice;
        break;
    }
    return text;
}

Json text_item(std::string_view text)
{
    Json item = Json::object();
    item.set("type", "text");
    item.set("text", text);
    return item;
}

bool is_image_type(std::string_view mime)
{
    return mime == "image/png" || mime == "image/jpeg" || mime == "image/gif" || mime == "image/webp";
}

Json content_item(proto::ToolAnswer const& answer)
{
    if (answer.content != Content::image) return text_item(bounded_text(answer.body.view()));
    if (!is_image_type(answer.mime.view())) return text_item("[an image of a type that cannot be shown]");
    auto const* const first = reinterpret_cast<std::uint8_t const*>(answer.body.str().data());
    Json item = Json::object();
    item.set("type", "image");
    item.set("data", crypto::to_base64({first, answer.body.size()}));
    item.set("mimeType", answer.mime.view());
    return item;
}

Json tool_result(Era era, proto::ToolAnswer const& answer)
{
    Json content = Json::array();
    content.push(content_item(answer));
    Json result = Json::object();
    result.set("content", std::move(content));
    result.set("isError", answer.is_error);
    stamp(result, era);
    return result;
}

}  // namespace

Json server_info()
{
    Json info = Json::object();
    info.set("name", "ocu-appliance");
    info.set("title", "Open Computer Use appliance");
    info.set("version", OCU_VERSION);
    return info;
}

void stamp(Json& result, Era era)
{
    if (era != Era::stateless || result.view()["resultType"]) return;
    result.set("resultType", "complete");
    if (result.view()["_meta"]) return;
    Json meta = Json::object();
    meta.set("io.modelcontextprotocol/serverInfo", server_info());
    result.set("_meta", std::move(meta));
}

Json error_result(Era era, std::string_view code, std::string_view sentence, std::string_view trace)
{
    std::string text(code);
    text.append(": ").append(sentence).append("\n[correlation id ").append(trace).append("]");
    Json content = Json::array();
    content.push(text_item(text));
    Json meta = Json::object();
    meta.set("code", code);
    meta.set("correlationId", trace);
    if (era == Era::stateless) meta.set("io.modelcontextprotocol/serverInfo", server_info());
    Json result = Json::object();
    result.set("content", std::move(content));
    result.set("isError", true);
    result.set("_meta", std::move(meta));
    stamp(result, era);
    return result;
}

Answered answer_of(CallAsked const& call, proto::FrontDone const& done)
{
    auto const reason = done.answer.reason;
    auto const trace = done.trace.view();
    if (reason == Reason::none) return {200, result_body(call.id, tool_result(call.era, done.answer))};
    // Ceilings are the client's to mind (429); everything else is the model's to read.
    if (reason == Reason::too_many_calls || reason == Reason::rate_exceeded) {
        return {429, error_body(call.id, kRefused, name_of(reason), trace)};
    }
    return {200, result_body(call.id, error_result(call.era, name_of(reason), sentence_of(reason), trace))};
}

// One line of data: JSON as we print it has no line break in it.
std::string event_of(std::string_view message)
{
    std::string event = "event: message\ndata: ";
    event.append(message).append("\n\n");
    return event;
}

std::string progress_message(CallAsked const& call, proto::FrontProgress const& progress)
{
    using Seconds = std::chrono::duration<double>;
    Json params = Json::object();
    auto token = Json::parse(call.progress_token);
    params.set("progressToken", token ? *std::move(token) : Json::null());
    params.set("progress", Json::number(Seconds(progress.elapsed).count()));
    if (progress.total.count() > 0) params.set("total", Json::number(Seconds(progress.total).count()));
    if (!progress.last_line.empty()) params.set("message", wire::to_utf8(progress.last_line.view()));
    return notification_body("notifications/progress", std::move(params));
}

}  // namespace ocu::gateway
