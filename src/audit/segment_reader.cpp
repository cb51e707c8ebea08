// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/segment_reader.h"

#include <unistd.h>

#include "audit/limits.h"

namespace ocu::audit {

namespace {

constexpr std::size_t kChunkBytes = 256u << 10;
constexpr std::size_t kFrameBytesMax = kRecordBytesMax + kFrameOverheadBytes;
static_assert(kChunkBytes > kFrameBytesMax);

Result<std::string> read_at(int file, std::uint64_t offset, std::size_t most)
{
    std::string bytes(most, '\0');
    std::size_t have = 0;
    while (have < most) {
        ssize_t const got = ::pread(file, bytes.data() + have, most - have, static_cast<off_t>(offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_os("read a segment");
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
}

}  // namespace

Result<SegmentReader> SegmentReader::open(UniqueFd file, std::uint64_t number)
{
    auto const header = OCU_TRY(parse_header(OCU_TRY(read_at(file.get(), 0, kSegmentHeaderBytes))));
    return SegmentReader(std::move(file), number, header.first_index);
}

Result<void> SegmentReader::fill()
{
    offset_ += at_;
    at_ = 0;
    bytes_ = OCU_TRY(read_at(file_.get(), offset_, kChunkBytes));
    whole_ = bytes_.size() < kChunkBytes;
    return {};
}

Result<std::optional<Frame>> SegmentReader::next(std::uint64_t size)
{
    if (index_ >= size) return std::nullopt;
    // What is in memory may be older than what is on disk: zeros there are looked at once more.
    for (bool const fresh : {false, true}) {
        if (fresh || (!whole_ && bytes_.size() - at_ < kFrameBytesMax)) OCU_CHECK(fill());
        FrameReader reader(bytes_, at_);
        auto const frame = reader.next();
        if (!frame && fresh) return std::unexpected(frame.error());
        if (!frame || !*frame) continue;
        at_ = reader.offset();
        ++index_;
        return *frame;
    }
    return std::nullopt;
}

}  // namespace ocu::audit
