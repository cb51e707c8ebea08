// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Whose key is this? Salted digests in, a caller out; the key itself is never kept. Used by the threads that judge callers, gateway's (F1)
// and storage's (F11); no helper process is ever given a digest. Pure.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"

namespace ocu::helper {

// A caller as the manifest declares it: `key_hash` is "sha256:<salt, 32 hex>:<sha256(salt || key), 64 hex>" (GW-3).
struct Caller {
    CallerId id;
    std::string name;
    std::array<std::uint8_t, 16> salt{};
    std::array<std::uint8_t, 32> digest{};
};

class Callers {
public:
    explicit Callers(std::vector<Caller> callers) : callers_(std::move(callers)) {}
    // Looks at every caller, in constant time for each, so that the time it takes says nothing about which one came near (T-01).
    Caller const* find(std::string_view token) const;

private:
    std::vector<Caller> callers_;
};

}  // namespace ocu::helper
