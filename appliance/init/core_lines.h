// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the core says: READY once it serves, STATUS as things change (appliance/status_line.h), and why it could not. Pure.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/manifest/refusal.h"
#include "appliance/status_line.h"

namespace ocu::init {

inline constexpr std::size_t kCoreLineBytesMax = 4096;

struct CoreReady {
    std::string mcp_url;    // with /mcp
    std::string files_url;
};

using appliance::CoreStatus;

// Nothing: another line, or one with a part missing.
std::optional<CoreReady> parse_ready(std::string_view line);
// Why a core that ended did: its line "error: WHAT: WHY", and of a refused manifest the key.
std::optional<manifest::Refusal> parse_last_words(std::string_view line);

// Bytes as they come to whole lines, without their ends. What is longer than kCoreLineBytesMax is cut, and its rest dropped.
class LineSplitter {
public:
    void feed(std::string_view bytes, std::function<void(std::string_view line)> const& take);

private:
    std::string line_;
    bool dropping_ = false;
};

}  // namespace ocu::init
