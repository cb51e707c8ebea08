// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the core says on its standard output: READY once it serves, STATUS as things change (`run --status-lines`). Pure.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ocu::init {

inline constexpr std::size_t kCoreLineBytesMax = 4096;

struct CoreReady {
    std::string mcp_url;    // with /mcp
    std::string files_url;
};

struct CoreStatus {
    std::uint32_t sessions = 0;
    std::uint32_t helpers_up = 0;
    std::uint32_t helpers = 0;
    bool frozen = false;

    bool operator==(CoreStatus const&) const = default;
};

// Nothing: another line, or one with a part missing.
std::optional<CoreReady> parse_ready(std::string_view line);
std::optional<CoreStatus> parse_status(std::string_view line);

// "STATUS sessions=N helpers=UP/ALL frozen=yes|no", without line end.
std::string status_line(CoreStatus const& status);

// Bytes as they come to whole lines, without their ends. What is longer than kCoreLineBytesMax is cut, and its rest dropped.
class LineSplitter {
public:
    void feed(std::string_view bytes, std::function<void(std::string_view line)> const& take);

private:
    std::string line_;
    bool dropping_ = false;
};

}  // namespace ocu::init
