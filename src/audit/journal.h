// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The bytes of a journal segment (docs/formats/audit.md): header and frames. Pure. Reads bytes that may be torn or hostile.

#include <optional>
#include <string>
#include <string_view>

#include "audit/chain.h"

namespace ocu::audit {

inline constexpr std::size_t kSegmentHeaderBytes = 512;
inline constexpr std::size_t kFrameOverheadBytes = 4 + sizeof(Digest);

struct SegmentHeader {
    std::uint64_t first_index = 0;
    Chains chains;  // before the first record of this segment

    bool operator==(SegmentHeader const&) const = default;
};

std::string format_header(SegmentHeader const& header);
// Errors: malformed.
Result<SegmentHeader> parse_header(std::string_view segment);

void add_frame(std::string& out, std::string_view record, Digest const& leaf);

struct Frame {
    std::string_view record;
    Digest leaf;
};

class FrameReader {
public:
    // `segment` must outlive the reader and the frames; `offset`: where one ended that read the same segment earlier.
    explicit FrameReader(std::string_view segment, std::size_t offset = kSegmentHeaderBytes) : segment_(segment), offset_(offset) {}

    // The next frame, or nothing at the end. Errors: malformed; then offset() is where the bad frame begins.
    Result<std::optional<Frame>> next();
    // The same without asking for the hash: how a verifier steps over a damaged record. Errors: malformed (its size is impossible).
    Result<std::optional<Frame>> next_unchecked();
    std::size_t offset() const { return offset_; }
    // Bytes from offset() to the last that is not zero: nothing of ours lies there.
    std::string_view tail() const;

private:
    std::string_view segment_;
    std::size_t offset_;
};

}  // namespace ocu::audit
