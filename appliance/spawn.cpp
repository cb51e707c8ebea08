// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "helper/frame.h"
#include "helper/helper.h"

namespace ocu::appliance {

namespace {

struct SpawnActions {
    SpawnActions()
    {
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawnattr_init(&attributes);
    }
    ~SpawnActions()
    {
        ::posix_spawn_file_actions_destroy(&files);
        ::posix_spawnattr_destroy(&attributes);
    }
    SpawnActions(SpawnActions const&) = delete;
    SpawnActions& operator=(SpawnActions const&) = delete;

    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
};

Result<pid_t> execute(char const* name, int link)
{
    SpawnActions actions;
    ::posix_spawn_file_actions_addopen(&actions.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions.files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions.files, link, helper::kLinkFd);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&actions.attributes, &none);
    ::posix_spawnattr_setsigdefault(&actions.attributes, &all);
    ::posix_spawnattr_setflags(&actions.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string program("ocu-appliance");
    std::string verb("helper");
    std::string role(name);
    char* arguments[] = {program.data(), verb.data(), role.data(), nullptr};
    char* environment[] = {nullptr};
    pid_t pid = -1;
    int const error = ::posix_spawn(&pid, "/proc/self/exe", &actions.files, &actions.attributes, arguments, environment);
    if (error != 0) {
        errno = error;
        return fail_os("start a helper");
    }
    return pid;
}

}  // namespace

Result<helper::Spawned> start_helper(helper::Kind kind, wire::Bytes const& config, std::vector<UniqueFd> const& descriptors)
{
    auto pair = OCU_TRY(make_socket_pair());
    // The link must not already be where it is to go: dup2 onto itself would keep close-on-exec.
    auto theirs = OCU_TRY(duplicate(pair.theirs.get()));
    auto const pid = OCU_TRY(execute(helper::name_of(kind).data(), theirs.get()));
    UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd) return fail_os("pidfd_open");
    helper::Child child(pid, std::move(pidfd));
    std::vector<int> numbers;
    for (auto const& each : descriptors) numbers.push_back(each.get());
    OCU_CHECK(helper::write_frame(pair.ours.get(), helper::kConfigureType, config, numbers));
    return helper::Spawned{std::move(child), std::move(pair.ours)};
}

Result<helper::Spawned> HelperSpawner::spawn(helper::Kind kind, Slot slot, wire::Bytes config, std::vector<UniqueFd> descriptors)
{
    // The slot goes before the helper's own configuration: it is the core's word on which user id the helper becomes.
    wire::Bytes bytes;
    wire::Encoder encoder(bytes);
    encoder(static_cast<std::uint32_t>(slot.value));
    bytes.insert(bytes.end(), config.begin(), config.end());
    descriptors.insert(descriptors.begin(), OCU_TRY(duplicate(empty_namespace_.get())));
    return start_helper(kind, bytes, descriptors);
}

}  // namespace ocu::appliance
