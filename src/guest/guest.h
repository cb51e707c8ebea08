// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The agent: first process of a sandbox. Runs what the `exec` helper asks for over one inherited channel and reaps what nobody else does.
//
//   runs as   uid 0 of the sandbox's own user namespace, with CAP_SETUID, CAP_SETGID and CAP_KILL only; everything that a caller asked
//             for happens in a child that has become uid 1000 first
//   hears     exec     proto/exec_to_guest.h
//   tells     exec     proto/exec_to_guest.h
//   never     listens, opens a path itself (but /dev/ptmx and its other side), or outlives its channel; nothing on the host relies on it
//             being honest

#include "base/unique_fd.h"

namespace ocu::guest {

struct Place {
    char const* home = "/workspace";
    unsigned user = 1000;        // uid and gid of what a caller asks for
    bool become_user = true;     // off only where a test has no right to change ids
};

// Serves until the channel closes or breaks its grammar. As the first process of a namespace it then ends everything in it.
// Returns the exit status.
int agent_main(UniqueFd channel, Place const& place);

}  // namespace ocu::guest
