// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/child.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

namespace ocu::sandbox {

namespace {

// Between fork and exec: system calls only.
[[noreturn]] void become(char* const* words, Command const& command, int null_fd)
{
    static char const* const kEnvironment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", nullptr};
    for (auto const& join : command.cgroup_joins)
        if (::write(join.get(), "0", 1) != 1) ::_exit(125);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::umask(0022);
    ::dup2(command.channel, 0);
    ::dup2(null_fd, 1);
    ::dup2(null_fd, 2);
    ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    ::execve(words[0], words, const_cast<char* const*>(kEnvironment));
    ::_exit(126);
}

}  // namespace

Result<pid_t> start_child(Command const& command)
{
    std::vector<char*> words;
    for (auto const& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    UniqueFd const null_fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null_fd) return fail_os("open /dev/null");
    pid_t const pid = ::fork();
    if (pid < 0) return fail_os("fork runtime");
    if (pid == 0) become(words.data(), command, null_fd.get());
    return pid;
}

}  // namespace ocu::sandbox
