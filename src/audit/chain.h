// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Per-source chains: each record carries its source's next sequence and the hash of that source's previous record. A record that is
// removed, moved or rewritten breaks its source's chain even where no checkpoint covers it (T-09). Pure.

#include <array>
#include <string_view>

#include "audit/limits.h"
#include "base/crypto/crypto.h"
#include "proto/any_to_audit.h"

namespace ocu::audit {

using Digest = crypto::Digest;

// Where a record stands. `previous` is all zero for a source's first record.
struct ChainLink {
    std::uint64_t sequence = 1;
    Digest previous{};

    bool operator==(ChainLink const&) const = default;
};

struct ChainMark {
    proto::Source source{};
    ChainLink link;
};

// Reads the mark out of a record's bytes. Errors: malformed (not JSON, no such source, mark missing).
Result<ChainMark> read_mark(std::string_view record);

class Chains {
public:
    Chains() = default;
    explicit Chains(std::array<ChainLink, kSources> const& next) : next_(next) {}

    ChainLink const& next(proto::Source source) const { return next_[static_cast<std::size_t>(source)]; }
    std::array<ChainLink, kSources> const& all() const { return next_; }
    // `record` is now the last of this source.
    void advance(proto::Source source, std::string_view record);

    bool operator==(Chains const&) const = default;

private:
    std::array<ChainLink, kSources> next_{};
};

}  // namespace ocu::audit
