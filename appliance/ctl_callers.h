// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `ctl callers`: its words into a request, and what a person sees of the answers. Pure.

#include <string_view>
#include <vector>

#include "appliance/ctl.h"

namespace ocu::appliance {

inline constexpr char kCallersUsage[] =
    "  callers list  who may call: from the manifest or made here, by whom, until when, last seen\n"
    "  callers add NAME [--expires DAYS]\n"
    "                let one more in; its key is made here and shown this once\n"
    "  callers rotate NAME [--overlap SECONDS]\n"
    "                a new key; the one before dies at once, or after so many seconds\n"
    "  callers revoke NAME\n"
    "                let it in no more, and end at once what it has here; the manifest's, too\n"
    "  callers reset if the file of callers is damaged: begin with an empty one. Whoever was revoked in the manifest is let in again\n";

struct CallersOptions {
    std::string_view expires, overlap;

    bool any() const { return !expires.empty() || !overlap.empty(); }
};

std::expected<CtlRequest, std::string> callers_request(
    CtlRequest request, std::vector<std::string_view> const& words, CallersOptions const& options);

std::string render_callers(std::string_view command, wire::JsonView answer);
// One line of the status, or none.
std::string render_callers_state(wire::JsonView state);

}  // namespace ocu::appliance
