// SPDX-License-Identifier: GPL-3.0-or-later
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <vector>

#include "guest/calls.h"
#include "guest/guest.h"
#include "guest/inbox.h"
#include "guest/outbox.h"
#include "guest/processes.h"

namespace ocu::guest {

namespace {

constexpr std::size_t kReadBytes = 16u << 10;
constexpr int kMappedBytes = 32 << 10;  // larger blocks go back to the system when freed

// SIGCHLD is blocked everywhere but inside ppoll: it cannot arrive between looking and waiting.
sigset_t listen_for_children()
{
    struct sigaction action{};
    action.sa_handler = [](int) {};
    ::sigaction(SIGCHLD, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t children;
    sigset_t before;
    ::sigemptyset(&children);
    ::sigaddset(&children, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &children, &before);
    ::sigdelset(&before, SIGCHLD);
    return before;
}

// A runtime may start us with 1 and 2 closed: a pipe must not land there.
void occupy_stdio()
{
    int fd = 0;
    while ((fd = ::open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO) {
    }
    if (fd > STDERR_FILENO) ::close(fd);
}

class Agent {
public:
    Agent(UniqueFd channel, Place const& place) : channel_(std::move(channel)), calls_(place, outbox_), processes_(place, outbox_) {}

    int serve()
    {
        waiting_mask_ = listen_for_children();
        ::fcntl(channel_.get(), F_SETFD, FD_CLOEXEC);
        ::fcntl(channel_.get(), F_SETFL, ::fcntl(channel_.get(), F_GETFL) | O_NONBLOCK);
        bool open = true;
        while (open) {
            reap();
            calls_.advance();
            processes_.advance();
            say_when_idle();
            open = outbox_.flush(channel_.get()).has_value() && wait_and_read();
        }
        calls_.end_all();
        processes_.end_all();
        // T-13: nothing outlives the session. Without a namespace of its own the same call would reach the whole machine.
        if (::getpid() == 1) ::kill(-1, SIGKILL);
        return 0;
    }

private:
    // Collects every process that has ended, orphans included.
    void reap()
    {
        int status = 0;
        for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
            if (!processes_.has_ended(pid, status)) calls_.has_ended(pid, status);
    }

    // Asked of the kernel: there may be children of children. Only the first process of a namespace can ask so.
    void say_when_idle()
    {
        if (!welcomed_ || idle_said_ || calls_.any() || ::getpid() != 1) return;
        if (::kill(-1, 0) == 0 || errno != ESRCH) return;
        outbox_.put(proto::GuestIdle{});
        idle_said_ = true;
    }

    std::optional<std::chrono::milliseconds> wait_max() const
    {
        auto const calls = calls_.wait_max();
        auto const processes = processes_.wait_max();
        return calls && processes ? std::min(calls, processes) : calls ? calls : processes;
    }

    bool wait_and_read()
    {
        polled_.clear();
        polled_.push_back({channel_.get(), static_cast<short>(outbox_.empty() ? POLLIN : POLLIN | POLLOUT), 0});
        if (outbox_.has_room()) calls_.add_to_poll(polled_);
        processes_.add_to_poll(polled_);
        auto const wait = wait_max();
        timespec limit{};
        if (wait) limit = {wait->count() / 1000, (wait->count() % 1000) * 1'000'000};
        int const ready = ::ppoll(polled_.data(), polled_.size(), wait ? &limit : nullptr, &waiting_mask_);
        if (ready <= 0) return true;
        calls_.take_polled(std::span(polled_).subspan(1));
        processes_.take_polled(std::span(polled_).subspan(1));
        return (polled_[0].revents & ~POLLOUT) == 0 || read_channel();
    }

    bool read_channel()
    {
        std::array<std::byte, kReadBytes> bytes;
        ssize_t const got = ::read(channel_.get(), bytes.data(), bytes.size());
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        if (got == 0) return false;
        inbox_.append(std::span(bytes).first(static_cast<std::size_t>(got)));
        for (;;) {
            auto frame = inbox_.next();
            if (!frame) return false;
            if (!*frame) return true;
            if (!take(**frame)) return false;
        }
    }

    bool take(Inbox::Frame const& frame)
    {
        auto const type = static_cast<proto::Type>(frame.type);
        if ((type == proto::Type::guest_welcome) == welcomed_) return false;
        idle_said_ = false;
        switch (type) {
        case proto::Type::guest_welcome: {
            auto welcome = wire::decode<proto::GuestWelcome>(frame.body);
            if (!welcome || !take_variables(welcome->variables)) return false;
            welcomed_ = true;
            outbox_.put(proto::GuestReady{std::move(welcome->token)});
            return true;
        }
        case proto::Type::guest_run: return run(wire::decode<proto::GuestRun>(frame.body));
        case proto::Type::guest_file: return file(wire::decode<proto::GuestFile>(frame.body));
        case proto::Type::guest_signal: {
            auto const signal = wire::decode<proto::GuestSignal>(frame.body);
            if (!signal) return false;
            calls_.kill(signal->call);
            processes_.hurry(signal->call);
            return true;
        }
        case proto::Type::guest_process: {
            auto const asked = wire::decode<proto::GuestProcess>(frame.body);
            return asked && processes_.take(*asked);
        }
        case proto::Type::guest_process_order: {
            auto const asked = wire::decode<proto::GuestProcessOrder>(frame.body);
            return asked && processes_.order(*asked);
        }
        default: return false;
        }
    }
    // Judged here, where they are set: none may change what a shell or the loader does.
    bool take_variables(proto::GuestVariables const& given)
    {
        std::vector<std::string> variables;
        for (auto const& each : given.items()) {
            if (!proto::may_be_set(each.name.view()) || !proto::is_plain_value(each.value.view())) return false;
            variables.push_back(each.name.str() + "=" + each.value.str());
        }
        processes_.set_variables(variables);
        calls_.set_variables(std::move(variables));
        return true;
    }
    bool run(Result<proto::GuestRun> const& asked)
    {
        if (asked) calls_.run(*asked);
        return asked.has_value();
    }
    bool file(Result<proto::GuestFile> const& asked)
    {
        if (asked) calls_.file(*asked);
        return asked.has_value();
    }

    UniqueFd channel_;
    Inbox inbox_;
    Outbox outbox_;
    Calls calls_;
    Processes processes_;
    sigset_t waiting_mask_{};
    std::vector<pollfd> polled_;
    bool welcomed_ = false;
    bool idle_said_ = false;
};

}  // namespace

int agent_main(UniqueFd channel, Place const& place)
{
    // Its memory and descriptors are not for the processes it starts, not even as long as they are still copies of it.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    occupy_stdio();
    // SX-3: at most 1 MiB resident, also after a large command has come and gone.
    ::mallopt(M_MMAP_THRESHOLD, kMappedBytes);
    ::mallopt(M_TRIM_THRESHOLD, kMappedBytes);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    return Agent(std::move(channel), place).serve();
}

}  // namespace ocu::guest
