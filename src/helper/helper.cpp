// SPDX-License-Identifier: GPL-3.0-or-later
#include "helper/helper.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <string>

#include "base/log.h"
#include "helper/frame.h"
#include "helper/kind.h"

namespace ocu::helper {

namespace {

constexpr std::chrono::milliseconds kConfigWait{10'000};

Result<void> set_limit(__rlimit_resource_t resource, rlim_t value)
{
    rlimit const limit{value, value};
    if (::setrlimit(resource, &limit) != 0) return fail_os("setrlimit");
    return {};
}

}  // namespace

Result<Helper> Helper::begin(std::string_view name)
{
    std::string const text(name);
    log::set_process_name("helper " + text);
    ::prctl(PR_SET_NAME, ("ocu:" + text).c_str());
    // Whatever the core had open is not ours. Everything is close-on-exec already; this is the second lock on that door.
    if (::close_range(kLinkFd + 1, ~0u, 0) != 0) return fail_os("close inherited descriptors");
    if (::fcntl(kLinkFd, F_SETFD, FD_CLOEXEC) != 0) return fail_os("no link on descriptor 3");
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // A library that asks for the local time would open the time zone's file later, when nothing may be opened: there is one zone here.
    ::setenv("TZ", "UTC0", 1);
    ::tzset();
    Helper helper;
    helper.link_ = UniqueFd(kLinkFd);
    for (std::size_t i = 0; i < kKinds; ++i)
        if (auto const kind = static_cast<Kind>(i); name == name_of(kind)) helper.per_session_ = is_per_session(kind);
    return helper;
}

Result<wire::Bytes> Helper::receive_config_frame()
{
    auto frame = OCU_TRY(read_frame(link_.get(), kConfigBytesMax, kConfigWait));
    if (frame.type != kConfigureType) return fail(Fault::malformed, "first frame is not a configuration");
    descriptors_ = std::move(frame.descriptors);
    if (per_session_) {
        wire::Bytes& body = frame.body;
        if (body.size() < sizeof slot_) return fail(Fault::malformed, "no slot before the configuration");
        wire::Decoder(std::span(body).first(sizeof slot_))(slot_);
        body.erase(body.begin(), body.begin() + sizeof slot_);
    }
    return std::move(frame.body);
}

Result<void> Helper::keep_out_of_swap_and_cores(Profile const& profile)
{
    OCU_CHECK(set_limit(RLIMIT_CORE, 0));
    OCU_CHECK(set_limit(RLIMIT_NOFILE, profile.open_files_max));
    if (profile.address_space_bytes_max != 0) OCU_CHECK(set_limit(RLIMIT_AS, profile.address_space_bytes_max));
    if (profile.file_bytes_max != ~0ull) OCU_CHECK(set_limit(RLIMIT_FSIZE, profile.file_bytes_max));
    if (profile.memory == Memory::locked) {
        // Secrets lock their own pages; the limit must allow it after the user id has changed.
        constexpr rlim_t kLockedBytes = 8u << 20;
        OCU_CHECK(set_limit(RLIMIT_MEMLOCK, kLockedBytes));
    }
    if (::prctl(PR_SET_DUMPABLE, 0) != 0) return fail_os("not dumpable");
    return {};
}

Result<UniqueFd> Helper::report_ready(wire::Bytes report)
{
    OCU_CHECK(write_frame(link_.get(), kReadyType, report, {}));
    return std::move(link_);
}

}  // namespace ocu::helper
