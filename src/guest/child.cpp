// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "guest/file_tool.h"

namespace ocu::guest {

namespace {

constexpr int kStartFailed = 126;
constexpr int kScriptFd = 9;
constexpr std::size_t kArgumentBytesMax = 120u << 10;  // the kernel takes no single argument above 128 KiB

void write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        ssize_t const wrote = ::write(fd, text.data(), text.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(wrote));
    }
}

[[noreturn]] void give_up(std::string_view text, int status)
{
    write_all(STDOUT_FILENO, text);
    ::_exit(status);
}

void close_all_from(unsigned first)
{
    if (::syscall(SYS_close_range, first, ~0u, 0u) == 0) return;
    // gVisor of 2022 does not know the call. Each call there costs many times what it costs on Linux: what is open is asked for.
    auto const least = static_cast<int>(first);
    if (DIR* const open_ones = ::opendir("/proc/self/fd")) {
        std::vector<int> found;
        while (dirent const* const each = ::readdir(open_ones)) found.push_back(std::atoi(each->d_name));  // 0 for the names that are no numbers
        ::closedir(open_ones);
        for (int const fd : found)
            if (fd >= least) ::close(fd);
        return;
    }
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    auto const last = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 4096));
    for (int fd = least; fd < last; ++fd) ::close(fd);
}

void reset_signals()
{
    for (int const number : {SIGCHLD, SIGPIPE}) ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The kernel's choice when memory runs out is what the caller started, not the agent.
void be_first_to_go()
{
    int const fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    write_all(fd, "800");
    ::close(fd);
}

// SIGXCPU at the limit, which a program may catch to put its things in order; SIGKILL a second later.
void limit_cpu(std::chrono::milliseconds most)
{
    if (most.count() == 0) return;
    auto const seconds = static_cast<rlim_t>(std::chrono::ceil<std::chrono::seconds>(most).count());
    rlimit const limit{seconds, seconds + 1};
    ::setrlimit(RLIMIT_CPU, &limit);
}

bool become_user(unsigned user)
{
    if (::setgroups(0, nullptr) != 0) return false;
    if (::setresgid(user, user, user) != 0) return false;
    if (::setresuid(user, user, user) != 0) return false;
    // What must not be possible any more is tried, not assumed.
    return ::setuid(0) != 0 && ::getuid() == user && ::geteuid() == user;
}

// After fork, in the child. The order matters: descriptors first (the channel must not survive), ids last of what needs root.
void take_output(int output, int error_status)
{
    ::setsid();
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::close(STDIN_FILENO);
    close_all_from(3);
    if (::open("/dev/null", O_RDONLY) != STDIN_FILENO) give_up("The sandbox has no /dev/null.\n", error_status);
}

void take_terminal(int terminal)
{
    ::setsid();
    for (int const fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(terminal, fd);
    close_all_from(3);
    ::ioctl(STDIN_FILENO, TIOCSCTTY, 0);
}

void settle(Place const& place, int error_status)
{
    reset_signals();
    be_first_to_go();
    rlimit const no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::umask(022);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (place.become_user && !become_user(place.user))
        give_up("The sandbox could not give up its own rights; nothing was run.\n", error_status);
    if (::chdir(place.home) != 0) give_up("The sandbox has no working directory.\n", error_status);
}

// A command too long for one argument becomes a file without a name that the shell reads.
bool hold_script(std::string const& command)
{
    int const fd = static_cast<int>(::syscall(SYS_memfd_create, "command", 0u));
    if (fd < 0 || ::dup2(fd, kScriptFd) != kScriptFd) return false;
    if (fd != kScriptFd) ::close(fd);
    write_all(kScriptFd, command);
    return ::lseek(kScriptFd, 0, SEEK_SET) == 0;
}

// SX-4: the environment is built here from nothing, and before there is a child: that one has the agent's memory and leaves nothing in it.
class Shell {
public:
    Shell(Place const& place, std::vector<std::string> const& variables, char const* terminal, std::string const& command)
        : home_(std::string("HOME=") + place.home), command_(command),
          environment_{home_.c_str(), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", terminal, "SHELL=/bin/bash"}
    {
        for (auto const& each : variables) environment_.push_back(each.c_str());
        environment_.push_back(nullptr);
    }
    [[noreturn]] void exec() const
    {
        bool const fits = command_.size() <= kArgumentBytesMax;
        if (!fits && !hold_script(command_)) give_up("The command is too long for this sandbox.\n", kStartFailed);
        char const* const arguments[] = {"bash", "-lc", fits ? command_.c_str() : ". /proc/self/fd/9", nullptr};
        ::execve("/bin/bash", const_cast<char**>(arguments), const_cast<char**>(environment_.data()));
        ::execve("/usr/bin/bash", const_cast<char**>(arguments), const_cast<char**>(environment_.data()));
        give_up("The sandbox's image has no bash.\n", kStartFailed);
    }

private:
    std::string home_;
    std::string const& command_;
    std::vector<char const*> environment_;
};

// A child that goes on to another program has the agent's memory until then, and the agent waits (vfork): on gVisor a copy of it costs as
// much as the program's start. One that stays has a copy.
enum class Memory { shared, copied };

template <Memory kMemory, class Body>
Result<Child> start(Place const& place, int error_status, Body body)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_os("pipe");
    Child child{-1, UniqueFd(ends[0])};
    UniqueFd const theirs(ends[1]);
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return fail_os("pipe");
    child.pid = kMemory == Memory::shared ? ::vfork() : ::fork();
    if (child.pid < 0) return fail_os("fork");
    if (child.pid == 0) {
        take_output(theirs.get(), error_status);
        settle(place, error_status);
        body();
        ::_exit(error_status);
    }
    return child;
}

}  // namespace

Result<Child> start_shell(Place const& place, std::vector<std::string> const& variables, std::string const& command)
{
    Shell const shell(place, variables, "TERM=dumb", command);
    return start<Memory::shared>(place, kStartFailed, [&shell] { shell.exec(); });
}

Result<pid_t> start_on_terminal(Place const& place, std::vector<std::string> const& variables, int terminal, TerminalCommand const& command)
{
    Shell const shell(place, variables, "TERM=xterm-256color", command.command);
    pid_t const pid = ::vfork();
    if (pid < 0) return fail_os("fork");
    if (pid > 0) return pid;
    take_terminal(terminal);
    limit_cpu(command.cpu_max);
    settle(place, kStartFailed);
    shell.exec();
}

int shell_status(int status)
{
    if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
    return WEXITSTATUS(status);
}

Result<Child> start_file_tool(Place const& place, proto::ToolArguments const& arguments)
{
    return start<Memory::copied>(place, static_cast<int>(proto::FileOutcome::refused), [&] {
        FileAnswer const answer = run_file_tool(arguments);
        write_all(STDOUT_FILENO, answer.body);
        ::_exit(static_cast<int>(answer.outcome));
    });
}

}  // namespace ocu::guest
