// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Bytes that can be read anywhere: of an upload that lies with its session's broker, or of an archive that was held in memory because it came out of
// another.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/result.h"

namespace ocu::storage {

class ByteSource {
public:
    virtual ~ByteSource() = default;
    virtual std::uint64_t size() const = 0;
    // At least one byte, unless `into` is empty or `offset` is at the end. Errors: unavailable (whoever has them is gone).
    virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) = 0;

    // All of `into`. Errors: malformed (the end comes first), or read_at's.
    Result<void> read_exactly(std::uint64_t offset, std::span<std::byte> into)
    {
        while (!into.empty()) {
            auto const got = OCU_TRY(read_at(offset, into));
            if (got == 0) return fail(Fault::malformed, "archive ends too soon");
            offset += got;
            into = into.subspan(got);
        }
        return {};
    }
};

class MemorySource final : public ByteSource {
public:
    explicit MemorySource(std::span<std::byte const> bytes) : bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_.size(); }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override
    {
        if (offset >= bytes_.size() || into.empty()) return std::size_t{0};
        auto const count = std::min<std::size_t>(into.size(), bytes_.size() - static_cast<std::size_t>(offset));
        std::memcpy(into.data(), bytes_.data() + offset, count);
        return count;
    }

private:
    std::span<std::byte const> bytes_;
};

}  // namespace ocu::storage
