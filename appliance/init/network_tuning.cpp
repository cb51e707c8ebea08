// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/network_tuning.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/unique_fd.h"

namespace ocu::init {

namespace {

struct Setting {
    char const* name;
    char const* value;
};

constexpr std::array kMachine{
    Setting{"ipv4/ip_forward", "0"},
    Setting{"ipv6/conf/all/forwarding", "0"},
    Setting{"ipv4/icmp_echo_ignore_broadcasts", "1"},
    Setting{"ipv4/icmp_ignore_bogus_error_responses", "1"},
    Setting{"ipv4/tcp_syncookies", "1"},
    Setting{"ipv4/tcp_rfc1337", "1"},
    // The stricter of `all` and the device counts: it is strict on each, and can be off on one that waits for its lease.
    Setting{"ipv4/conf/all/rp_filter", "0"},
    Setting{"ipv4/conf/default/rp_filter", "1"},
    Setting{"ipv6/conf/default/disable_ipv6", "1"},
};

// Of `all`, `default` and each device: which of the three counts differs from setting to setting.
constexpr std::array kIpv4{
    Setting{"accept_redirects", "0"},
    Setting{"secure_redirects", "0"},
    Setting{"send_redirects", "0"},
    Setting{"accept_source_route", "0"},
    Setting{"proxy_arp", "0"},
    // T-03: the service side learns nothing of the operators' addresses, by asking or by listening.
    Setting{"arp_ignore", "1"},
    Setting{"arp_announce", "2"},
    Setting{"promote_secondaries", "1"},
};
constexpr std::array kIpv6{
    Setting{"accept_ra", "0"},
    Setting{"autoconf", "0"},
    Setting{"accept_redirects", "0"},
    Setting{"accept_source_route", "0"},
};

enum class Missing { error, fine };

Result<void> set(std::string const& name, std::string_view value, Missing missing)
{
    UniqueFd const file(::open(("/proc/sys/net/" + name).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) {
        if (errno == ENOENT && missing == Missing::fine) return {};
        return fail_os("open network setting");
    }
    if (::write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) return fail_os("write network setting");
    return {};
}

Result<void> tune(std::string const& of)
{
    for (auto const& each : kIpv4) OCU_CHECK(set("ipv4/conf/" + of + "/" + each.name, each.value, Missing::error));
    // A kernel without IPv6 has nothing to switch off.
    for (auto const& each : kIpv6) OCU_CHECK(set("ipv6/conf/" + of + "/" + each.name, each.value, Missing::fine));
    return {};
}

}  // namespace

Result<void> tune_machine()
{
    for (auto const& each : kMachine)
        OCU_CHECK(set(each.name, each.value, std::string_view(each.name).starts_with("ipv6") ? Missing::fine : Missing::error));
    OCU_CHECK(tune("all"));
    return tune("default");
}

Result<void> tune_device(std::string const& device, ReversePath reverse_path, Ipv6 ipv6)
{
    OCU_CHECK(tune(device));
    OCU_CHECK(set("ipv4/conf/" + device + "/rp_filter", reverse_path == ReversePath::strict ? "1" : "0", Missing::error));
    return set("ipv6/conf/" + device + "/disable_ipv6", ipv6 == Ipv6::on ? "0" : "1", Missing::fine);
}

}  // namespace ocu::init
