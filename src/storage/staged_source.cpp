// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/staged_source.h"

#include "helper/frame.h"
#include "storage/limits.h"

namespace ocu::storage {

Result<void> StagedSource::fetch(std::uint64_t offset)
{
    auto const wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes_ - offset, proto::kFilePieceBytesMax));
    OCU_CHECK(helper::write_frame(
        channel_.get(), static_cast<std::uint16_t>(proto::Type::file_read), wire::encode(proto::FileRead{offset, wanted}), {}));
    auto const frame = OCU_TRY(helper::read_frame(channel_.get(), proto::kFileFrameBytesMax, kCheckTimeMost));
    if (frame.type != static_cast<std::uint16_t>(proto::Type::file_bytes)) return fail(Fault::unavailable, "upload cannot be read");
    auto told = OCU_TRY(wire::decode<proto::FileBytes>(frame.body));
    if (told.bytes.size() != wanted) return fail(Fault::unavailable, "upload is shorter than it was");
    held_ = std::move(told.bytes).take();
    held_at_ = offset;
    return {};
}

Result<std::size_t> StagedSource::read_at(std::uint64_t offset, std::span<std::byte> into)
{
    if (offset >= bytes_ || into.empty()) return std::size_t{0};
    if (offset < held_at_ || offset - held_at_ >= held_.size()) OCU_CHECK(fetch(offset));
    auto const within = static_cast<std::size_t>(offset - held_at_);
    auto const count = std::min(into.size(), held_.size() - within);
    std::memcpy(into.data(), held_.data() + within, count);
    return count;
}

}  // namespace ocu::storage
