// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The programs that a session's process tools have started, as the exec helper keeps them: their numbers, what became of each, how far each
// has been read. The agent has their terminals and their output; which numbers there are, and how long each may run, is decided here. Pure.

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "proto/reason.h"
#include "proto/tool.h"
#include "sandbox/terminal_text.h"

namespace ocu::sandbox {

struct ExecProcess {
    std::string command;               // its beginning
    Monotonic started;
    std::optional<Monotonic> ends_by;  // its caller's limit
    std::chrono::milliseconds time_max{};
    std::optional<Monotonic> dead_by;  // its end has been ordered: the guest must have said so by then
    bool timed_out = false;
    std::optional<Monotonic> ended;
    std::int32_t status = 0;
    std::uint64_t output_bytes = 0;    // once ended
    std::uint64_t next = 0;            // where a read goes on
    TerminalText text;                 // of what has been read in order
};

class ExecProcesses {
public:
    using Table = std::map<std::uint32_t, ExecProcess>;

    struct Added {
        std::uint32_t number;
        std::optional<std::uint32_t> displaced;  // one that had ended gave its place
    };
    // Errors: too_many_processes (as many run as may be held).
    std::expected<Added, proto::Reason> add(std::string_view command, std::chrono::milliseconds time_max, Monotonic now);
    void remove(std::uint32_t number) { table_.erase(number); }
    // Null: no such process, or it has been displaced.
    ExecProcess* find(std::uint32_t number);
    // False: no such process runs, so its end is an invention.
    [[nodiscard]] bool has_ended(std::uint32_t number, std::int32_t status, std::uint64_t output_bytes, Monotonic now);
    Table& all() { return table_; }
    // The next moment at which one of them is due.
    std::optional<Monotonic> next_moment() const;

    // One line for each.
    std::string list(Monotonic now) const;

private:
    Table table_;
    std::uint32_t last_ = 0;
};

struct ProcessPiece {
    std::uint64_t from = 0;   // that was asked for
    std::uint64_t first = 0;  // that was there
    std::uint64_t next = 0;
    std::uint64_t end = 0;
};
// What an agent is told with a piece of output: what is lost before it, and what state the program is in.
std::string process_answer(std::uint32_t number, ExecProcess const& process, ProcessPiece const& piece, std::string output);

}  // namespace ocu::sandbox
