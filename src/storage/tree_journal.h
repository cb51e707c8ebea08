// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The changes that were made in memory and are not in the store yet. A batch is closed when somebody is promised something (a close, an
// fsync), when it is full, and by a timer.

#include <unordered_set>

#include "storage/tree_changes.h"
#include "storage/tree_nodes.h"

namespace ocu::storage {

class TreeJournal {
public:
    TreeJournal(ChunkStore& store, Nodes& nodes) : store_(store), nodes_(nodes) {}

    // Before a change is made: room for it, if need be by appending what there is. An error refuses the change.
    Answer<void> make_room();
    // `node` is what the change is about. A node without a name is of interest to nobody who opens the store again.
    template <class Change>
    void note(Node& node, Change const& change)
    {
        if (node.links == 0) return;
        append_change(batch_, change);
        touched(node);
    }
    // A name's change: always noted.
    template <class Change>
    void note_name(Node& node, Change const& change)
    {
        append_change(batch_, change);
        touched(node);
    }
    // Size, mode or times of it are newer than what was noted. Noted when the batch is closed, once; a file whose chunks are not all
    // appended waits for a later batch, so that no size is promised without its bytes.
    void describe_later(Node& node);
    // The same, for what nobody waits for (the time of a reading).
    void describe_sometime(Node& node);

    // Appends all that is noted. What could not be appended stays noted.
    Answer<void> append();
    bool waits() const { return !batch_.empty() || !undescribed_.empty(); }
    // Whether something is noted of it that is not appended.
    bool speaks_of(Node const& node) const { return node.changed_in == number_; }

private:
    void touched(Node& node) { node.changed_in = number_; }
    bool describe_some();

    ChunkStore& store_;
    Nodes& nodes_;
    wire::Bytes batch_;
    std::unordered_set<NodeId> undescribed_;
    std::uint64_t number_ = 1;  // of the batch that is open
};

NodeDescribed description_of(Node const& node);

}  // namespace ocu::storage
