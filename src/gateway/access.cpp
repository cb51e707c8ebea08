// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/access.h"

#include <algorithm>
#include <ranges>

#include "gateway/limits.h"

namespace ocu::gateway {

using proto::Reason;

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lowered(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool is_port(std::string_view text)
{
    return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// host[:port], with an IPv6 address in brackets. The host in lower case without them, or nothing.
std::optional<std::string> host_name(std::string_view host)
{
    std::string_view name = host;
    std::string_view rest;
    if (host.starts_with('[')) {
        auto const end = host.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        name = host.substr(1, end - 1);
        rest = host.substr(end + 1);
    } else if (auto const colon = host.find(':'); colon != std::string_view::npos) {
        name = host.substr(0, colon);
        rest = host.substr(colon);
    }
    if (!rest.empty() && !(rest.starts_with(':') && is_port(rest.substr(1)))) return std::nullopt;
    return lowered(name);
}

}  // namespace

bool host_allowed(AccessRules const& rules, wire::HttpRequest const& request)
{
    auto const name = host_name(request.header("host"));
    return name && std::ranges::contains(rules.hosts, *name);
}

// No Origin: not a browser, or a page of our own origin that reads only. A page's own origin is ours when it is what Host says, and
// Host has been judged already; anything else must be listed.
bool origin_allowed(AccessRules const& rules, wire::HttpRequest const& request)
{
    if (request.count("origin") == 0) return true;
    if (request.count("origin") > 1) return false;
    std::string const origin = lowered(request.header("origin"));
    if (std::ranges::contains(rules.origins, origin)) return true;
    std::string const host = lowered(request.header("host"));
    return origin == "http://" + host || origin == "https://" + host;
}

std::expected<std::string, Reason> chat_of(AccessRules const& rules, wire::HttpRequest const& request)
{
    static_assert(wire::kChatNameBytesMax == proto::kChatIdBytesMax && wire::kBearerBytesMax == proto::kTokenBytesMax);
    auto chat = wire::chat_name(request);
    if (!chat) return std::unexpected(Reason::chat_id_invalid);
    if (*chat) return *std::move(*chat);
    if (rules.chat_required) return std::unexpected(Reason::chat_id_required);
    return std::string("default");
}

Accepts accepts(wire::HttpRequest const& request)
{
    if (request.count("accept") == 0) return {.json = true, .stream = true};
    Accepts out;
    for (auto const& header : request.headers) {
        if (lowered(header.name) != "accept") continue;
        for (auto const part : std::views::split(header.value, ',')) {
            std::string_view const item(part.begin(), part.end());
            std::string const type = lowered(trimmed(item.substr(0, item.find(';'))));
            if (type == "*/*" || type == "application/*" || type == "application/json") out.json = true;
            if (type == "*/*" || type == "text/*" || type == "text/event-stream") out.stream = true;
        }
    }
    return out;
}

bool is_json_content(wire::HttpRequest const& request)
{
    if (request.count("content-type") != 1) return false;
    std::string_view const value = request.header("content-type");
    return lowered(trimmed(value.substr(0, value.find(';')))) == "application/json";
}

}  // namespace ocu::gateway
