// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How the end of a command is said to an agent, as 03-interfaces has it. No system calls.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace ocu::sandbox {

// The program that the shell's exit status most likely comes from: the first word of the last simple command. Empty when unclear.
std::string_view last_program(std::string_view command);

// The output with what there is to say about the exit. `timed_out_after` zero: it did not.
std::string answer_text(std::string output, std::string_view command, std::int32_t exit_status, std::chrono::milliseconds timed_out_after);

}  // namespace ocu::sandbox
