// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/tree_journal.h"

#include <sys/stat.h>

namespace ocu::storage {

namespace {

constexpr std::size_t kDescriptionBytes = 80;
// What one operation may note at most, evictions included.
constexpr std::size_t kRoomBytes = 128u << 10;
static_assert(kRoomBytes > kChangeBytesMax + kCachedChunksMax * 64);

TimeField field_of(timespec time) { return {time.tv_sec, static_cast<std::uint32_t>(time.tv_nsec)}; }

bool complete(Node const& node) { return !node.file || node.file->dirty.empty(); }

}  // namespace

NodeDescribed description_of(Node const& node)
{
    return {node.id, node.mode, node.file ? node.file->size : 0, field_of(node.accessed), field_of(node.modified), field_of(node.changed)};
}

Answer<void> TreeJournal::make_room()
{
    if (batch_.size() + undescribed_.size() * kDescriptionBytes + kRoomBytes <= kChangesBytesMax) return {};
    return append();
}

void TreeJournal::describe_later(Node& node)
{
    describe_sometime(node);
    touched(node);
}

void TreeJournal::describe_sometime(Node& node)
{
    if (node.links == 0 || node.unwritten) return;
    node.unwritten = true;
    undescribed_.insert(node.id);
}

// As many as one batch takes; true: there are more. Readings are noted without anybody having made room for them, and there may be one for each file.
bool TreeJournal::describe_some()
{
    bool more = false;
    std::erase_if(undescribed_, [this, &more](NodeId id) {
        auto* const node = nodes_.find(id);
        if (node == nullptr) return true;
        if (node->links != 0 && !complete(*node)) return false;
        if (batch_.size() + kDescriptionBytes > kChangesBytesMax) {
            more = true;
            return false;
        }
        if (node->links != 0) append_change(batch_, description_of(*node));
        node->unwritten = false;
        return true;
    });
    return more;
}

Answer<void> TreeJournal::append()
{
    for (bool more = true; more;) {
        more = describe_some();
        if (batch_.empty()) return {};
        if (auto const kept = store_.append_changes(batch_); !kept) return kept;
        batch_.clear();
        ++number_;
        // Those that wait, for their chunks or for the next batch, are still spoken of.
        for (auto const id : undescribed_)
            if (auto* const node = nodes_.find(id)) touched(*node);
    }
    return {};
}

}  // namespace ocu::storage
