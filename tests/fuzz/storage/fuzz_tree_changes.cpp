// SPDX-License-Identifier: GPL-3.0-or-later
// Face: a batch of changes of a store that is opened again. Whatever it holds, it is refused or makes a tree that can be walked, and that is
// the same when it is written down and read once more.
#include "base/assert.h"
#include "support/tree_stand.h"

using namespace ocu::storage;
using ocu::test::TreeStand;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    constexpr TreeLimits kLimits{1u << 20, 4u << 20, 64, 8};
    auto const now = [] { return timespec{1, 1}; };
    ocu::test::MemoryChunkStore store;
    SessionTree tree(store, ocu::test::kOwner, kLimits, now);
    bool const good = tree.apply(std::as_bytes(std::span(data, size))).has_value();
    // Also of a refused one what is there is a tree.
    auto const picture = TreeStand::picture(tree, TreeStand::Bytes::no);
    if (!good) return 0;
    SessionTree again(store, ocu::test::kOwner, kLimits, now);
    OCU_ASSERT(tree.whole([&again](std::span<std::byte const> batch) { return again.apply(batch); }).has_value());
    OCU_ASSERT(TreeStand::picture(again, TreeStand::Bytes::no) == picture);
    OCU_ASSERT(again.quota().bytes() == tree.quota().bytes());
    return 0;
}
