// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "base/assert.h"

namespace ocu::log {

namespace {

constexpr std::size_t kProcessNameMax = 32;
constexpr std::size_t kLineMax = 512;
// Written once before threads start; the only process-wide variable, because a log line needs no owner.
std::array<char, kProcessNameMax> process_name{"core"};

std::string_view name_of(Level level)
{
    switch (level) {
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
    }
    return "?";
}

}  // namespace

void set_process_name(std::string_view name)
{
    std::size_t const size = std::min(name.size(), kProcessNameMax - 1);
    std::memcpy(process_name.data(), name.data(), size);
    process_name[size] = '\0';
}

void line(Level level, Literal what, std::string_view detail)
{
    std::timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    // Not gmtime_r: its first call opens the time zone file, which a confined helper does not survive.
    std::chrono::sys_seconds const second{std::chrono::seconds(now.tv_sec)};
    auto const day = std::chrono::floor<std::chrono::days>(second);
    std::chrono::year_month_day const date(day);
    std::chrono::hh_mm_ss const clock(second - day);
    char text[kLineMax];
    int size = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %s: %.*s", static_cast<int>(date.year()),
        static_cast<int>(static_cast<unsigned>(date.month())), static_cast<int>(static_cast<unsigned>(date.day())),
        static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
        now.tv_nsec / 1'000'000, name_of(level).data(), process_name.data(), static_cast<int>(what.view().size()), what.view().data());
    size = std::min<int>(size, static_cast<int>(sizeof text) - 2);
    if (!detail.empty()) text[size++] = ' ';
    // Control characters could start a new line or steer a terminal.
    for (char const c : detail) {
        if (size >= static_cast<int>(sizeof text) - 1) break;
        text[size++] = (c < ' ' || c == '\x7f') ? '?' : c;
    }
    text[size++] = '\n';
    [[maybe_unused]] auto const written = ::write(STDERR_FILENO, text, static_cast<std::size_t>(size));
}

void failure(Literal what, Error const& error)
{
    char detail[256];
    std::snprintf(detail, sizeof detail, "(%s: %.*s%s%s)", ocu::name_of(error.fault).data(), static_cast<int>(error.what.view().size()),
        error.what.view().data(), error.os_errno != 0 ? ", " : "", error.os_errno != 0 ? ::strerrorname_np(error.os_errno) : "");
    line(Level::error, what, detail);
}

}  // namespace ocu::log

namespace ocu {

void assertion_failed(Literal condition, std::source_location where)
{
    char place[160];
    std::snprintf(place, sizeof place, "at %s:%u", where.file_name(), where.line());
    log::line(log::Level::error, condition, place);
    std::abort();
}

}  // namespace ocu
