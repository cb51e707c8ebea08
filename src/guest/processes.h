// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Programs that live on after the call that started them, each with a terminal whose output is kept in a ring (SX-3). What they write is read
// whether or not anybody asks and whether or not the channel has room, so a program never waits for a reader; what nobody read in time is
// written over. Calls that wait for output are here too. A program has ended when its first process has, whoever else holds the terminal.

#include <poll.h>

#include <chrono>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "guest/guest.h"
#include "guest/outbox.h"
#include "guest/ring.h"
#include "proto/exec_to_guest.h"

namespace ocu::guest {

class Processes {
public:
    Processes(Place const& place, Outbox& outbox) : place_(place), outbox_(outbox) {}

    void set_variables(std::vector<std::string> variables) { variables_ = std::move(variables); }
    // False: the asker broke the grammar (a number that is taken or that nobody has).
    [[nodiscard]] bool take(proto::GuestProcess const& asked);
    [[nodiscard]] bool order(proto::GuestProcessOrder const& asked);
    // The call waits no longer. Ignored when it is none of these.
    void hurry(CallId call);
    // False: it is none of these.
    bool has_ended(pid_t pid, int status);
    // Says who has ended, and answers the calls that are due.
    void advance();
    void end_all();

    void add_to_poll(std::vector<pollfd>& polled) const;
    void take_polled(std::span<pollfd const> polled);
    std::optional<std::chrono::milliseconds> wait_max() const;

private:
    struct Process {
        std::uint32_t number;
        pid_t pid;            // also its session and its group
        UniqueFd terminal;    // until it has ended
        Ring ring;
        std::string input{};  // not yet taken by the terminal
        Monotonic written_at{};  // the last time that it wrote
        Monotonic closes_by{};   // once ended
        Monotonic unheld_until{};  // nobody else has the terminal open: not looked at before
        int status = 0;       // as waitpid() gives it
        bool exited = false;
        bool told = false;    // that it has ended
    };
    struct Waiting {
        CallId call;
        std::uint32_t process;
        std::uint64_t from;
        Monotonic until;
    };

    Process* find(std::uint32_t number);
    bool start(proto::GuestProcess const& asked);
    void signal(Process& process, proto::GuestProcess const& asked);
    void kill(Process const& process, int number);
    void write(Process& process);
    void read(Process& process);
    void close_ended(Process& process, Monotonic now);
    bool due(Waiting const& waiting, Process const& process, Monotonic now) const;
    void answer(Waiting const& waiting, Process const& process);
    void wait(proto::GuestProcess const& asked);

    Place const& place_;
    Outbox& outbox_;
    std::vector<std::string> variables_;
    std::list<Process> processes_;
    std::vector<Waiting> waiting_;
};

}  // namespace ocu::guest
