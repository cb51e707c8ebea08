// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/processes.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "guest/child.h"
#include "guest/terminal.h"

namespace ocu::guest {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadBytes = 4096;        // more than a terminal gives at once
constexpr std::size_t kReadsAtOnceMax = 16;     // then the others and the channel have their turn
constexpr auto kPause = 100ms;                  // so long without output, and what was written is an answer
constexpr auto kQuiet = 20ms;                   // after its end
constexpr auto kDrainMax = 300ms;               // however much others still write on its terminal
constexpr auto kUnheld = 500ms;                 // a terminal that nobody holds is ready all the time

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// Where more follows, an answer ends between characters.
std::size_t without_half_character(std::string_view bytes, char next)
{
    std::size_t end = bytes.size();
    if (!continues_character(next)) return end;
    while (end > 0 && bytes.size() - end < 4 && continues_character(bytes[end - 1])) --end;
    return end > 1 ? end - 1 : bytes.size();
}

}  // namespace

Processes::Process* Processes::find(std::uint32_t number)
{
    auto const found = std::ranges::find(processes_, number, &Process::number);
    return found == processes_.end() ? nullptr : &*found;
}

bool Processes::take(proto::GuestProcess const& asked)
{
    if (asked.deed == proto::ProcessDeed::start) return start(asked);
    Process* const process = find(asked.process);
    if (process == nullptr || waiting_.size() >= proto::kGuestCallsMax) return false;
    if (asked.deed == proto::ProcessDeed::write && process->terminal) {
        if (process->input.size() + asked.text.size() > proto::kProcessInputBytesMax) {
            auto const end = process->ring.end();
            outbox_.put(proto::GuestProcessDone{asked.call, proto::ProcessOutcome::input_full, end, end, end});
            return true;
        }
        process->input.append(asked.text.view());
        write(*process);
    }
    if (asked.deed == proto::ProcessDeed::signal && process->terminal) signal(*process, asked);
    wait(asked);
    return true;
}

bool Processes::start(proto::GuestProcess const& asked)
{
    if (find(asked.process) != nullptr || processes_.size() >= proto::kProcessesMax || waiting_.size() >= proto::kGuestCallsMax) return false;
    auto ring = Ring::make();
    auto terminal = open_terminal(place_, asked.rows, asked.columns);
    pid_t pid = -1;
    if (ring && terminal) pid = start_on_terminal(place_, variables_, terminal->theirs.get(), {asked.text.str(), asked.cpu_max}).value_or(-1);
    if (pid < 0) {
        outbox_.put(proto::GuestProcessDone{asked.call, proto::ProcessOutcome::not_started, 0, 0, 0});
        return true;
    }
    processes_.push_back(Process{.number = asked.process, .pid = pid, .terminal = std::move(terminal->ours), .ring = *std::move(ring)});
    wait(asked);
    return true;
}

void Processes::wait(proto::GuestProcess const& asked)
{
    waiting_.push_back({asked.call, asked.process, asked.from, std::chrono::steady_clock::now() + asked.wait});
}

// Its first process's group, and whoever has the terminal: a shell with job control puts each of its commands in a group of its own.
void Processes::kill(Process const& process, int number)
{
    pid_t foreground = 0;
    ::kill(-process.pid, number);
    if (number == SIGKILL) ::kill(process.pid, number);  // the group may not exist yet: the child has not come to setsid
    if (::ioctl(process.terminal.get(), TIOCGPGRP, &foreground) == 0 && foreground > 1 && foreground != process.pid) ::kill(-foreground, number);
}

void Processes::signal(Process& process, proto::GuestProcess const& asked)
{
    if (asked.rows > 0 && asked.columns > 0) resize(process.terminal.get(), asked.rows, asked.columns);
    kill(process, asked.signal);  // a new size too: gVisor does not tell
}

bool Processes::order(proto::GuestProcessOrder const& asked)
{
    Process const* const process = find(asked.process);
    if (process == nullptr) return false;
    if (asked.order == proto::ProcessOrder::kill) {
        if (process->terminal && !process->exited) kill(*process, SIGKILL);
        return true;
    }
    if (!process->told) return false;
    for (auto const& each : waiting_)
        if (each.process == asked.process) outbox_.put(proto::GuestFailed{each.call});
    std::erase_if(waiting_, [&](Waiting const& each) { return each.process == asked.process; });
    std::erase_if(processes_, [&](Process const& each) { return each.number == asked.process; });
    return true;
}

void Processes::hurry(CallId call)
{
    for (auto& each : waiting_)
        if (each.call == call) each.until = {};
}

bool Processes::has_ended(pid_t pid, int status)
{
    auto const found = std::ranges::find_if(processes_, [pid](Process const& each) { return each.pid == pid && !each.exited; });
    if (found == processes_.end()) return false;
    found->exited = true;
    found->status = status;
    found->written_at = std::chrono::steady_clock::now();
    found->closes_by = found->written_at + kDrainMax;
    return true;
}

// What was written before the end is in the terminal by now. Closing it hangs up on whoever is left on it.
void Processes::close_ended(Process& process, Monotonic now)
{
    if (!process.exited || process.told) return;
    if (process.terminal) read(process);
    if (process.terminal && now < process.closes_by && now < process.written_at + kQuiet) return;
    process.terminal.reset();
    process.input = {};
    process.told = true;
    outbox_.put(proto::GuestProcessEnded{process.number, shell_status(process.status), process.ring.end()});
}

bool Processes::due(Waiting const& waiting, Process const& process, Monotonic now) const
{
    if (process.told || now >= waiting.until) return true;
    auto const end = process.ring.end();
    if (end <= waiting.from) return false;
    return end - waiting.from >= proto::kProcessAnswerBytesMax || now >= process.written_at + kPause;
}

void Processes::answer(Waiting const& waiting, Process const& process)
{
    auto const end = process.ring.end();
    auto const first = std::clamp(waiting.from, process.ring.first(), end);
    auto const count = std::min<std::uint64_t>(end - first, proto::kProcessAnswerBytesMax);
    auto bytes = process.ring.read(first, count);
    if (first + count < end) bytes.resize(without_half_character(bytes, process.ring.read(first + count, 1)[0]));
    for (std::string_view rest = bytes; !rest.empty();) {
        auto const part = rest.substr(0, proto::kGuestOutputBytesMax);
        outbox_.put(proto::GuestOutput{waiting.call, false, std::string(part)});
        rest.remove_prefix(part.size());
    }
    outbox_.put(proto::GuestProcessDone{waiting.call, proto::ProcessOutcome::done, first, first + bytes.size(), end});
}

void Processes::advance()
{
    auto const now = std::chrono::steady_clock::now();
    for (Process& each : processes_) close_ended(each, now);
    std::erase_if(waiting_, [&](Waiting const& each) {
        Process const* const process = find(each.process);
        if (!outbox_.has_room() || !due(each, *process, now)) return false;
        answer(each, *process);
        return true;
    });
}

void Processes::end_all()
{
    for (Process const& each : processes_)
        if (each.terminal && !each.exited) kill(each, SIGKILL);
}

void Processes::write(Process& process)
{
    while (!process.input.empty()) {
        ssize_t const wrote = ::write(process.terminal.get(), process.input.data(), process.input.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return;
        process.input.erase(0, static_cast<std::size_t>(wrote));
    }
}

// A terminal that nobody holds any more says so by an error here and by nothing at all on gVisor: neither is the end, which is the process's.
void Processes::read(Process& process)
{
    std::array<char, kReadBytes> bytes;
    for (std::size_t turn = 0; turn < kReadsAtOnceMax; ++turn) {
        ssize_t const got = ::read(process.terminal.get(), bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got == 0 || (got < 0 && errno == EIO)) process.unheld_until = std::chrono::steady_clock::now() + kUnheld;
        if (got <= 0) return;
        process.written_at = std::chrono::steady_clock::now();
        process.ring.append({bytes.data(), static_cast<std::size_t>(got)});
    }
}

void Processes::add_to_poll(std::vector<pollfd>& polled) const
{
    auto const now = std::chrono::steady_clock::now();
    for (Process const& each : processes_) {
        if (!each.terminal || now < each.unheld_until) continue;
        polled.push_back({each.terminal.get(), static_cast<short>(each.input.empty() ? POLLIN : POLLIN | POLLOUT), 0});
    }
}

void Processes::take_polled(std::span<pollfd const> polled)
{
    for (Process& each : processes_) {
        auto const found = std::ranges::find(polled, each.terminal.get(), &pollfd::fd);
        if (!each.terminal || found == polled.end()) continue;
        if ((found->revents & POLLOUT) != 0) write(each);
        if ((found->revents & ~POLLOUT) != 0) read(each);
    }
}

std::optional<std::chrono::milliseconds> Processes::wait_max() const
{
    std::optional<std::chrono::milliseconds> wait;
    auto const within = [&wait](std::chrono::milliseconds most) { wait = std::min(wait.value_or(most), std::max(most, 0ms)); };
    auto const now = std::chrono::steady_clock::now();
    for (Process const& each : processes_) {
        if (each.exited && !each.told) within(kQuiet / 2);
        if (each.terminal && now < each.unheld_until) within(kUnheld);
    }
    if (!outbox_.has_room()) return wait;  // the channel says when there is
    for (auto const& each : waiting_) {
        auto const process = std::ranges::find(processes_, each.process, &Process::number);
        within(std::chrono::ceil<std::chrono::milliseconds>(each.until - now));
        if (process->ring.end() > each.from) within(std::chrono::ceil<std::chrono::milliseconds>(process->written_at + kPause - now));
    }
    return wait;
}

}  // namespace ocu::guest
