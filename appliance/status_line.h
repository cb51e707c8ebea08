// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the core tells the first process of a booted machine about itself, one line on its standard output for each change
// (`run --status-lines`). Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/machine_key.h"
#include "proto/ask_edge.h"

namespace ocu::appliance {

struct CoreStatus {
    std::uint32_t sessions = 0;
    std::uint32_t helpers_up = 0;
    std::uint32_t helpers = 0;
    bool frozen = false;
    KeyBinding vault_key = KeyBinding::file;
    proto::WebhookHealth webhook = proto::WebhookHealth::none;
    std::uint32_t audit_disk_percent = 0;  // used, while it is above its watermark; else 0

    bool operator==(CoreStatus const&) const = default;
};

// "STATUS sessions=N helpers=UP/ALL frozen=yes|no vault-key=tpm|file", and, where the manifest has a webhook,
// " webhook=untried|delivering|failing"; while the log's disk is above its watermark, " audit-disk=PERCENT"; without line end.
std::string status_line(CoreStatus const& status);
// Nothing: another line, or one with a part missing.
std::optional<CoreStatus> parse_status(std::string_view line);

// The value of ` NAME=` up to the next blank; nothing when it is not there or empty.
std::optional<std::string_view> word_of(std::string_view line, std::string_view name);

}  // namespace ocu::appliance
