// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An upload that lies with its session's broker, as the parser reads it: range by range over proto/parser_to_broker.h, one question at a time, waiting for
// the answer. How long all of it may take the storage thread watches, which ends this process (storage/inspections.h).

#include "base/unique_fd.h"
#include "proto/parser_to_broker.h"
#include "storage/byte_source.h"

namespace ocu::storage {

class StagedSource final : public ByteSource {
public:
    StagedSource(UniqueFd channel, std::uint64_t bytes) : channel_(std::move(channel)), bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_; }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override;

private:
    Result<void> fetch(std::uint64_t offset);

    UniqueFd channel_;
    std::uint64_t bytes_;
    std::uint64_t held_at_ = 0;  // where `held_` begins: small records are read many to a piece
    std::string held_;
};

}  // namespace ocu::storage
