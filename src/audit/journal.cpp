// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/journal.h"

#include <cstring>

#include "audit/tree.h"

namespace ocu::audit {

namespace {

constexpr std::string_view kMagic = "OCUAUDIT";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHashedBytes = 24 + kSources * (8 + sizeof(Digest));
static_assert(kHashedBytes == 344 && kHashedBytes + sizeof(Digest) <= kSegmentHeaderBytes);

void put(std::string& out, std::uint64_t value, std::size_t size)
{
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

void put(std::string& out, Digest const& digest) { out.append(reinterpret_cast<char const*>(digest.data()), digest.size()); }

std::uint64_t take(std::string_view bytes, std::size_t at, std::size_t size)
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
    return value;
}

Digest take_digest(std::string_view bytes, std::size_t at)
{
    Digest digest{};
    std::memcpy(digest.data(), bytes.data() + at, digest.size());
    return digest;
}

}  // namespace

std::string format_header(SegmentHeader const& header)
{
    std::string out(kMagic);
    put(out, kVersion, 4);
    put(out, kSources, 4);
    put(out, header.first_index, 8);
    for (auto const& link : header.chains.all()) {
        put(out, link.sequence, 8);
        put(out, link.previous);
    }
    put(out, crypto::sha256(out));
    out.resize(kSegmentHeaderBytes, '\0');
    return out;
}

Result<SegmentHeader> parse_header(std::string_view segment)
{
    if (segment.size() < kSegmentHeaderBytes) return fail(Fault::malformed, "segment is shorter than its header");
    if (!segment.starts_with(kMagic)) return fail(Fault::malformed, "segment does not begin as one");
    SegmentHeader header;
    header.first_index = take(segment, 16, 8);
    std::array<ChainLink, kSources> links{};
    for (std::size_t i = 0; i < kSources; ++i) {
        std::size_t const at = 24 + i * (8 + sizeof(Digest));
        links[i] = {take(segment, at, 8), take_digest(segment, at + 8)};
    }
    header.chains = Chains(links);
    // Every byte counts, also the reserved ones: what formats to the same bytes was not altered by accident.
    if (format_header(header) != segment.substr(0, kSegmentHeaderBytes)) return fail(Fault::malformed, "segment header does not check");
    return header;
}

void add_frame(std::string& out, std::string_view record, Digest const& leaf)
{
    put(out, record.size(), 4);
    out.append(record);
    put(out, leaf);
}

Result<std::optional<Frame>> FrameReader::next()
{
    auto const begin = offset_;
    auto frame = OCU_TRY(next_unchecked());
    if (!frame || leaf_hash(frame->record) == frame->leaf) return frame;
    offset_ = begin;
    return fail(Fault::malformed, "record does not have its hash");
}

Result<std::optional<Frame>> FrameReader::next_unchecked()
{
    auto const left = segment_.size() - std::min(offset_, segment_.size());
    if (left < kFrameOverheadBytes + 1) return std::optional<Frame>{};
    auto const size = static_cast<std::size_t>(take(segment_, offset_, 4));
    if (size == 0) return std::optional<Frame>{};
    if (size > kRecordBytesMax || size + kFrameOverheadBytes > left) return fail(Fault::malformed, "frame of an impossible size");
    Frame const frame{segment_.substr(offset_ + 4, size), take_digest(segment_, offset_ + 4 + size)};
    offset_ += size + kFrameOverheadBytes;
    return std::optional(frame);
}

std::string_view FrameReader::tail() const
{
    if (offset_ >= segment_.size()) return {};
    auto const last = segment_.find_last_not_of('\0');
    if (last == std::string_view::npos || last < offset_) return {};
    return segment_.substr(offset_, last + 1 - offset_);
}

}  // namespace ocu::audit
