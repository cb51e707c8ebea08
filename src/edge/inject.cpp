// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/inject.h"

#include <algorithm>

#include "base/crypto/crypto.h"
#include "proto/edge_helper_to_custody_helper.h"
#include "wire/percent.h"

namespace ocu::edge {

namespace {

constexpr std::string_view kBasic = "Basic ";
constexpr std::string_view kPlace = "{}";
constexpr std::string_view kBasicPlace = "{basic}";

bool is_token(std::string_view text)
{
    constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return text.starts_with(kScopedTokenPrefix) && text.size() > kScopedTokenPrefix.size() && text.size() <= proto::kScopedTokenBytesMax &&
           text.substr(kScopedTokenPrefix.size()).find_first_not_of(kBase64Url) == std::string_view::npos;
}

bool is_basic(std::string_view value) { return wire::same_name(value.substr(0, kBasic.size()), kBasic); }

std::string decoded_basic(std::string_view value)
{
    auto const bytes = crypto::from_base64(value.substr(kBasic.size()));
    return bytes ? std::string(bytes->begin(), bytes->end()) : std::string{};
}

std::string percent_decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        int const high = i + 2 < text.size() ? wire::hex_digit(text[i + 1]) : -1, low = i + 2 < text.size() ? wire::hex_digit(text[i + 2]) : -1;
        if (text[i] == '%' && high >= 0 && low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool has_prefix_within(std::string_view text) { return text.contains(kScopedTokenPrefix); }

bool stands_in(std::string_view value)
{
    return has_prefix_within(value) || has_prefix_within(percent_decoded(value)) ||
           (is_basic(value) && has_prefix_within(decoded_basic(value)));
}

std::size_t times(std::string_view text, std::string_view part)
{
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
    return count;
}

void drop(wire::RelayRequest& request, std::string_view name)
{
    std::erase_if(request.headers, [&](wire::HttpHeader const& each) { return wire::same_name(each.name, name); });
}

void wipe_text(std::string& text) { wipe(std::as_writable_bytes(std::span(text))); }

}  // namespace

std::optional<std::string> scoped_token_in(std::string_view value)
{
    if (is_basic(value)) {
        auto const pair = decoded_basic(value);
        auto const colon = pair.find(':');
        if (colon != std::string::npos && is_token(std::string_view(pair).substr(colon + 1))) return pair.substr(colon + 1);
        auto const user = pair.substr(0, colon);
        return is_token(user) ? std::optional(user) : std::nullopt;
    }
    auto const space = value.find(' ');
    auto const token = space == std::string_view::npos ? value : value.substr(space + 1);
    return is_token(token) ? std::optional(std::string(token)) : std::nullopt;
}

std::optional<std::string> presented_token(wire::RelayRequest const& request, std::string_view header)
{
    wire::HttpHeader const* found = nullptr;
    for (auto const& each : request.headers) {
        if (!wire::same_name(each.name, header)) continue;
        if (found != nullptr) return std::nullopt;
        found = &each;
    }
    return found == nullptr ? std::nullopt : scoped_token_in(found->value);
}

bool has_stray_token(wire::RelayRequest const& request, std::string_view except)
{
    if (stands_in(request.method) || stands_in(request.path) || stands_in(request.query)) return true;
    return std::ranges::any_of(request.headers, [&](wire::HttpHeader const& each) {
        return has_prefix_within(wire::lower_case(each.name)) || (!wire::same_name(each.name, except) && stands_in(each.value));
    });
}

Result<void> inject(wire::RelayRequest& request, std::string_view header, std::string_view format, Secret const& credential)
{
    std::string_view const raw(reinterpret_cast<char const*>(credential.bytes().data()), credential.bytes().size());
    if (raw.empty() || times(format, kPlace) + times(format, kBasicPlace) != 1)
        return fail(Fault::malformed, "the format has not one place for the credential");
    bool const basic = format.contains(kBasicPlace);
    std::string_view const place = basic ? kBasicPlace : kPlace;
    std::string encoded;
    if (basic) encoded = crypto::to_base64({reinterpret_cast<std::uint8_t const*>(raw.data()), raw.size()});
    std::string_view const filling = basic ? std::string_view(encoded) : raw;
    auto const at = format.find(place);
    std::string value;
    value.reserve(format.size() + kBasic.size() + filling.size());
    value.append(format.substr(0, at));
    if (basic) value.append(kBasic);
    value.append(filling).append(format.substr(at + place.size()));
    wipe_text(encoded);
    // A credential with a line break in it would write headers of its own.
    if (std::ranges::any_of(value, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; })) {
        wipe_text(value);
        return fail(Fault::malformed, "a credential that may not stand in a header");
    }
    for (auto& each : request.headers)
        if (wire::same_name(each.name, header)) each.value.swap(value);
    drop(request, "accept-encoding");
    drop(request, "sec-websocket-extensions");
    request.headers.push_back({"Accept-Encoding", "identity"});
    return {};
}

void drop_presented(wire::RelayRequest& request, std::string_view header) { drop(request, header); }

void forget_injected(wire::RelayRequest& request, std::string_view header)
{
    for (auto& each : request.headers)
        if (wire::same_name(each.name, header)) wipe_text(each.value);
}

}  // namespace ocu::edge
