// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/ground.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "sandbox/bundle.h"
#include "sandbox/files.h"
#include "sandbox/limits.h"
#include "sandbox/mounts.h"
#include "sandbox/shipped.h"
#include "sandbox/trust.h"

namespace ocu::sandbox {

namespace {

// The first process of a guest has the session's ids before the image is its root: it must be able to walk to it.
Result<void> check_reachable(std::string path)
{
    if (path.empty() || path.front() != '/') return fail(Fault::malformed, "the run directory is not an absolute path");
    for (; path.size() > 1; path.erase(std::max<std::size_t>(path.rfind('/'), 1))) {
        struct stat what{};
        if (::stat(path.c_str(), &what) != 0) return fail_os("run directory");
        if ((what.st_mode & S_IXOTH) == 0) return fail(Fault::denied, "the run directory, or one above it, is not searchable by all");
        if (path.rfind('/') == 0) break;
    }
    return {};
}

Result<void> make_channel(Prepared& prepared)
{
    auto pair = OCU_TRY(make_socket_pair());
    // The guest's end blocks: its agent is simpler for it, and the flag belongs to that end alone.
    int const flags = ::fcntl(pair.theirs.get(), F_GETFL);
    if (flags < 0 || ::fcntl(pair.theirs.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) return fail_os("guest channel");
    prepared.channel_host = std::move(pair.ours);
    prepared.channel_guest = std::move(pair.theirs);
    return {};
}

Result<UniqueFd> listen_for_monitor(std::string const& path)
{
    UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (!listener) return fail_os("monitor socket");
    if (path.size() >= sizeof address.sun_path) return fail(Fault::over_limit, "the run directory's path is too long for a socket");
    std::ranges::copy(path, address.sun_path);
    if (::bind(listener.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0 || ::listen(listener.get(), 1) != 0)
        return fail_os("monitor socket");
    return listener;
}

bool gone(int code) { return code == 0 || errno == ENOENT; }

}  // namespace

Result<Ground> Ground::open(LauncherConfig config, std::vector<UniqueFd> const& shipped)
{
    OCU_CHECK(check_reachable(config.run_directory.str()));
    auto cgroups = OCU_TRY(Cgroups::open(config.cgroup_prefix.str(), config.limits.disk_needed));
    Ground ground(std::move(config), std::move(cgroups));
    OCU_CHECK(ground.write_shared());
    OCU_CHECK(ground.write_trust());
    OCU_CHECK(ground.check_image());
    OCU_CHECK(mount_shipped(ground.config_, shipped));
    return ground;
}

Result<void> Ground::write_shared() const
{
    auto const shared = shared_of(config_);
    // A predecessor's; guests that run have mounts of their own.
    if (!unmount(shared.image)) return fail(Fault::conflict, "the image directory is in use");
    OCU_CHECK(make_directory(shared.image, 0755));
    OCU_CHECK(make_directory(shared.etc, 0755));
    OCU_CHECK(make_directory(shared.slots, 0711));
    OCU_CHECK(make_directory(shared.guest, 0755));
    auto const agent = read_text(config_.agent.str(), kAgentBytesMax);
    if (agent.empty() || agent.size() == kAgentBytesMax) return fail(Fault::not_found, "the guest agent's file");
    OCU_CHECK(write_new(shared.agent, agent, 0555));
    OCU_CHECK(write_new(shared.resolv_conf, std::string("nameserver ") + proto::kLaneAddress4 + "\noptions timeout:2 attempts:1\n", 0444));
    OCU_CHECK(write_new(shared.hosts, "127.0.0.1 localhost sandbox\n", 0444));
    return mount_image(config_.image.str(), shared.image);
}

// EG-8. Without an authority guests trust what their image trusts. A Java store that cannot be made is said aloud: every other program
// goes on.
Result<void> Ground::write_trust()
{
    auto const shared = shared_of(config_);
    for (auto const* const file : {&shared.authority, &shared.roots, &shared.java_roots}) (void)::unlink(file->c_str());
    if (config_.authority.empty()) return {};
    auto const authority = read_text(config_.authority.str(), kAuthorityBytesMax);
    if (authority.empty()) return fail(Fault::not_found, "the certificate that guests are to trust");
    auto const image_roots = read_from_image(shared.image, kImageRoots, kRootsBytesMax);
    image_has_roots_ = !image_roots.empty();
    auto const roots = roots_with(image_roots, authority);
    OCU_CHECK(write_new(shared.authority, authority, 0444));
    OCU_CHECK(write_new(shared.roots, roots, 0444));
    auto const store = java_store(roots);
    if (!store) {
        log::failure("the guests' Java store cannot be made", store.error());
        return {};
    }
    image_has_java_roots_ = !read_from_image(shared.image, kImageJavaRoots, kRootsBytesMax).empty();
    return write_new(shared.java_roots, *store, 0444);
}

Result<void> Ground::check_image()
{
    auto const image = shared_of(config_).image;
    auto const has = [&](char const* path) { return ::access((image + path).c_str(), F_OK) == 0; };
    for (char const* const path : {"/proc", "/dev", "/tmp", "/run/ocu", "/workspace", "/mnt/user-data/uploads", "/mnt/user-data/outputs"}) {
        if (has(path)) continue;
        log::error("the guest image lacks a mount point", path);
        return fail(Fault::not_found, "the guest image lacks a mount point");
    }
    if (!config_.shipped.items().empty() && !has(kGuestShipped))
        return fail(Fault::not_found, "the guest image has no place for the operator's directories");
    for (char const* const path : {"/etc/resolv.conf", "/etc/hosts"}) {
        struct stat what{};
        if (::lstat((image + path).c_str(), &what) == 0 && S_ISREG(what.st_mode)) continue;
        log::error("the guest image lacks a plain file", path);
        return fail(Fault::not_found, "the guest image lacks a plain file");
    }
    image_has_readme_ = !config_.readme.empty() && has(kGuestReadme);
    return {};
}

Result<void> Ground::place_root(Place const& place) const
{
    UniqueFd const map = OCU_TRY(make_id_map(place.host_id));
    return mount_mapped(shared_of(config_).image, place.root, map.get());
}

Result<Prepared> Ground::prepare(Place const& place, proto::Tier tier) const
{
    if (tier == proto::Tier::gvisor && config_.runsc.empty()) return fail(Fault::not_found, "no gVisor runtime is configured");
    OCU_CHECK(make_directory(place.directory, 0711));
    OCU_CHECK(make_directory(place.files, 0711));
    OCU_CHECK(make_directory(place.root, 0711));
    OCU_CHECK(make_directory(place.state, 0700));
    OCU_CHECK(cgroups_.make(place.cgroup, limits_of(config_.limits, tier)));
    OCU_CHECK(place_root(place));
    Prepared prepared;
    prepared.lane = OCU_TRY(make_lane());
    OCU_CHECK(bind_namespace(prepared.lane.guest_namespace.get(), place.net));
    prepared.lane.guest_namespace.reset();  // the path holds it now, the guest will hold it then
    OCU_CHECK(make_channel(prepared));
    if (tier == proto::Tier::gvisor)
        prepared.monitor = OCU_TRY(listen_for_monitor(place.monitor));
    else
        prepared.monitor = UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    prepared.fuse = OCU_TRY(mount_files(place.files));
    return prepared;
}

Result<void> Ground::write_bundle(Place const& place, proto::Tier tier) const
{
    if (tier == proto::Tier::gvisor) OCU_CHECK(write_new(place.monitor_config, monitor_config_of(place.monitor), 0600));
    return write_new(place.config, bundle_of({config_, place, tier, image_has_readme_, image_has_roots_, image_has_java_roots_}), 0600);
}

bool Ground::clear(Place const& place) const
{
    // Every mount must be away before anything is removed: what is beneath `files` is the session's data, not ours.
    bool const unmounted = abort_and_unmount(place.files) && unmount(place.root) && unmount(place.net);
    if (!unmounted) return false;
    std::error_code error;
    std::filesystem::remove_all(place.state, error);
    bool removed = !error;
    for (auto const* const file : {&place.config, &place.log, &place.pid_file, &place.net, &place.monitor, &place.monitor_config})
        removed = gone(::unlink(file->c_str())) && removed;
    for (auto const* const directory : {&place.files, &place.root, &place.directory})
        removed = gone(::rmdir(directory->c_str())) && removed;
    return cgroups_.remove(place.cgroup) && removed;
}

void Ground::close() const
{
    auto const shared = shared_of(config_);
    unmount_shipped(config_);
    (void)unmount(shared.image);
    (void)::unlink(shared.resolv_conf.c_str());
    (void)::unlink(shared.hosts.c_str());
    for (auto const* const file : {&shared.agent, &shared.authority, &shared.roots, &shared.java_roots}) (void)::unlink(file->c_str());
    for (auto const* const directory : {&shared.image, &shared.etc, &shared.guest, &shared.slots}) (void)::rmdir(directory->c_str());
    cgroups_.remove_prefix(config_.cgroup_prefix.str());
}

}  // namespace ocu::sandbox
