// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/core_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <vector>

#include "appliance/init/ground.h"

namespace ocu::init {

namespace {

struct Pipe {
    UniqueFd read;
    UniqueFd write;
};

Result<Pipe> make_pipe()
{
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_os("make a pipe");
    Pipe made{UniqueFd(ends[0]), UniqueFd(ends[1])};
    if (::fcntl(made.read.get(), F_SETFL, O_NONBLOCK) != 0) return fail_os("make a pipe");
    return made;
}

// An end of the pipe that is already a standard descriptor would be closed by the next dup2; those are always open in this process.
Result<pid_t> spawn(std::vector<std::string> words, int output, int errors)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    // A session of its own: no terminal's signal reaches it.
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    std::vector<char*> arguments;
    for (auto& each : words) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    std::string path("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    char* environment[] = {path.data(), nullptr};
    pid_t pid = -1;
    int const error = ::posix_spawn(&pid, "/proc/self/exe", &files, &attributes, arguments.data(), environment);
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        errno = error;
        return fail_os("start the core");
    }
    return pid;
}

void read_lines(int fd, LineSplitter& lines, wire::Watch& watch, std::function<void(std::string_view)> const& take)
{
    std::array<char, 4096> buffer;
    for (;;) {
        auto const got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) return watch.reset();
        lines.feed({buffer.data(), static_cast<std::size_t>(got)}, take);
    }
}

}  // namespace

std::vector<std::string> core_arguments(CoreCommand const& command)
{
    std::vector<std::string> words{"ocu-appliance", "run", "--manifest", command.manifest, "--trust", command.trust, "--state",
        kStateDirectory, "--image", command.image, "--runc", "/usr/sbin/runc", "--runsc", "/usr/bin/runsc", "--readme",
        "/usr/share/ocu/README.md", "--mounts", command.mounts, "--status-lines"};
    if (!command.service_address.empty()) words.insert(words.end(), {"--service-address", command.service_address});
    return words;
}

Result<void> CoreProcess::start(CoreCommand const& command)
{
    if (pid_ > 0) return fail(Fault::conflict, "the core runs already");
    auto output = OCU_TRY(make_pipe());
    auto errors = OCU_TRY(make_pipe());
    pid_ = OCU_TRY(spawn(core_arguments(command), output.write.get(), errors.write.get()));
    output_ = std::move(output.read);
    errors_ = std::move(errors.read);
    output_lines_ = {};
    error_lines_ = {};
    last_words_ = {};
    output_watch_ = loop_.on_readable(output_.get(), [this] { read_output(); });
    errors_watch_ = loop_.on_readable(errors_.get(), [this] { read_errors(); });
    return {};
}

void CoreProcess::read_output()
{
    read_lines(output_.get(), output_lines_, output_watch_, [this](std::string_view line) {
        if (auto ready = parse_ready(line)) events_.on_ready(std::move(*ready));
        if (auto const status = appliance::parse_status(line)) events_.on_status(*status);
    });
}

void CoreProcess::read_errors()
{
    read_lines(errors_.get(), error_lines_, errors_watch_, [this](std::string_view line) {
        if (auto words = parse_last_words(line)) last_words_ = std::move(*words);
        events_.on_line(line);
    });
}

void CoreProcess::stop()
{
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    patience_ = loop_.after(kCoreStopWait, [this] { kill_now(); });
}

void CoreProcess::kill_now()
{
    // Its helpers end with it, and the launcher clears up: they are told of its death by the kernel.
    if (pid_ > 0) ::kill(pid_, SIGKILL);
}

void CoreProcess::reaped(pid_t pid, int status)
{
    if (pid != pid_ || pid_ <= 0) return;
    // What it said last is often why.
    read_output();
    read_errors();
    pid_ = 0;
    output_watch_.reset();
    errors_watch_.reset();
    patience_.reset();
    bool const asked = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    events_.on_end(asked ? CoreEnd::asked : CoreEnd::failed, std::exchange(last_words_, {}));
}

}  // namespace ocu::init
