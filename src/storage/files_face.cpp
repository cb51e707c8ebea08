// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_face.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <utility>

#include "base/crypto/crypto.h"
#include "storage/file_service.h"
#include "storage/files_text.h"
#include "storage/limits.h"
#include "storage/openapi.h"
#include "storage/page_assets.h"
#include "wire/http_access.h"
#include "wire/multipart_face.h"
#include "wire/percent.h"

namespace ocu::storage {

using proto::Reason;
using wire::HttpRequest;
using wire::HttpResponse;
using Operation = FilesOperation;

namespace {

constexpr std::string_view kCookie = "ocu_files";
constexpr std::string_view kFiles = "/v1/files";
constexpr std::size_t kJsonBodyBytesMax = 4u << 10;
constexpr std::size_t kFormSlackBytes = 256u << 10;  // what a form is made of besides its files
constexpr std::size_t kCookieBytesMax = 64;
constexpr std::uint32_t kPageDefault = 200;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool same(std::string_view one, std::string_view other) { return std::ranges::equal(one, other, {}, lower, lower); }

HttpResponse plain_json(std::string_view body)
{
    return {200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}},
        std::string(body)};
}

// A page of ours says its own origin on a change; what says another, or `null`, is not one.
bool origin_is_ours(FilesRules const& rules, HttpRequest const& request)
{
    if (request.count("origin") == 0) return true;
    return request.count("origin") == 1 &&
           same(request.header("origin"), (rules.tls ? "https://" : "http://") + std::string(request.header("host")));
}

std::string cookie_in(HttpRequest const& request)
{
    if (request.count("cookie") != 1) return {};
    auto rest = request.header("cookie");
    std::string found;
    while (!rest.empty()) {
        auto const end = std::min(rest.find(';'), rest.size());
        auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        while (pair.starts_with(' ')) pair.remove_prefix(1);
        if (!pair.starts_with(kCookie) || !pair.substr(kCookie.size()).starts_with('=')) continue;
        if (!found.empty()) return {};  // two of them: somebody has put one beside ours
        found = pair.substr(kCookie.size() + 1);
    }
    return found.size() <= kCookieBytesMax ? found : std::string();
}

// Who asks, by what they show. A bearer, where there is one; else the cookie.
std::optional<Reason> take_identity(FilesRules const& rules, HttpRequest const& request, FilesRequest& out)
{
    auto token = wire::bearer_token(request);
    if (!token && token.error() == wire::NoToken::malformed) return Reason::unauthorized;
    if (token) {
        out.shown = proto::FilesShown::bearer;
        out.secret = *std::move(token);
        auto chat = wire::chat_name(request);
        if (!chat) return Reason::chat_id_invalid;
        if (!*chat && rules.chat_required) return Reason::chat_id_required;
        out.chat = chat->value_or("default");
        return std::nullopt;
    }
    out.shown = proto::FilesShown::cookie;
    out.secret = cookie_in(request);
    if (out.secret.empty()) return Reason::unauthorized;
    auto const csrf = request.header("x-csrf-token");
    if (csrf.size() > proto::kFilesTokenBytesMax) return Reason::forbidden;
    out.csrf = csrf;
    if (out.changes && !origin_is_ours(rules, request)) return Reason::forbidden;
    return std::nullopt;
}

// Segments of a path of the API, decoded and joined; empty where one of them is no name.
std::string path_in(std::string_view encoded)
{
    std::string out;
    for (std::size_t at = 0; at <= encoded.size();) {
        auto const end = std::min(encoded.find('/', at), encoded.size());
        auto const part = wire::percent_decoded(encoded.substr(at, end - at));
        if (!part || part->contains('/')) return {};  // an encoded separator would make two names of one
        out += (at == 0 ? "" : "/") + *part;
        at = end + 1;
    }
    return path_parts(out) ? out : std::string();
}

bool take_query(std::string_view query, std::initializer_list<std::string_view> known, FilesRequest& out)
{
    while (!query.empty()) {
        auto const end = std::min(query.find('&'), query.size());
        auto const pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        auto const key = pair.substr(0, pair.find('='));
        auto const value = wire::percent_decoded(pair.size() > key.size() ? pair.substr(key.size() + 1) : std::string_view());
        if (!value || !std::ranges::contains(known, key)) return false;
        if (value->empty()) continue;
        if (key == "path") {
            if (!path_parts(*value)) return false;
            out.path = *value;
        } else if (key == "cursor") {
            auto const bytes = crypto::from_base64url(*value);
            if (!bytes) return false;
            out.after.assign(bytes->begin(), bytes->end());
            if (!path_parts(out.after)) return false;
        } else {
            auto const [stop, error] = std::from_chars(value->data(), value->data() + value->size(), out.limit);
            if (error != std::errc{} || stop != value->data() + value->size() || out.limit == 0) return false;
        }
    }
    out.limit = std::min<std::uint32_t>(out.limit == 0 ? kPageDefault : out.limit, kFilesPerListMax);
    return true;
}

std::string boundary_in(HttpRequest const& request)
{
    constexpr std::string_view kForm = "multipart/form-data";
    auto const type = request.header("content-type");
    if (request.count("content-type") != 1 || !same(type.substr(0, kForm.size()), kForm)) return {};
    return wire::multipart_boundary(type);
}

struct Refusal {
    Reason reason = Reason::bad_request;
    std::string_view code{};  // where no reason says it
    std::string_view allow{};
};
using Routed = std::variant<Refusal, FilesRequest>;

Refusal wrong_method(std::string_view allow) { return {Reason::bad_request, "method_not_allowed", allow}; }

Routed route_file(HttpRequest const& request, std::string_view encoded)
{
    FilesRequest out;
    out.path = path_in(encoded);
    if (out.path.empty() || !request.query().empty()) return Refusal{};
    if (request.method == "GET" || request.method == "HEAD") {
        out.operation = Operation::download;
        out.intents = proto::kReadIntent;
        return out;
    }
    out.changes = true;
    out.intents = proto::kWriteIntent;
    if (request.method == "DELETE") {
        out.operation = Operation::remove;
        return out;
    }
    if (request.method != "PUT") return wrong_method("GET, HEAD, PUT, DELETE");
    out.operation = Operation::upload;
    auto const label = request.header("x-downloadable");
    if (!label.empty() && label != "true" && label != "false") return Refusal{};
    if (label == "false") out.downloadable = proto::Downloadable::no;
    if (!out.path.starts_with("uploads/")) return Refusal{Reason::forbidden};
    return out;
}

Routed route_listing(HttpRequest const& request, Operation operation)
{
    FilesRequest out;
    out.operation = operation;
    out.intents = proto::kReadIntent;
    if (request.method != "GET") return wrong_method(operation == Operation::list ? "GET, POST" : "GET");
    bool const good = operation == Operation::list       ? take_query(request.query(), {"path", "cursor", "limit"}, out)
                      : operation == Operation::manifest ? take_query(request.query(), {"cursor", "limit"}, out)
                                                         : take_query(request.query(), {"path"}, out);
    if (!good || (operation != Operation::manifest && out.path.empty())) return Refusal{};
    return out;
}

Routed route_session(HttpRequest const& request, std::string_view path)
{
    FilesRequest out;
    if (!request.query().empty()) return Refusal{};
    if (path == "/v1/embed-tokens") {
        if (request.method != "POST") return wrong_method("POST");
        out.operation = Operation::embed_token;
        return out;
    }
    out.operation = request.method == "POST"  ? Operation::begin_session
                    : request.method == "GET" ? Operation::show_session
                                              : Operation::end_session;
    if (out.operation == Operation::end_session && request.method != "DELETE") return wrong_method("GET, POST, DELETE");
    out.changes = out.operation == Operation::end_session;
    return out;
}

Routed route(HttpRequest const& request)
{
    auto const path = request.path();
    if (path == "/v1/manifest") return route_listing(request, Operation::manifest);
    if (path == "/v1/archive") return route_listing(request, Operation::archive);
    if (path == "/v1/embed-tokens" || path == "/v1/session") return route_session(request, path);
    if (path == kFiles) {
        if (request.method != "POST") return route_listing(request, Operation::list);
        FilesRequest out;
        out.operation = Operation::form;
        out.changes = true;
        out.intents = proto::kWriteIntent;
        out.boundary = boundary_in(request);
        if (out.boundary.empty()) return Refusal{Reason::bad_request, "unsupported_media_type"};
        return out;
    }
    constexpr std::string_view kPreview = "/v1/preview/";
    if (path.starts_with(kPreview)) {
        if (request.method != "GET" && request.method != "HEAD") return wrong_method("GET, HEAD");
        auto routed = route_file(request, path.substr(kPreview.size()));
        if (auto* const file = std::get_if<FilesRequest>(&routed)) {
            file->operation = Operation::preview;
            file->intents = proto::kPreviewIntent;
        }
        return routed;
    }
    if (path.starts_with("/v1/files/")) return route_file(request, path.substr(kFiles.size() + 1));
    return Refusal{Reason::not_found};
}

HttpResponse refused(Refusal const& refusal, std::string_view trace)
{
    auto out = refusal.code.empty() ? files_error(refusal.reason, trace) : files_error(0, refusal.code, trace);
    if (!refusal.allow.empty()) out.headers.push_back({"Allow", std::string(refusal.allow)});
    return out;
}

}  // namespace

FilesDecision judge_files_request(FilesRules const& rules, HttpRequest const& request, std::string_view trace)
{
    if (request.count("Host") != 1) return files_error(Reason::bad_request, trace);
    auto const host = request.header("Host");
    if (!std::ranges::any_of(rules.hosts, [host](std::string const& ours) { return same(ours, host); }))
        return files_error(Reason::forbidden, trace);
    auto const path = request.path();
    if (path == "/health" || path == "/openapi.json") {
        if (request.method != "GET") return refused(wrong_method("GET"), trace);
        return plain_json(path == "/health" ? std::string_view(R"({"status":"healthy"})") : kOpenApi);
    }
    if (auto page = page_asset(request, rules.ancestors)) return *std::move(page);
    auto routed = route(request);
    if (auto const* const refusal = std::get_if<Refusal>(&routed)) return refused(*refusal, trace);
    auto out = std::get<FilesRequest>(std::move(routed));
    if (out.operation == Operation::begin_session) {
        if (!origin_is_ours(rules, request)) return files_error(Reason::forbidden, trace);
        out.shown = proto::FilesShown::embed_token;
        return out;
    }
    if (auto const reason = take_identity(rules, request, out)) return files_error(*reason, trace);
    return out;
}

wire::HttpBodyChoice body_of(FilesRules const& rules, FilesDecision decision)
{
    using How = wire::HttpBodyChoice::How;
    if (auto* const response = std::get_if<HttpResponse>(&decision)) return {How::whole, 0, std::move(*response)};
    switch (std::get<FilesRequest>(decision).operation) {
    case Operation::upload: return {How::streamed, rules.upload_bytes_max};
    case Operation::form: return {How::streamed, rules.upload_bytes_max + kFormSlackBytes};
    case Operation::embed_token:
    case Operation::begin_session: return {How::whole, kJsonBodyBytesMax};
    default: return {How::whole, 0};
    }
}

std::optional<TokenWish> token_wish_in(std::string_view json)
{
    auto const document = wire::Json::parse(json, {kJsonBodyBytesMax, 3, wire::DuplicateKeys::refuse});
    if (!document || !document->view().is_object()) return std::nullopt;
    TokenWish wish;
    auto const caller = document->view()["caller"];
    if (caller) {
        wish.caller = caller.string().value_or("");
        if (wish.caller.empty() || wish.caller.size() > decltype(proto::FilesAsk::caller)::kMax) return std::nullopt;
    }
    auto const list = document->view()["intents"];
    if (!list.is_array() || document->view().size() != (caller ? 2u : 1u)) return std::nullopt;
    auto& out = wish.intents;
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto const each = list.at(i).string().value_or("");
        if (each == "read")
            out |= proto::kReadIntent;
        else if (each == "preview")
            out |= proto::kPreviewIntent;
        else if (each == "write")
            out |= proto::kWriteIntent;
        else
            return std::nullopt;
    }
    return out == 0 ? std::nullopt : std::optional(std::move(wish));
}

std::optional<std::string> token_in(std::string_view json)
{
    auto const document = wire::Json::parse(json, {kJsonBodyBytesMax, 3, wire::DuplicateKeys::refuse});
    if (!document || !document->view().is_object() || document->view().size() != 1) return std::nullopt;
    auto const token = document->view()["token"].string();
    if (!token || token->empty() || token->size() > proto::kFilesTokenBytesMax) return std::nullopt;
    return std::string(*token);
}

std::string cursor_of(std::string_view path)
{
    return crypto::to_base64url(std::span(reinterpret_cast<std::uint8_t const*>(path.data()), path.size()));
}

// In a frame of another site's page only a cookie with SameSite=None comes along, and browsers take that only with Secure. Without TLS, which is
// loopback alone, the page stands by itself.
std::string cookie_header(FilesRules const& rules, std::string_view value, std::uint32_t life_s)
{
    return std::format(
        "{}={}; Path=/; HttpOnly; {}; Max-Age={}", kCookie, value, rules.tls ? "Secure; SameSite=None" : "SameSite=Lax", life_s);
}

}  // namespace ocu::storage
