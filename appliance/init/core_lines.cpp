// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/core_lines.h"

#include <charconv>
#include <format>

namespace ocu::init {

namespace {

// The value of ` NAME=` up to the next blank; nothing when it is not there or empty.
std::optional<std::string_view> value_of(std::string_view line, std::string_view name)
{
    auto const key = " " + std::string(name) + "=";
    auto const at = line.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    auto value = line.substr(at + key.size());
    value = value.substr(0, value.find(' '));
    if (value.empty()) return std::nullopt;
    return value;
}

std::optional<std::uint32_t> number(std::string_view text)
{
    std::uint32_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<CoreReady> parse_ready(std::string_view line)
{
    if (!line.starts_with("READY ")) return std::nullopt;
    auto const mcp = value_of(line, "mcp");
    auto const files = value_of(line, "files");
    if (!mcp || !files) return std::nullopt;
    return CoreReady{std::string(*mcp), std::string(*files)};
}

std::optional<CoreStatus> parse_status(std::string_view line)
{
    if (!line.starts_with("STATUS ")) return std::nullopt;
    auto const sessions = number(value_of(line, "sessions").value_or(""));
    auto const helpers = value_of(line, "helpers").value_or("");
    auto const frozen = value_of(line, "frozen").value_or("");
    auto const slash = helpers.find('/');
    if (!sessions || slash == std::string_view::npos || (frozen != "yes" && frozen != "no")) return std::nullopt;
    auto const up = number(helpers.substr(0, slash));
    auto const all = number(helpers.substr(slash + 1));
    if (!up || !all) return std::nullopt;
    return CoreStatus{*sessions, *up, *all, frozen == "yes"};
}

std::string status_line(CoreStatus const& status)
{
    return std::format(
        "STATUS sessions={} helpers={}/{} frozen={}", status.sessions, status.helpers_up, status.helpers, status.frozen ? "yes" : "no");
}

void LineSplitter::feed(std::string_view bytes, std::function<void(std::string_view line)> const& take)
{
    while (!bytes.empty()) {
        auto const end = bytes.find('\n');
        auto const part = bytes.substr(0, end);
        bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
        if (!dropping_) line_ += part.substr(0, kCoreLineBytesMax - line_.size());
        if (end == std::string_view::npos) {
            dropping_ = line_.size() == kCoreLineBytesMax;
            continue;
        }
        take(line_);
        line_.clear();
        dropping_ = false;
    }
}

}  // namespace ocu::init
