// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/tree_changes.h"

#include <optional>
#include <utility>

namespace ocu::storage {

namespace {

template <std::size_t At = 0>
std::optional<TreeChange> decoded(ChangeKind kind, std::span<std::byte const> fields)
{
    if constexpr (At == std::variant_size_v<TreeChange>) {
        return std::nullopt;
    } else {
        using Change = std::variant_alternative_t<At, TreeChange>;
        if (kind != Change::kKind) return decoded<At + 1>(kind, fields);
        auto change = wire::decode<Change>(fields);
        if (!change) return std::nullopt;
        return TreeChange(std::move(*change));
    }
}

}  // namespace

Answer<void> read_changes(std::span<std::byte const> batch, std::function<bool(TreeChange const&)> const& each)
{
    if (batch.size() > kChangesBytesMax) return refuse(EIO);
    while (!batch.empty()) {
        if (batch.size() < kChangeHeadBytes) return refuse(EIO);
        auto const head = wire::decode<ChangeHead>(batch.first(kChangeHeadBytes));
        if (!head || head->length == 0 || head->length > batch.size() - sizeof head->length || head->length > kChangeBytesMax)
            return refuse(EIO);
        auto const change = decoded(head->kind, batch.subspan(kChangeHeadBytes, head->length - 1));
        if (!change || !each(*change)) return refuse(EIO);
        batch = batch.subspan(sizeof head->length + head->length);
    }
    return {};
}

}  // namespace ocu::storage
