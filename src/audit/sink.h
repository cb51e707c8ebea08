// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A place that the record is copied to (AU-6), as the manifest says it. Made by appliance/manifest.

#include <cstdint>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "proto/audit_to_sink.h"

namespace ocu::audit {

struct Sink {
    std::string name;
    proto::SinkKind kind{};
    proto::SinkFormat format{};
    proto::SinkShape shape{};
    std::uint64_t file_bytes = 0;
    std::uint32_t files = 0;
    std::string host;  // DNS name in lower case, or numeric address
    std::uint16_t port = 0;
    std::string authority;
    std::string target;
    std::string place;  // in words
    bool tls = true;
    bool shows_certificate = false;
    bool has_token = false;
};

// What one is started with, beside its configuration.
struct SinkGround {
    UniqueFd folder;  // its own
    UniqueFd roots;   // what a receiver is verified against; none: a file sink
};

}  // namespace ocu::audit
