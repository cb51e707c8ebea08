// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Somebody outside whom the log's heads are shown to, and who vouches that it only grew (C2SP tlog-witness, AU-9), as the manifest says it. Made by
// appliance/manifest.

#include <chrono>
#include <string>

#include "audit/note.h"

namespace ocu::audit {

struct Witness {
    std::string name;
    std::string host;  // DNS name in lower case, or numeric address
    std::uint16_t port = 0;
    std::string authority;
    std::string target;  // path, with add-checkpoint
    std::string place;   // in words
    VerifierKey key;     // KeyKind::witness
    std::chrono::seconds interval{};  // a head is owed each
    bool shows_certificate = false;
};

}  // namespace ocu::audit
