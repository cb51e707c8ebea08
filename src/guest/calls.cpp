// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/calls.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace ocu::guest {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadBytes = proto::kGuestOutputBytesMax;
constexpr std::size_t kReadsAtOnceMax = 8;          // then the other calls and the channel have their turn
constexpr auto kQuiet = 20ms;                       // after the shell's end: so long without output, and the call is over
constexpr auto kDrainMax = 300ms;                   // however much a background process still writes
constexpr std::size_t kLingeringMax = 16;

proto::FileOutcome file_outcome(int status)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) > static_cast<int>(proto::FileOutcome::kLast)) return proto::FileOutcome::died;
    return static_cast<proto::FileOutcome>(WEXITSTATUS(status));
}

}  // namespace

void Calls::start(Result<Child> child, CallId id, bool is_file, std::uint64_t forward_bytes_max)
{
    if (!child) {
        outbox_.put(proto::GuestFailed{id});
        return;
    }
    Call call;
    call.id = id;
    call.child = *std::move(child);
    call.is_file = is_file;
    call.forward_bytes_max = forward_bytes_max;
    calls_.push_back(std::move(call));
}

void Calls::run(proto::GuestRun const& asked)
{
    if (calls_.size() >= proto::kGuestCallsMax) return outbox_.put(proto::GuestFailed{asked.call});
    start(start_shell(place_, variables_, asked.command.str()), asked.call, false, asked.stream_bytes_max);
}

void Calls::file(proto::GuestFile const& asked)
{
    if (calls_.size() >= proto::kGuestCallsMax) return outbox_.put(proto::GuestFailed{asked.call});
    start(start_file_tool(place_, asked.arguments), asked.call, true, proto::kAnswerBytesMax);
}

void Calls::kill(CallId id)
{
    auto const found = std::ranges::find(calls_, id, &Call::id);
    if (found == calls_.end()) return;
    found->killed = true;
    // The group may not exist yet (the child has not come to setsid), or its leader may have ended before its members.
    ::kill(-found->child.pid, SIGKILL);
    if (!found->exited) ::kill(found->child.pid, SIGKILL);
}

void Calls::has_ended(pid_t pid, int status)
{
    auto const found = std::ranges::find_if(calls_, [pid](Call const& call) { return call.child.pid == pid && !call.exited; });
    if (found == calls_.end()) return;
    found->exited = true;
    found->status = status;
    found->quiet_since = std::chrono::steady_clock::now();
    found->drained_by = found->quiet_since + kDrainMax;
}

bool Calls::due(Call const& call, Monotonic now) const
{
    if (!call.exited) return false;
    return !call.child.output || now >= call.drained_by || now >= call.quiet_since + kQuiet;
}

void Calls::advance()
{
    // What was written before the end is in the pipe by now: read it before the quiet time is judged. Room first: back-pressure holds
    // here too, and a full channel is no reason to lose output.
    for (Call& call : calls_)
        if (call.exited && call.child.output && outbox_.has_room()) read_output(call);
    auto const now = std::chrono::steady_clock::now();
    if (!outbox_.has_room()) {
        for (Call& call : calls_) {
            call.quiet_since = now;  // the reader was not heard, which says nothing of the writer
            call.drained_by = now + kDrainMax;
        }
        return;
    }
    for (Call& call : calls_)
        if (due(call, now)) finish(call);
    std::erase_if(calls_, [now, this](Call const& call) { return due(call, now); });
}

void Calls::finish(Call& call)
{
    if (call.tail) {
        auto rest = call.tail->view();
        while (!rest.empty()) {
            auto const part = rest.substr(0, proto::kGuestOutputBytesMax);
            outbox_.put(proto::GuestOutput{call.id, true, std::string(part)});
            rest.remove_prefix(part.size());
        }
    }
    if (call.is_file) {
        outbox_.put(proto::GuestFileDone{call.id, file_outcome(call.status)});
    } else {
        outbox_.put(proto::GuestExited{call.id, shell_status(call.status), call.output_bytes});
    }
    if (!call.child.output || call.killed) return;
    if (lingering_.size() == kLingeringMax) lingering_.pop_front();
    lingering_.push_back(std::move(call.child.output));
}

void Calls::read_output(Call& call)
{
    std::array<char, kReadBytes> bytes;
    for (std::size_t turn = 0; turn < kReadsAtOnceMax && outbox_.has_room(); ++turn) {
        ssize_t const got = ::read(call.child.output.get(), bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (got <= 0) {
            call.child.output.reset();
            return;
        }
        call.quiet_since = std::chrono::steady_clock::now();
        forward(call, {bytes.data(), static_cast<std::size_t>(got)});
    }
}

void Calls::forward(Call& call, std::string_view bytes)
{
    std::uint64_t const left = call.forward_bytes_max - std::min(call.forward_bytes_max, call.output_bytes);
    call.output_bytes += bytes.size();
    auto const now = bytes.substr(0, left);
    if (!now.empty()) outbox_.put(proto::GuestOutput{call.id, false, std::string(now)});
    if (now.size() == bytes.size()) return;
    if (!call.tail) call.tail = std::make_unique<Tail>(proto::kGuestTailBytesMax);
    call.tail->append(bytes.substr(now.size()));
}

void Calls::end_all()
{
    for (Call& call : calls_) kill(call.id);
}

void Calls::add_to_poll(std::vector<pollfd>& polled) const
{
    for (Call const& call : calls_)
        if (call.child.output) polled.push_back({call.child.output.get(), POLLIN, 0});
    for (UniqueFd const& each : lingering_) polled.push_back({each.get(), POLLIN, 0});
}

void Calls::take_polled(std::span<pollfd const> polled)
{
    auto const ready = [polled](UniqueFd const& fd) {
        auto const found = std::ranges::find(polled, fd.get(), &pollfd::fd);
        return fd && found != polled.end() && found->revents != 0;
    };
    for (Call& call : calls_)
        if (ready(call.child.output)) read_output(call);
    std::array<char, kReadBytes> bytes;
    std::erase_if(lingering_, [&](UniqueFd const& each) { return ready(each) && ::read(each.get(), bytes.data(), bytes.size()) == 0; });
}

std::optional<std::chrono::milliseconds> Calls::wait_max() const
{
    bool const ending = std::ranges::any_of(calls_, &Call::exited);
    if (!ending) return std::nullopt;
    return kQuiet / 2;
}

}  // namespace ocu::guest
