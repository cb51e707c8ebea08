// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How the changes of a session's tree are written down: what the store keeps sealed beside the chunks, and what a store that is opened again
// is read from. docs/formats/tree-changes.md draws it. A batch is a row of changes:
//
//      length u32 | kind u8 | fields, by wire/codec | length u32 | …        length: of kind and fields
//
// read_changes() is the parser of bytes that were sealed by us and opened again; it takes none of them on trust, because the store may have
// been written by another release, and because nothing else stands between a forged store and the tree (T-08). Pure.

#include <functional>
#include <variant>

#include "storage/chunk_store.h"
#include "storage/limits.h"
#include "wire/codec.h"

namespace ocu::storage {

struct TimeField {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;

    static void fields(auto& wire, auto& m) { wire(m.seconds, m.nanoseconds); }
};

struct PlaceField {
    std::uint64_t number = 0;
    std::uint32_t segment = 0;
    std::uint32_t offset = 0;

    static void fields(auto& wire, auto& m) { wire(m.number, m.segment, m.offset); }
};

enum class ChangeKind : std::uint8_t {
    begun,
    made,
    linked,
    unlinked,
    moved,
    exchanged,
    described,
    placed,
    reserved,
    cleared,
    labelled,
    unlabelled,
    kLast = unlabelled
};

using NameText = wire::Text<kNameBytesMax>;
inline constexpr std::size_t kPlacesMax = 512;

// A whole tree follows: whatever was there is forgotten, and numbers below `next` are not given again.
struct TreeBegun {
    static constexpr auto kKind = ChangeKind::begun;
    std::uint64_t next = 0;

    static void fields(auto& wire, auto& m) { wire(m.next); }
};

struct NodeMade {
    static constexpr auto kKind = ChangeKind::made;
    std::uint64_t node = 0;
    std::uint64_t parent = 0;
    NameText name;
    std::uint32_t mode = 0;
    wire::Text<kLinkTargetBytesMax> target;

    static void fields(auto& wire, auto& m) { wire(m.node, m.parent, m.name, m.mode, m.target); }
};

struct NameLinked {
    static constexpr auto kKind = ChangeKind::linked;
    std::uint64_t node = 0;
    std::uint64_t parent = 0;
    NameText name;

    static void fields(auto& wire, auto& m) { wire(m.node, m.parent, m.name); }
};

struct NameUnlinked {
    static constexpr auto kKind = ChangeKind::unlinked;
    std::uint64_t parent = 0;
    NameText name;

    static void fields(auto& wire, auto& m) { wire(m.parent, m.name); }
};

// What was under the new name is gone.
struct NameMoved {
    static constexpr auto kKind = ChangeKind::moved;
    std::uint64_t parent = 0;
    NameText name;
    std::uint64_t new_parent = 0;
    NameText new_name;

    static void fields(auto& wire, auto& m) { wire(m.parent, m.name, m.new_parent, m.new_name); }
};

struct NamesExchanged {
    static constexpr auto kKind = ChangeKind::exchanged;
    std::uint64_t parent = 0;
    NameText name;
    std::uint64_t other_parent = 0;
    NameText other_name;

    static void fields(auto& wire, auto& m) { wire(m.parent, m.name, m.other_parent, m.other_name); }
};

struct NodeDescribed {
    static constexpr auto kKind = ChangeKind::described;
    std::uint64_t node = 0;
    std::uint32_t mode = 0;
    std::uint64_t size = 0;  // 0 for what is no file
    TimeField accessed, modified, changed;

    static void fields(auto& wire, auto& m) { wire(m.node, m.mode, m.size, m.accessed, m.modified, m.changed); }
};

struct ChunksPlaced {
    static constexpr auto kKind = ChangeKind::placed;
    std::uint64_t node = 0;
    std::uint64_t first = 0;
    wire::List<PlaceField, kPlacesMax> places;

    static void fields(auto& wire, auto& m) { wire(m.node, m.first, m.places); }
};

// Those of the range that were holes are counted from now on, and zeros.
struct ChunksReserved {
    static constexpr auto kKind = ChangeKind::reserved;
    std::uint64_t node = 0;
    std::uint64_t first = 0;
    std::uint64_t count = 0;

    static void fields(auto& wire, auto& m) { wire(m.node, m.first, m.count); }
};

// Holes from now on.
struct ChunksCleared {
    static constexpr auto kKind = ChangeKind::cleared;
    std::uint64_t node = 0;
    std::uint64_t first = 0;
    std::uint64_t count = 0;

    static void fields(auto& wire, auto& m) { wire(m.node, m.first, m.count); }
};

struct NodeLabelled {
    static constexpr auto kKind = ChangeKind::labelled;
    std::uint64_t node = 0;
    wire::Text<kAttributeNameBytesMax> name;
    wire::Text<kAttributeValueBytesMax> value;

    static void fields(auto& wire, auto& m) { wire(m.node, m.name, m.value); }
};

struct NodeUnlabelled {
    static constexpr auto kKind = ChangeKind::unlabelled;
    std::uint64_t node = 0;
    wire::Text<kAttributeNameBytesMax> name;

    static void fields(auto& wire, auto& m) { wire(m.node, m.name); }
};

using TreeChange = std::variant<TreeBegun, NodeMade, NameLinked, NameUnlinked, NameMoved, NamesExchanged, NodeDescribed, ChunksPlaced,
    ChunksReserved, ChunksCleared, NodeLabelled, NodeUnlabelled>;

struct ChangeHead {
    std::uint32_t length = 0;
    ChangeKind kind{};

    static void fields(auto& wire, auto& m) { wire(m.length, m.kind); }
};
inline constexpr std::size_t kChangeHeadBytes = 5;
inline constexpr std::size_t kChangeBytesMax = kAttributeValueBytesMax + 1024;
static_assert(kChangeBytesMax * 2 < kChangesBytesMax);
static_assert(kPlacesMax * 16 + 64 < kChangeBytesMax && kLinkTargetBytesMax + kNameBytesMax + 64 < kChangeBytesMax);

template <class Change>
void append_change(wire::Bytes& batch, Change const& change)
{
    auto const at = batch.size();
    wire::Encoder encoder(batch);
    ChangeHead head{0, Change::kKind};
    ChangeHead::fields(encoder, head);
    Change::fields(encoder, change);
    auto const length = static_cast<std::uint32_t>(batch.size() - at - sizeof head.length);
    for (std::size_t i = 0; i < sizeof length; ++i) batch[at + i] = static_cast<std::byte>(length >> (8 * i) & 0xff);
}

// Calls `each` for every change of the batch, in order, until one is refused. EIO: a change that does not decode, or that `each` refused.
Answer<void> read_changes(std::span<std::byte const> batch, std::function<bool(TreeChange const&)> const& each);

}  // namespace ocu::storage
