// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `ocu-appliance completion bash`: what a shell needs to complete this program's words, from the tables that the program itself reads. Pure.

#include <span>
#include <string>
#include <string_view>

namespace ocu::appliance {

// `commands`: of the program. Of ctl's, this knows all: kCtlWords.
std::string bash_completion(std::span<std::string_view const> commands);

struct CtlWord {
    std::string_view command;
    std::string_view verbs;    // that follow it, with spaces between; empty: none
    std::string_view options;  // that it takes besides those of every command
};

inline constexpr CtlWord kCtlWords[] = {
    {"status", "", ""},
    {"sessions", "", ""},
    {"leases", "", ""},
    {"egress", "test", "--session --method"},
    {"policy", "explain", "--caller --tool --arguments"},
    {"files", "list withhold release", "--after"},
    {"callers", "list add rotate revoke reset", "--expires --overlap"},
    {"kill", "", ""},
    {"kill-all", "", ""},
    {"freeze", "", ""},
    {"thaw", "", ""},
    {"shutdown", "", ""},
};

}  // namespace ocu::appliance
