// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The calls of one session, as the exec helper keeps them: what was asked, what has arrived, which moment comes next. Time and both
// peers come in through the constructor; no system calls. After every event the owner asks next_moment() and calls advance() then.

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "proto/exec_to_guest.h"
#include "proto/sandbox_to_exec.h"
#include "sandbox/exec_face.h"
#include "sandbox/exec_output.h"
#include "sandbox/exec_processes.h"
#include "wire/codec.h"

namespace ocu::sandbox {

enum class GuestLost { went_away, broke_grammar, did_not_answer };

class ExecCalls {
public:
    struct Peers {
        std::function<void(std::uint16_t type, wire::Bytes body)> guest;
        std::function<void(std::uint16_t type, wire::Bytes body)> sandbox;
    };

    // Says welcome to the guest at once.
    ExecCalls(Clock const& clock, proto::ExecConfig config, Peers peers);

    void call(proto::ExecCall asked);
    void cancel(CallId id);
    // False: the guest said what it may not say now, and is lost.
    [[nodiscard]] bool guest_says(GuestSays message);
    // Answers everything and says that the guest is gone. Once.
    void lose_guest(GuestLost why);
    void advance();
    std::optional<Monotonic> next_moment() const;
    bool guest_is_lost() const { return state_ == State::lost; }

private:
    enum class State { welcomed, serving, lost };
    enum class Ending { no, timed_out, cancelled, answer_late };
    struct Call {
        proto::Tool tool{};
        std::string command;
        std::chrono::milliseconds timeout{};
        bool progress_wanted = false;
        Monotonic started;
        Monotonic ends_by;
        Monotonic progress_at;
        Ending ending = Ending::no;
        Monotonic dead_by;            // once ending: the guest must have answered by then
        std::uint64_t received_bytes = 0;
        std::uint64_t tail_bytes = 0;
        ExecOutput output;            // bash
        std::string content;          // the others
        std::uint32_t process = 0;    // process tools: its number
        std::uint64_t from = 0;       // and where its output is wanted from
        bool in_order = false;        // which is where the last answer ended
        bool raw = false;
    };
    using Running = std::map<CallId, Call>;

    bool ready(proto::GuestReady const& message);
    bool output(proto::GuestOutput const& message);
    bool exited(proto::GuestExited const& message);
    bool file_done(proto::GuestFileDone& message);
    bool failed(proto::GuestFailed const& message);
    void process_call(proto::ExecCall asked);
    bool process_done(proto::GuestProcessDone const& message);
    bool process_ended(proto::GuestProcessEnded const& message);
    bool idle();
    void end_process(std::uint32_t number, ExecProcess& process);
    bool advance_processes();
    proto::ToolAnswer process_piece(Call& call, proto::GuestProcessDone const& message);
    void kill(CallId id, Call& call, Ending why);
    void report_progress(CallId id, Call& call);
    void done(Running::iterator call, proto::ToolAnswer answer);
    void refuse(CallId id, proto::Reason reason);
    template <class Message>
    void tell_guest(Message const& message)
    {
        peers_.guest(static_cast<std::uint16_t>(Message::kType), wire::encode(message));
    }
    template <class Message>
    void tell_sandbox(Message const& message)
    {
        peers_.sandbox(static_cast<std::uint16_t>(Message::kType), wire::encode(message));
    }

    Clock const& clock_;
    proto::ExecConfig config_;
    Peers peers_;
    State state_ = State::welcomed;
    bool idle_told_ = false;  // since the last call
    Running running_;
    ExecProcesses processes_;
};

}  // namespace ocu::sandbox
