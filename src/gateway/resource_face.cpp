// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/resource_face.h"

#include "base/crypto/crypto.h"
#include "gateway/json_rpc.h"
#include "gateway/limits.h"
#include "gateway/mcp_answer.h"
#include "wire/percent.h"

namespace ocu::gateway {

using proto::Reason;
using proto::ResourceOutcome;
using wire::Json;

namespace {

constexpr std::string_view kUriHead = "file:///mnt/user-data/";
constexpr int kResourceNotFoundOfHandshake = -32002;  // until 2025-11-25; since then it is an invalid parameter

bool in_mount(std::string_view path)
{
    bool const fits = path.size() <= proto::kPathBytesMax && path.find('\0') == path.npos;
    return fits && (path.starts_with("outputs/") || path.starts_with("uploads/"));
}

bool is_text(std::string_view bytes) { return bytes.find('\0') == bytes.npos && wire::is_utf8(bytes); }

std::string_view last_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Json page_of(proto::ResourceAnswer const& answer)
{
    Json list = Json::array();
    for (auto const& entry : answer.entries.items()) {
        Json item = Json::object();
        item.set("uri", uri_of(entry.path.view()));
        item.set("name", wire::to_utf8(last_name(entry.path.view())));
        item.set("size", entry.bytes);
        item.set("mimeType", entry.media_type.view());
        if (entry.withheld != Reason::none) item.set("description", "Cannot be read: " + std::string(name_of(entry.withheld)));
        list.push(std::move(item));
    }
    Json result = Json::object();
    result.set("resources", std::move(list));
    if (answer.more && !answer.entries.items().empty()) result.set("nextCursor", cursor_of(answer.entries.items().back().path.view()));
    return result;
}

Json contents_of(ResourceAsked const& asked, proto::ResourceAnswer const& answer)
{
    auto const bytes = answer.body.view();
    Json item = Json::object();
    item.set("uri", asked.uri);
    item.set("mimeType", answer.media_type.view());
    if (is_text(bytes))
        item.set("text", bytes);
    else
        item.set("blob", crypto::to_base64({reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()}));
    Json contents = Json::array();
    contents.push(std::move(item));
    Json result = Json::object();
    result.set("contents", std::move(contents));
    return result;
}

ResourceReply result_of(ResourceAsked const& asked, Json result)
{
    // A guest may change its files at any moment: nobody keeps an answer.
    if (asked.era == Era::stateless) result.set("ttlMs", 0).set("cacheScope", "private");
    stamp(result, asked.era);
    return {200, result_body(asked.id, std::move(result))};
}

ResourceReply error_of(ResourceAsked const& asked, unsigned status, int code, std::string_view name, std::string_view trace)
{
    Json more = Json::object();
    if (!asked.uri.empty()) more.set("uri", asked.uri);
    return {status, error_body(asked.id, code, name, trace, std::move(more))};
}

}  // namespace

std::optional<std::string> path_of_uri(std::string_view uri)
{
    if (!uri.starts_with(kUriHead)) return std::nullopt;
    uri.remove_prefix(kUriHead.size());
    // Neither a query nor a fragment names a file.
    if (uri.find_first_of("?#") != uri.npos) return std::nullopt;
    auto path = wire::percent_decoded(uri);
    if (!path || !in_mount(*path)) return std::nullopt;
    return path;
}

std::string uri_of(std::string_view path) { return std::string(kUriHead) + wire::percent_encoded(path, "/"); }

std::optional<std::string> path_of_cursor(std::string_view cursor)
{
    constexpr std::size_t kCursorBytesMax = proto::kPathBytesMax / 3 * 4 + 4;
    if (cursor.size() > kCursorBytesMax) return std::nullopt;
    auto const bytes = crypto::from_base64url(cursor);
    if (!bytes) return std::nullopt;
    std::string path(bytes->begin(), bytes->end());
    if (!in_mount(path)) return std::nullopt;
    return path;
}

std::string cursor_of(std::string_view path)
{
    return crypto::to_base64url({reinterpret_cast<std::uint8_t const*>(path.data()), path.size()});
}

ResourceReply reply_of(ResourceAsked const& asked, proto::FrontResource const& told)
{
    auto const trace = told.trace.view();
    if (told.reason == Reason::too_many_calls || told.reason == Reason::rate_exceeded)
        return error_of(asked, 429, kRefused, name_of(told.reason), trace);
    if (told.reason != Reason::none) return error_of(asked, 200, kRefused, name_of(told.reason), trace);
    switch (told.answer.outcome) {
    case ResourceOutcome::done:
        return result_of(asked, asked.ask.verb == proto::ResourceVerb::list ? page_of(told.answer) : contents_of(asked, told.answer));
    case ResourceOutcome::no_such:
        return error_of(
            asked, 200, asked.era == Era::stateless ? kInvalidParams : kResourceNotFoundOfHandshake, "resource_not_found", trace);
    case ResourceOutcome::too_large: return error_of(asked, 200, kRefused, "resource_too_large", trace);
    case ResourceOutcome::withheld: return error_of(asked, 200, kRefused, name_of(Reason::not_downloadable), trace);
    case ResourceOutcome::type_denied: return error_of(asked, 200, kRefused, name_of(Reason::type_denied), trace);
    case ResourceOutcome::failed: break;
    }
    return error_of(asked, 200, kRefused, name_of(Reason::internal), trace);
}

}  // namespace ocu::gateway
