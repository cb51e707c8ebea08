// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/inbox.h"

#include <algorithm>
#include <cstring>

#include "proto/exec_to_guest.h"

namespace ocu::guest {

namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kKeepBytesMax = 16u << 10;  // a larger buffer goes back to the system once it is empty: the agent stays small

}  // namespace

void Inbox::append(std::span<std::byte const> bytes)
{
    if (start_ > 0) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(start_));
        start_ = 0;
    }
    if (bytes_.empty() && bytes_.capacity() > kKeepBytesMax) std::vector<std::byte>().swap(bytes_);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<Inbox::Frame>> Inbox::next()
{
    auto const rest = std::span<std::byte const>(bytes_).subspan(start_);
    if (rest.size() < kHeaderBytes) {
        if (rest.empty() && bytes_.capacity() > kKeepBytesMax) std::vector<std::byte>().swap(bytes_), start_ = 0;
        return std::optional<Frame>();
    }
    std::uint32_t size = 0;
    std::uint16_t type = 0;
    std::uint16_t descriptors = 0;
    std::memcpy(&size, rest.data(), sizeof size);
    std::memcpy(&type, rest.data() + 4, sizeof type);
    std::memcpy(&descriptors, rest.data() + 6, sizeof descriptors);
    auto const permit = std::ranges::find(proto::kExecMaySendGuest, type, &wire::Permit::type);
    if (permit == proto::kExecMaySendGuest.end()) return fail(Fault::malformed, "unlisted frame");
    if (size > permit->body_bytes_max) return fail(Fault::malformed, "frame too large");
    if (descriptors != 0) return fail(Fault::malformed, "frame with descriptors");
    if (rest.size() < kHeaderBytes + size) return std::optional<Frame>();
    start_ += kHeaderBytes + size;
    return Frame{type, rest.subspan(kHeaderBytes, size)};
}

}  // namespace ocu::guest
