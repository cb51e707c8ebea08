// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `ocu-appliance ctl`: an operator's questions and orders, over the local socket. The two pure halves are here for the tests: what the
// command line means, and how an answer looks to a person. The entry is commands.h's ctl_main.

#include <expected>
#include <span>
#include <optional>
#include <string>
#include <vector>

#include "wire/json.h"

namespace ocu::appliance {

inline constexpr char kDefaultOperatorSocket[] = "/var/lib/ocu-appliance/operator.sock";

struct CtlRequest {
    std::string socket = kDefaultOperatorSocket;
    bool json = false;
    bool help = false;
    bool post = false;
    std::string command;
    std::string path;  // of the URL
    std::string body = "{}";  // of a post
};

// Or one line that says what is wrong with the arguments (those after `ctl`).
std::expected<CtlRequest, std::string> parse_ctl(std::span<char const* const> arguments);

// 0: done. 1: refused, failed, or not whole: what was severed is not confirmed dead, or `egress test` says denied.
int exit_code_of(wire::JsonView answer);

// An answer of status 200, for people.
std::string render_for_people(std::string_view command, wire::JsonView answer);

// What another process sent, for a terminal: no control character gets through (T-11).
std::string shown(std::optional<std::string_view> text);
// The first row is the head.
std::string table(std::vector<std::vector<std::string>> const& rows);

}  // namespace ocu::appliance
