// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_access.h"

#include <algorithm>

namespace ocu::wire {

namespace {

bool is_plain(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_token_char(char c) { return is_plain(c) || std::string_view("-._~+/=").contains(c); }
bool is_chat_char(char c) { return is_plain(c) || c == '.' || c == '_' || c == '-'; }

bool is_scheme(std::string_view text)
{
    constexpr std::string_view kScheme = "bearer ";
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(text.substr(0, kScheme.size()), kScheme, {}, lower);
}

}  // namespace

std::expected<std::string, NoToken> bearer_token(HttpRequest const& request)
{
    constexpr std::size_t kSchemeBytes = 7;
    if (request.count("authorization") == 0) return std::unexpected(NoToken::absent);
    if (request.count("authorization") > 1) return std::unexpected(NoToken::malformed);
    std::string_view const value = request.header("authorization");
    if (value.size() <= kSchemeBytes || !is_scheme(value)) return std::unexpected(NoToken::malformed);
    std::string_view token = value.substr(kSchemeBytes);
    auto const blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!token.empty() && blank(token.front())) token.remove_prefix(1);
    while (!token.empty() && blank(token.back())) token.remove_suffix(1);
    if (token.empty() || token.size() > kBearerBytesMax || !std::ranges::all_of(token, is_token_char))
        return std::unexpected(NoToken::malformed);
    return std::string(token);
}

std::expected<std::optional<std::string>, BadChat> chat_name(HttpRequest const& request)
{
    for (std::string_view const name : {"x-chat-id", "x-openwebui-chat-id"}) {
        if (request.count(name) == 0) continue;
        std::string_view const chat = request.header(name);
        bool const good =
            request.count(name) == 1 && !chat.empty() && chat.size() <= kChatNameBytesMax && std::ranges::all_of(chat, is_chat_char);
        if (!good) return std::unexpected(BadChat::malformed);
        return std::string(chat);
    }
    return std::optional<std::string>();
}

}  // namespace ocu::wire
