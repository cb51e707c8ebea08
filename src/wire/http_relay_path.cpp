// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <vector>

#include "wire/http_relay_head.h"
#include "wire/percent.h"

namespace ocu::wire {

namespace {

constexpr std::string_view kUnreservedMarks = "-._~";
constexpr std::string_view kPathMarks = "!$&'()*+,;=:@/";  // RFC 3986: sub-delims, ':' and '@' of a segment, and its end

bool is_alphanumeric(unsigned char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void put_escaped(std::string& out, unsigned char c)
{
    constexpr char kHex[] = "0123456789ABCDEF";
    out += '%';
    out += kHex[c >> 4];
    out += kHex[c & 0xf];
}

std::expected<std::string, RelayFault> normalise_escapes(std::string_view path)
{
    std::string out;
    out.reserve(path.size());
    for (std::size_t i = 0; i < path.size(); ++i) {
        auto c = static_cast<unsigned char>(path[i]);
        bool const escaped = c == '%';
        if (escaped) {
            if (path.size() - i < 3) return std::unexpected(RelayFault::path);
            int const high = hex_digit(path[i + 1]), low = hex_digit(path[i + 2]);
            if (high < 0 || low < 0) return std::unexpected(RelayFault::path);
            c = static_cast<unsigned char>(high * 16 + low);
            i += 2;
            if (c < 0x20 || c == 0x7f) return std::unexpected(RelayFault::path);
        } else if (c <= 0x20 || c >= 0x7f || c == '#' || c == '?') {
            return std::unexpected(RelayFault::target);
        }
        if (c == '\\') return std::unexpected(RelayFault::path);
        if (is_alphanumeric(c) || kUnreservedMarks.contains(static_cast<char>(c)) ||
            (!escaped && kPathMarks.contains(static_cast<char>(c))))
            out += static_cast<char>(c);
        else
            put_escaped(out, c);
    }
    return out;
}

}  // namespace

std::expected<std::string, RelayFault> normalise_path(std::string_view path)
{
    if (!path.starts_with('/')) return std::unexpected(RelayFault::target);
    auto const clean = normalise_escapes(path);
    if (!clean) return clean;
    std::vector<std::string_view> segments;
    std::string_view rest = *clean;
    bool directory = false;  // the last segment was a dot segment: what is left ends with '/'
    while (!rest.empty()) {
        rest.remove_prefix(1);
        auto const segment = rest.substr(0, rest.find('/'));
        rest.remove_prefix(segment.size());
        auto const bare = segment.substr(0, std::min(segment.find(';'), segment.find("%3B")));
        directory = bare == "." || bare == "..";
        if (directory && bare.size() != segment.size()) return std::unexpected(RelayFault::path);
        if (bare == ".." && !segments.empty()) segments.pop_back();
        if (!directory) segments.push_back(segment);
    }
    std::string out;
    out.reserve(clean->size());
    for (auto const segment : segments) (out += '/') += segment;
    if (directory || out.empty()) out += '/';
    return out;
}

}  // namespace ocu::wire
