// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/state_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "appliance/profiles/audit_sink.h"
#include "appliance/profiles/audit_writer.h"
#include "base/crypto/crypto.h"

namespace ocu::appliance {

namespace {

Result<UniqueFd> make_directory(int parent, char const* name, mode_t mode)
{
    if (::mkdirat(parent, name, mode) != 0 && errno != EEXIST) return fail_os("make directory in the state directory");
    UniqueFd directory(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return fail_os("open directory in the state directory");
    if (::fchmod(directory.get(), mode) != 0) return fail_os("set mode of directory in the state directory");
    return directory;
}

Result<void> write_all(int fd, std::span<std::byte const> bytes)
{
    while (!bytes.empty()) {
        ssize_t const written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_os("write");
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

Result<StateDir> open_state_dir(std::string const& path)
{
    if (::mkdir(path.c_str(), 0711) != 0 && errno != EEXIST) return fail_os("make state directory");
    UniqueFd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return fail_os("open state directory");
    StateDir dir;
    dir.path = path;
    dir.lock = UniqueFd(::openat(root.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!dir.lock) return fail_os("open lock file");
    if (::flock(dir.lock.get(), LOCK_EX | LOCK_NB) != 0) return fail(Fault::conflict, "another appliance runs on this state directory");
    dir.audit = OCU_TRY(make_directory(root.get(), "audit", 0755));
    // The writer is the only one that changes what is in here; everybody may read it.
    constexpr uid_t kWriter = helper::kHelperUidBase + profiles::kAuditWriter.user_offset;
    if (::fchown(dir.audit.get(), kWriter, kWriter) != 0) return fail_os("give the audit directory to its writer");
    dir.store = OCU_TRY(make_directory(root.get(), "store", 0700));
    OCU_CHECK(make_directory(root.get(), "callers", 0700));
    OCU_CHECK(make_directory(root.get(), "run", 0700));
    dir.state = OCU_TRY(make_directory(root.get(), "state", 0700));
    dir.root = std::move(root);
    return dir;
}

Result<UniqueFd> open_sink_folder(StateDir const& dir, std::string const& name, std::uint32_t sink)
{
    auto const parent = OCU_TRY(make_directory(dir.root.get(), "audit-sinks", 0700));
    auto folder = OCU_TRY(make_directory(parent.get(), name.c_str(), 0700));
    uid_t const user = helper::kHelperUidBase + profiles::kAuditSink.user_offset + sink;
    if (::fchown(folder.get(), user, user) != 0) return fail_os("give a sink its folder");
    // It may have been another number's: sinks are numbered as the manifest has them.
    UniqueFd copy(::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::unique_ptr<DIR, int (*)(DIR*)> const list(copy ? ::fdopendir(copy.get()) : nullptr, ::closedir);
    if (!list) return fail_os("list a sink's folder");
    (void)copy.release();
    while (auto const* const entry = ::readdir(list.get())) {
        std::string_view const file = entry->d_name;
        if (file == "." || file == "..") continue;
        if (::fchownat(folder.get(), entry->d_name, user, user, AT_SYMLINK_NOFOLLOW) != 0) return fail_os("give a sink its files");
    }
    return folder;
}

Result<RunDir> RunDir::make()
{
    if (::unshare(CLONE_NEWNS) != 0) return fail_os("private mount namespace");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail_os("make mounts private");
    std::array<std::uint8_t, 4> random{};
    crypto::random_bytes(std::as_writable_bytes(std::span(random)));
    RunDir dir;
    // A name of its own: removing a directory also unmounts what another namespace has mounted on it.
    std::string path = "/run/ocu-" + crypto::to_hex(random);
    if (::mkdir(path.c_str(), 0711) != 0) return fail_os("make run directory");
    dir.path_ = std::move(path);
    if (::mount("ocu-run", dir.path_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=711,size=64m") != 0)
        return fail_os("mount run directory");
    return dir;
}

RunDir::~RunDir()
{
    if (path_.empty()) return;
    ::umount2(path_.c_str(), MNT_DETACH);
    ::rmdir(path_.c_str());
}

Result<std::string> RunDir::put_file(std::string const& name, std::string_view content, unsigned mode) const
{
    std::string const path = path_ + "/" + name;
    UniqueFd const file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return fail_os("make run file");
    OCU_CHECK(write_all(file.get(), crypto::as_bytes(content)));
    if (::fchmod(file.get(), mode) != 0) return fail_os("set mode of run file");
    return path;
}

Result<UniqueFd> make_empty_network_namespace()
{
    UniqueFd const own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!own) return fail_os("open own network namespace");
    if (::unshare(CLONE_NEWNET) != 0) return fail_os("make a network namespace");
    UniqueFd empty(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    int const error = empty ? 0 : errno;
    if (::setns(own.get(), CLONE_NEWNET) != 0) return fail_os("return to own network namespace");
    errno = error;
    if (!empty) return fail_os("open the empty network namespace");
    return empty;
}

}  // namespace ocu::appliance
