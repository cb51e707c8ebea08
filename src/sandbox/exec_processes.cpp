// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/exec_processes.h"

#include <algorithm>
#include <format>

#include "sandbox/exec_text.h"

namespace ocu::sandbox {

namespace {

constexpr std::size_t kCommandBytesMax = 200;

std::int64_t seconds_between(Monotonic from, Monotonic to) { return std::chrono::duration_cast<std::chrono::seconds>(to - from).count(); }

// One line of it, for a table.
std::string shown(std::string_view command)
{
    std::string text(first_bytes(command, kCommandBytesMax));
    std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return text.size() < command.size() ? text + "..." : text;
}

std::string end_of(ExecProcess const& process)
{
    if (!process.timed_out) return std::format("has ended: exit code {}", process.status);
    return std::format("has been ended: its {} s were over", std::chrono::duration_cast<std::chrono::seconds>(process.time_max).count());
}

}  // namespace

std::expected<ExecProcesses::Added, proto::Reason> ExecProcesses::add(std::string_view command, std::chrono::milliseconds time_max, Monotonic now)
{
    Added added{last_ + 1, std::nullopt};
    if (table_.size() >= proto::kProcessesMax) {
        auto oldest = table_.end();
        for (auto each = table_.begin(); each != table_.end(); ++each)
            if (each->second.ended && (oldest == table_.end() || *each->second.ended < *oldest->second.ended)) oldest = each;
        if (oldest == table_.end()) return std::unexpected(proto::Reason::too_many_processes);
        added.displaced = oldest->first;
        table_.erase(oldest);
    }
    ExecProcess process;
    process.command = shown(command);
    process.started = now;
    process.time_max = time_max;
    if (time_max.count() > 0) process.ends_by = now + time_max;
    table_.emplace(++last_, std::move(process));
    return added;
}

ExecProcess* ExecProcesses::find(std::uint32_t number)
{
    auto const found = table_.find(number);
    return found == table_.end() ? nullptr : &found->second;
}

bool ExecProcesses::has_ended(std::uint32_t number, std::int32_t status, std::uint64_t output_bytes, Monotonic now)
{
    ExecProcess* const process = find(number);
    if (process == nullptr || process->ended) return false;
    process->ended = now;
    process->ends_by.reset();
    process->dead_by.reset();
    process->status = status;
    process->output_bytes = output_bytes;
    return true;
}

std::optional<Monotonic> ExecProcesses::next_moment() const
{
    std::optional<Monotonic> next;
    for (auto const& [number, process] : table_) {
        auto const moment = process.dead_by ? process.dead_by : process.ends_by;
        if (moment) next = std::min(next.value_or(*moment), *moment);
    }
    return next;
}

std::string ExecProcesses::list(Monotonic now) const
{
    if (table_.empty()) return "[No processes: process_start begins one]";
    std::string text;
    for (auto const& [number, process] : table_) {
        auto const state = process.ended ? end_of(process) : std::string("is running");
        text += std::format("{}  {}  started {} s ago  {}\n", number, state, seconds_between(process.started, now), process.command);
    }
    return text;
}

std::string process_answer(std::uint32_t number, ExecProcess const& process, ProcessPiece const& piece, std::string output)
{
    std::string text;
    if (piece.first > piece.from) text = std::format("[... {} bytes were written over before they were read ...]\n", piece.first - piece.from);
    text += output;
    if (!text.empty() && text.back() != '\n') text += '\n';
    text += std::format("[Process {} {}. ", number, process.ended ? end_of(process) : "is running");
    if (piece.end > piece.next) return text + std::format("Output up to byte {} of {}: read again for more]", piece.next, piece.end);
    return text + std::format("{} up to byte {}]", output.empty() ? "No new output" : "Output", piece.next);
}

}  // namespace ocu::sandbox
