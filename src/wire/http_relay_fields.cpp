// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_relay_fields.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace ocu::wire {

namespace {

constexpr std::string_view kHopByHop[] = {"connection", "keep-alive", "te", "trailer", "upgrade", "transfer-encoding", "content-length",
    "host", "expect", "alt-svc", "http2-settings"};

}  // namespace

std::size_t Fields::count(std::string_view name) const
{
    return static_cast<std::size_t>(std::ranges::count_if(all, [&](HttpHeader const& each) { return same_name(each.name, name); }));
}

std::string_view Fields::first(std::string_view name) const
{
    auto const found = std::ranges::find_if(all, [&](HttpHeader const& each) { return same_name(each.name, name); });
    return found == all.end() ? std::string_view{} : std::string_view(found->value);
}

bool Fields::lists(std::string_view name, std::string_view token) const
{
    for (auto const& each : all) {
        if (!same_name(each.name, name)) continue;
        std::string_view rest = each.value;
        while (!rest.empty()) {
            auto const part = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(part.size() + 1, rest.size()));
            auto const begin = part.find_first_not_of(" \t");
            if (begin == std::string_view::npos) continue;
            if (same_name(part.substr(begin, part.find_last_not_of(" \t") + 1 - begin), token)) return true;
        }
    }
    return false;
}

std::vector<HttpHeader> Fields::end_to_end() const
{
    std::vector<HttpHeader> out;
    for (auto const& each : all) {
        auto const hop = std::ranges::any_of(kHopByHop, [&](std::string_view name) { return same_name(each.name, name); });
        if (!hop && !lower_case(each.name).starts_with("proxy-") && !lists("connection", each.name)) out.push_back(each);
    }
    return out;
}

std::optional<std::uint64_t> length_in(std::string_view text)
{
    std::uint64_t length = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (length > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return length;
}

bool read_authority(std::string_view text, std::string& host, std::uint16_t& port)
{
    auto const close = text.starts_with('[') ? text.find(']') : 0;
    if (close == std::string_view::npos) return false;
    auto const colon = text.find(':', close);
    if (colon != std::string_view::npos) {
        auto const digits = text.substr(colon + 1);
        auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || port == 0) return false;
    }
    host = lower_case(text.substr(0, colon));
    constexpr std::string_view kName = "abcdefghijklmnopqrstuvwxyz0123456789-._", kAddress = "0123456789abcdef:.";
    if (host.starts_with('[')) {
        if (!host.ends_with(']')) return false;
        host = host.substr(1, host.size() - 2);
        return host.contains(':') && host.find_first_not_of(kAddress) == std::string::npos;
    }
    if (host.ends_with('.')) host.pop_back();
    // An empty label is no name, and to take a dot away again would make it another one.
    if (host.starts_with('.') || host.ends_with('.') || host.contains("..")) return false;
    return !host.empty() && host.size() <= 253 && host.find_first_not_of(kName) == std::string::npos;
}

std::expected<void, RelayFault> read_path(std::string_view target, RelayRequest& out)
{
    auto const mark = target.find('?');
    auto const path = target.substr(0, mark);
    if (mark != std::string_view::npos) out.query = std::string(target.substr(mark));
    if (std::ranges::any_of(out.query, [](unsigned char c) { return c <= 0x20 || c >= 0x7f || c == '#'; }))
        return std::unexpected(RelayFault::target);
    auto normal = normalise_path(out.absolute && path.empty() ? "/" : path);
    if (!normal) return std::unexpected(normal.error());
    out.path = *std::move(normal);
    return {};
}

}  // namespace ocu::wire
