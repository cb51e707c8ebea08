// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/files_question.h"

#include "control/session_name.h"

namespace ocu::control {

using wire::Json;

namespace {

using Refused = std::unexpected<std::string_view>;

constexpr std::size_t kBodyBytesMax = 6 * proto::kAskedPathBytesMax + 256;  // a byte takes six at most

}  // namespace

std::expected<FilesAsked, std::string_view> read_files_question(proto::FilesVerb verb, std::string_view body)
{
    bool const lists = verb == proto::FilesVerb::list;
    std::string_view const key_of_path = lists ? "after" : "path";
    auto const document = Json::parse(body, {.bytes_max = kBodyBytesMax, .depth_max = 2});
    if (!document || !document->view().is_object()) return Refused("the body is an object with session, and path or after");
    bool known = true;
    document->view().each([&](std::string_view key, wire::JsonView value) {
        known = known && (key == "session" || key == key_of_path) && value.is_string();
    });
    if (!known) return Refused("only session and path, of a list after in its place, are taken, each a string");
    auto const name = document->view()["session"].string();
    auto const session = name ? parse_session_name(*name) : std::nullopt;
    if (!session) return Refused("session is named s- and sixteen hex digits");
    auto const path = document->view()[key_of_path].string();
    if (!path && !lists) return Refused("path is missing");
    FilesAsked out{*session, {verb, {}}};
    if (path && !out.question.path.fits(*path)) return Refused("a path has at most 4000 bytes");
    if (path) out.question.path = wire::Text<proto::kAskedPathBytesMax>(*path);
    return out;
}

Json files_body(proto::FilesTold const& told, std::string_view trace, bool recorded)
{
    Json list = Json::array();
    for (auto const& each : told.files.items()) {
        Json file = Json::object();
        file.set("path", each.path.view()).set("size", each.size).set("standing", name_of(each.standing));
        if (!each.by.empty()) file.set("by", each.by.view());
        list.push(std::move(file));
    }
    Json body = Json::object();
    body.set("files", std::move(list)).set("more", told.more).set("trace", trace).set("recorded", recorded);
    return body;
}

}  // namespace ocu::control
