// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// This test program is also the guest's first process: bound into the sandbox as its agent, it reads a line from descriptor 0, runs it
// with `sh -c` as the commands' user, and answers with what was printed and one byte 4.

#include <sys/socket.h>
#include <sys/wait.h>
#include <grp.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace ocu::process_test {

inline constexpr char kEndOfAnswer = 4;

inline std::string run_as_user(std::string const& line)
{
    int ends[2];
    if (::pipe(ends) != 0) return "no pipe";
    pid_t const pid = ::fork();
    if (pid == 0) {
        ::dup2(ends[1], 1);
        ::dup2(ends[1], 2);
        ::close(0);
        ::close(ends[0]);
        if (::setgroups(0, nullptr) != 0 || ::setresgid(1000, 1000, 1000) != 0 || ::setresuid(1000, 1000, 1000) != 0) ::_exit(99);
        ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
        ::_exit(98);
    }
    ::close(ends[1]);
    std::string out;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<std::size_t>(got));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) >= 98) out += "[not run]";
    return out;
}

inline int guest_program()
{
    std::string line;
    char byte = 0;
    while (::read(0, &byte, 1) == 1) {
        if (byte != '\n') {
            line.push_back(byte);
            continue;
        }
        if (line == "leave") return 0;
        auto answer = run_as_user(line);
        answer.push_back(kEndOfAnswer);
        for (std::size_t sent = 0; sent < answer.size();) {
            ssize_t const now = ::write(0, answer.data() + sent, answer.size() - sent);
            if (now <= 0) return 1;
            sent += static_cast<std::size_t>(now);
        }
        line.clear();
    }
    return 0;
}

}  // namespace ocu::process_test
