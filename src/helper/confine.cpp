// SPDX-License-Identifier: GPL-3.0-or-later
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <linux/securebits.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>

#include "helper/helper.h"

// The order is the point, and each step needs the one before it:
//   namespaces      while we still may
//   bounding set    while CAP_SETPCAP is there; ids first would take it away
//   ids             while CAP_SETUID is there
//   no_new_privs    before Landlock and seccomp, which want it without privilege
//   Landlock        binds this thread and those it starts: none has been started yet
//   capabilities    emptied before seccomp forbids the call
//   seccomp         last, so that the list needs none of the calls above
// A half-confined helper does not go on: every error here makes the process exit (T-14).

namespace ocu::helper {

namespace {

Result<void> enter_empty_root()
{
    // An empty, read-only file system as root, and nothing else mounted: paths lead nowhere even without Landlock. It also drops this
    // process's copies of the session mounts, which would otherwise stay busy.
    if (::unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) != 0) return fail_os("unshare");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail_os("make mounts private");
    if (::mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,nr_inodes=2,mode=555") != 0)
        return fail_os("mount empty root");
    if (::chdir("/tmp") != 0) return fail_os("chdir");
    if (::syscall(SYS_pivot_root, ".", ".") != 0) return fail_os("pivot_root");
    if (::umount2(".", MNT_DETACH) != 0) return fail_os("detach old root");
    if (::chdir("/") != 0) return fail_os("chdir");
    if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
        return fail_os("make root read-only");
    return {};
}

Result<void> enter_namespaces(Profile const& profile, std::vector<UniqueFd>& descriptors)
{
    switch (profile.network) {
    case Network::own_empty_namespace:
        if (::unshare(CLONE_NEWNET) != 0) return fail_os("own network namespace");
        break;
    case Network::shared_empty_namespace:
        if (descriptors.empty()) return fail(Fault::malformed, "no namespace descriptor");
        if (::setns(descriptors.front().get(), CLONE_NEWNET) != 0) return fail_os("enter the empty network namespace");
        descriptors.front().reset();
        return {};  // a per-session helper: Landlock and seccomp leave it no path, and it starts a millisecond sooner
    case Network::as_started: break;
    }
    if (!profile.stay_root) OCU_CHECK(enter_empty_root());
    return {};
}

Result<void> drop_bounding_set(Profile const& profile)
{
    for (cap_value_t capability = 0; capability <= cap_max_bits(); ++capability) {
        if (std::ranges::find(profile.capabilities, capability) != profile.capabilities.end()) continue;
        if (cap_get_bound(capability) == 1 && cap_drop_bound(capability) != 0) return fail_os("drop from bounding set");
    }
    constexpr unsigned long kBits = SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                    SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    // One that keeps a capability must not lose it with root; set_capabilities() then drops all others.
    unsigned long const keep = profile.capabilities.empty() ? 0 : SECBIT_KEEP_CAPS;
    // The launcher starts runtimes as root, and they need what it keeps: for it the root rules stay.
    if (!profile.stay_root && cap_set_secbits(static_cast<unsigned>(kBits | keep)) != 0) return fail_os("securebits");
    return {};
}

Result<void> become_user(Profile const& profile, std::uint32_t user_add)
{
    if (profile.stay_root) return {};
    auto const id = static_cast<uid_t>(kHelperUidBase + profile.user_offset + user_add);
    if (::setgroups(0, nullptr) != 0) return fail_os("setgroups");
    if (::setresgid(id, id, id) != 0) return fail_os("setresgid");
    if (::setresuid(id, id, id) != 0) return fail_os("setresuid");
    return {};
}

Result<void> set_capabilities(Profile const& profile)
{
    std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> const wanted(cap_init(), cap_free);
    if (!wanted) return fail_os("cap_init");
    auto const count = static_cast<int>(profile.capabilities.size());
    if (count > 0) {
        auto const* const list = profile.capabilities.data();
        if (cap_set_flag(wanted.get(), CAP_PERMITTED, count, list, CAP_SET) != 0) return fail_os("cap_set_flag");
        if (cap_set_flag(wanted.get(), CAP_EFFECTIVE, count, list, CAP_SET) != 0) return fail_os("cap_set_flag");
    }
    if (cap_set_proc(wanted.get()) != 0) return fail_os("cap_set_proc");
    return {};
}

Result<void> restrict_paths(Profile const& profile, std::span<int const> directories)
{
    int const abi = static_cast<int>(::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
    if (abi < 1) return fail_os("this kernel has no Landlock");
    std::uint64_t files = (1ull << 13) - 1;                  // ABI 1
    if (abi >= 2) files |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3) files |= LANDLOCK_ACCESS_FS_TRUNCATE;
    struct {
        std::uint64_t files, network, scoped;
    } attributes{files, 0, abi >= 6 ? 3ull : 0ull};  // no abstract sockets, no signals out
    bool const connects = profile.connections == Connections::outgoing;
    if (abi >= 4) attributes.network = LANDLOCK_ACCESS_NET_BIND_TCP | (connects ? 0ull : LANDLOCK_ACCESS_NET_CONNECT_TCP);  // forbidden
    std::size_t const size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    UniqueFd const rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
    if (!rules) return fail_os("landlock_create_ruleset");
    for (int const directory : directories) {
        landlock_path_beneath_attr beneath{};
        beneath.allowed_access =
            files & ~static_cast<std::uint64_t>(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                                                LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO);
        beneath.parent_fd = directory;
        if (::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
            return fail_os("landlock_add_rule");
    }
    if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return fail_os("landlock_restrict_self");
    return {};
}

Result<void> allow(scmp_filter_ctx filter, int number, std::span<scmp_arg_cmp const> arguments = {})
{
    int const error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, static_cast<unsigned>(arguments.size()), arguments.data());
    if (error == 0 || error == -EEXIST) return {};
    errno = -error;
    return fail_os("seccomp_rule_add");
}

// A raw, packet, netlink or local socket would reach what no dialled address is (T-05): only these, with the family's own protocol.
Result<void> allow_outgoing_sockets(scmp_filter_ctx filter)
{
    constexpr scmp_datum_t kTypeBits = 0xf;  // the rest are flags
    for (int const family : {AF_INET, AF_INET6}) {
        for (int const type : {SOCK_STREAM, SOCK_DGRAM}) {
            std::array const arguments{scmp_arg_cmp{0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family), 0},
                scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, kTypeBits, static_cast<scmp_datum_t>(type)}, scmp_arg_cmp{2, SCMP_CMP_EQ, 0, 0}};
            OCU_CHECK(allow(filter, __NR_socket, arguments));
        }
    }
    return {};
}

// What an event loop asks of a socket. A connection that was handed over belongs to the machine's own network, and with any other request
// would tell its addresses and routes (T-05, T-14).
Result<void> allow_loop_requests(scmp_filter_ctx filter)
{
    for (unsigned const request : {FIONBIO, FIONREAD}) {
        std::array const arguments{scmp_arg_cmp{1, SCMP_CMP_EQ, request, 0}};
        OCU_CHECK(allow(filter, __NR_ioctl, arguments));
    }
    return {};
}

Result<void> filter_system_calls(Profile const& profile)
{
    std::unique_ptr<void, void (*)(void*)> const filter(seccomp_init(SCMP_ACT_KILL_PROCESS), seccomp_release);
    if (!filter) return fail_os("seccomp_init");
    for (int const number : profile.system_calls) {
        OCU_CHECK(allow(filter.get(), number));
    }
    if (profile.requests == Requests::event_loop) OCU_CHECK(allow_loop_requests(filter.get()));
    if (profile.connections == Connections::outgoing) OCU_CHECK(allow_outgoing_sockets(filter.get()));
    // Balanced tree instead of a chain: the cost of a call does not grow with the list.
    (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (int const error = seccomp_load(filter.get()); error != 0) {
        errno = -error;
        return fail_os("seccomp_load");
    }
    return {};
}

}  // namespace

Result<void> Helper::confine(Profile const& profile, std::span<int const> directories)
{
    auto const parent = ::getppid();
    OCU_CHECK(enter_namespaces(profile, descriptors_));
    OCU_CHECK(drop_bounding_set(profile));
    OCU_CHECK(become_user(profile, slot_));
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_os("no_new_privs");
    if (::prctl(PR_SET_DUMPABLE, 0) != 0) return fail_os("not dumpable");  // a change of ids has reset it
    if (profile.parent_death == ParentDeath::kill) {
        // Cleared by a change of ids, so set here; the parent may have died before it was set.
        if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail_os("parent death signal");
        if (::getppid() != parent) return fail(Fault::unavailable, "parent is gone");
    }
    ::umask(0077);
    if (profile.landlock) OCU_CHECK(restrict_paths(profile, directories));
    OCU_CHECK(set_capabilities(profile));
    return filter_system_calls(profile);
}

}  // namespace ocu::helper
