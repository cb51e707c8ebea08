// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/words.h"

#include <algorithm>
#include <chrono>
#include <format>

namespace ocu::console {

using proto::MachinePhase;

std::string_view short_word(MachinePhase phase)
{
    switch (phase) {
    case MachinePhase::starting: return "STARTING";
    case MachinePhase::waiting_for_manifest: return "WAITING FOR A MANIFEST";
    case MachinePhase::applying: return "APPLYING";
    case MachinePhase::serving: return "SERVING";
    case MachinePhase::failed: return "NOT SERVING";
    case MachinePhase::stopping: return "STOPPING";
    }
    return "";
}

std::string_view sentence(MachinePhase phase)
{
    switch (phase) {
    case MachinePhase::starting: return "The machine is starting. It does not answer yet.";
    case MachinePhase::waiting_for_manifest: return "No manifest yet. Plug in the stick labelled OCU-MANIFEST.";
    case MachinePhase::applying: return "A manifest is being applied. Leave the stick where it is.";
    case MachinePhase::serving: return "The machine works. Agents can call it.";
    case MachinePhase::failed: return "Something is wrong and agents are not served. Page 3, the log, says more.";
    case MachinePhase::stopping: return "The machine is stopping. Leave the power on until it is off by itself.";
    }
    return "";
}

std::string time_words(std::int64_t unix_seconds)
{
    constexpr std::int64_t kLastOfYear9999 = 253'402'300'799;
    if (unix_seconds <= 0 || unix_seconds > kLastOfYear9999) return "not known";
    return std::format("{:%F %T} UTC", std::chrono::sys_seconds(std::chrono::seconds(unix_seconds)));
}

std::string duration_words(std::uint64_t seconds)
{
    auto const minutes = seconds / 60;
    auto const hours = minutes / 60;
    auto const days = hours / 24;
    if (days > 0) return std::format("{} day{} {} h", days, days == 1 ? "" : "s", hours % 24);
    if (hours > 0) return std::format("{} h {} min", hours, minutes % 60);
    if (minutes > 0) return std::format("{} min {} s", minutes, seconds % 60);
    return std::format("{} s", seconds);
}

std::vector<std::string> fingerprint_rows(std::string_view fingerprint)
{
    constexpr std::size_t kGroup = 4;
    constexpr std::size_t kGroupsInRow = 4;
    std::string digits;
    for (char const c : fingerprint)
        if (c != ':') digits += c;
    bool const hex =
        std::ranges::all_of(digits, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); });
    if (!hex || digits.empty()) return {std::string(fingerprint)};
    std::vector<std::string> rows;
    for (std::size_t at = 0; at < digits.size(); at += kGroup) {
        if (at % (kGroup * kGroupsInRow) == 0)
            rows.emplace_back();
        else
            rows.back() += ' ';
        rows.back() += digits.substr(at, kGroup);
    }
    return rows;
}

}  // namespace ocu::console
