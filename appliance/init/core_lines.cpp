// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/core_lines.h"

#include "appliance/status_line.h"

namespace ocu::init {

std::optional<CoreReady> parse_ready(std::string_view line)
{
    if (!line.starts_with("READY ")) return std::nullopt;
    auto const mcp = appliance::word_of(line, "mcp");
    auto const files = appliance::word_of(line, "files");
    if (!mcp || !files) return std::nullopt;
    return CoreReady{std::string(*mcp), std::string(*files)};
}

std::optional<manifest::Refusal> parse_last_words(std::string_view line)
{
    constexpr std::string_view kError = "error: ";
    constexpr std::string_view kRefused = "manifest refused: ";
    if (!line.starts_with(kError)) return std::nullopt;
    line.remove_prefix(kError.size());
    if (!line.starts_with(kRefused)) return manifest::Refusal{"", std::string(line)};
    line.remove_prefix(kRefused.size());
    auto const colon = line.find(": ");
    auto const key = line.substr(0, colon);
    if (colon == std::string_view::npos || key.find(' ') != std::string_view::npos) return manifest::Refusal{"", std::string(line)};
    return manifest::Refusal{std::string(key), std::string(line.substr(colon + 2))};
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
