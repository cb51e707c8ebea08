// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where a slot lives: every name that belongs to it, from its number alone.
//
//   RUN/image           the guest image, mounted once
//   RUN/etc/            resolv.conf and hosts of every guest
//   RUN/guest/          /run/ocu inside: the guest's agent, and what trust.h lists
//   RUN/shipped/NAME    the operator's directories: /mnt/ocu inside
//   RUN/slots/N/files   FUSE mount (broker)        RUN/slots/N/root   image with the slot's ids
//   RUN/slots/N/net     the guest's network namespace
//   RUN/slots/N/state   the runtime's own          RUN/slots/N/{config.json,log,pid}
//   RUN/slots/N/monitor     the socket of gVisor's runtime monitor, and monitor.json, which tells gVisor of it

#include <string>

#include "base/id.h"
#include "sandbox/helpers.h"

namespace ocu::sandbox {

struct Place {
    std::string directory;
    std::string files;
    std::string root;
    std::string net;
    std::string state;
    std::string config;
    std::string log;
    std::string pid_file;
    std::string monitor;
    std::string monitor_config;
    std::string container;      // the runtime's name for it
    std::string cgroup;         // "/PREFIX/sN", in every hierarchy
    std::uint32_t host_id = 0;  // first of its ids
};

struct Shared {
    std::string image;
    std::string etc;
    std::string slots;
    std::string resolv_conf;
    std::string hosts;
    std::string guest;
    std::string agent;
    std::string authority;
    std::string roots;
    std::string java_roots;
    std::string shipped;
};

Place place_of(LauncherConfig const& config, Slot slot);
Shared shared_of(LauncherConfig const& config);

}  // namespace ocu::sandbox
