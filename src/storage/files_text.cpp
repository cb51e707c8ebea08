// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <expected>
#include <format>

#include "base/crypto/crypto.h"
#include "wire/percent.h"

namespace ocu::storage {

using proto::Reason;
using wire::Json;

namespace {

struct Told {
    std::string_view code;
    unsigned status;
    std::string_view message;
};

// The code of an answer is stable; the sentence beside it is for people.
constexpr Told kTold[] = {
    {"bad_request", 400, "The request is not one that this service understands."},
    {"unauthorized", 401, "Show a caller's key, or begin a session with a fresh token."},
    {"forbidden", 403, "This is not allowed to whoever asks."},
    {"not_downloadable", 403, "This file can be used in its session and not be fetched from it."},
    {"type_denied", 403, "Files of this kind are not let in, or not given out, here."},
    {"not_found", 404, "There is no such thing."},
    {"method_not_allowed", 405, "Not with this method."},
    {"timeout", 408, "The request took too long to arrive."},
    {"conflict", 409, "Something else is in the way."},
    {"body_too_large", 413, "More than may be uploaded at once."},
    {"unsupported_media_type", 415, "The body is not of a kind that is taken here."},
    {"range_not_satisfiable", 416, "The file has no such part."},
    {"archive_refused", 422, "This archive is not let in."},
    {"too_many_requests", 429, "Too many requests: come back a little later."},
    {"header_too_large", 431, "The request's head is too large."},
    {"internal", 500, "Something went wrong on this side."},
    {"role_unavailable", 503, "This service is not ready: come back a little later."},
    {"too_many_connections", 503, "Too many connections: come back a little later."},
    {"quota_exceeded", 507, "The session's space is used up."},
};

// In the order of proto::ArchiveRule.
constexpr std::array<std::string_view, static_cast<std::size_t>(proto::ArchiveRule::kLast) + 1> kRuleSentences{
    "This archive is not let in.",
    "This begins as an archive and cannot be read as one: it is damaged, cut off, of an unusual kind, or says two different things.",
    "This archive is encrypted: what is inside cannot be looked at.",
    "This archive has too many entries.",
    "This archive unpacks to too much.",
    "This archive unpacks to too many times its own size.",
    "There are archives in archives here, too deep or too large to be looked into.",
    "Entries of this archive share bytes.",
    "A name in this archive leads out of the directory in which it is unpacked.",
    "A link in this archive leads out of the directory in which it is unpacked, or something lies beneath a link.",
    "There is a device, a fifo or a socket in this archive.",
    "There is a name in this archive that no file should have.",
    "Two entries of this archive have the same name.",
    "This archive could not be looked into within the time and memory that there are for it.",
};

Told told_of(std::string_view code)
{
    for (auto const& each : kTold)
        if (each.code == code) return each;
    return {code, 500, "Something went wrong on this side."};
}

std::string_view code_of(Reason reason)
{
    switch (reason) {
    case Reason::unauthorized: return "unauthorized";
    case Reason::forbidden: return "forbidden";
    case Reason::not_downloadable: return "not_downloadable";
    case Reason::not_found:
    case Reason::unknown_session: return "not_found";
    case Reason::conflict: return "conflict";
    case Reason::quota_exceeded: return "quota_exceeded";
    case Reason::body_too_large: return "body_too_large";
    case Reason::archive_refused: return "archive_refused";
    case Reason::type_denied: return "type_denied";
    case Reason::bad_request:
    case Reason::chat_id_invalid:
    case Reason::chat_id_required: return "bad_request";
    case Reason::rate_exceeded:
    case Reason::too_many_calls:
    case Reason::too_many_sessions: return "too_many_requests";
    case Reason::internal: return "internal";
    default: return "role_unavailable";
    }
}

wire::HttpResponse error_response(
    unsigned status, std::string_view code, std::string_view message, std::string_view trace, std::string_view rule)
{
    auto error = Json::object();
    error.set("code", code).set("message", message).set("trace", trace);
    if (!rule.empty()) error.set("rule", rule);
    auto body = Json::object();
    body.set("error", std::move(error));
    auto out = files_json(status, body);
    if (out.status == 401) out.headers.push_back({"WWW-Authenticate", "Bearer"});
    out.refused_as = code;
    return out;
}

std::optional<std::uint64_t> number_in(std::string_view text)
{
    std::uint64_t out = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return out;
}

}  // namespace

std::string timestamp(std::int64_t ns_since_1970)
{
    auto const at = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(ns_since_1970));
    return std::format("{:%FT%T}Z", std::chrono::floor<std::chrono::milliseconds>(at));
}

std::string etag_of(proto::FileEntry const& entry)
{
    return std::format("\"{:x}-{:x}-{:x}\"", entry.node, static_cast<std::uint64_t>(entry.modified_ns), entry.size);
}

bool names_etag(std::string_view list, std::string_view etag)
{
    if (list == "*") return true;
    for (std::size_t at = list.find(etag); at != list.npos; at = list.find(etag, at + 1)) {
        auto const after = list.substr(at + etag.size());
        if (after.empty() || after.front() == ',' || after.front() == ' ') return true;
    }
    return false;
}

Json entry_json(proto::FileEntry const& entry)
{
    constexpr std::string_view kKinds[] = {"file", "directory", "link"};
    auto out = Json::object();
    auto const path = entry.path.view();
    auto const name = path.substr(path.rfind('/') + 1);
    out.set("name", name).set("path", path).set("type", kKinds[static_cast<std::size_t>(entry.kind)]).set("size", entry.size);
    out.set("modified", timestamp(entry.modified_ns)).set("etag", etag_of(entry)).set("downloadable", entry.withheld == Reason::none);
    if (entry.withheld != Reason::none) out.set("withheld", proto::name_of(entry.withheld));
    if (entry.kind == proto::FileKind::file)
        out.set("media_type", entry.media_type.view());
    else
        out.set("media_type", Json::null());
    if (!wire::is_utf8(path)) {
        auto const bytes = std::span(reinterpret_cast<std::uint8_t const*>(path.data()), path.size());
        out.set("id", crypto::to_base64url(bytes));
    }
    return out;
}

std::string disposition(std::string_view how, std::string_view path)
{
    auto const name = path.substr(path.rfind('/') + 1);
    std::string plain;
    for (char const c : name) plain += c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%' ? c : '_';
    return std::format("{}; filename=\"{}\"; filename*=UTF-8''{}", how, plain, wire::percent_encoded(wire::to_utf8(name)));
}

std::expected<ByteRange, NoRange> range_of(std::string_view header, std::uint64_t size)
{
    constexpr std::string_view kUnit = "bytes=";
    if (!header.starts_with(kUnit) || header.contains(',')) return std::unexpected(NoRange::whole);
    header.remove_prefix(kUnit.size());
    auto const dash = header.find('-');
    if (dash == header.npos) return std::unexpected(NoRange::whole);
    auto const first = number_in(header.substr(0, dash));
    auto const last = number_in(header.substr(dash + 1));
    if (!first) {
        if (dash != 0 || !last) return std::unexpected(NoRange::whole);
        if (*last == 0 || size == 0) return std::unexpected(NoRange::unsatisfiable);
        auto const bytes = std::min(*last, size);
        return ByteRange{size - bytes, bytes};
    }
    if ((!last && dash + 1 != header.size()) || (last && *last < *first)) return std::unexpected(NoRange::whole);
    if (*first >= size) return std::unexpected(NoRange::unsatisfiable);
    auto const end = last ? std::min(*last, size - 1) : size - 1;
    return ByteRange{*first, end - *first + 1};
}

wire::HttpResponse files_json(unsigned status, Json const& body)
{
    return {
        status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}}, body.print()};
}

wire::HttpResponse files_error(unsigned status, std::string_view code, std::string_view trace)
{
    auto const told = told_of(code);
    return error_response(status == 0 ? told.status : status, code, told.message, trace, {});
}

wire::HttpResponse archive_error(proto::ArchiveRule rule, std::string_view trace)
{
    constexpr std::string_view kCode = "archive_refused";
    return error_response(told_of(kCode).status, kCode, kRuleSentences[static_cast<std::size_t>(rule)], trace, proto::name_of(rule));
}

wire::HttpResponse files_error(Reason reason, std::string_view trace, std::uint32_t retry_after_s)
{
    auto out = files_error(0, code_of(reason), trace);
    if (out.status == 429 || out.status == 503) out.headers.push_back({"Retry-After", std::to_string(std::max(retry_after_s, 1u))});
    return out;
}

}  // namespace ocu::storage
