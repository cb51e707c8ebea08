// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the kernel's node numbers on one mount stand for: a name in a directory, not a descriptor. After confinement there is no /proc
// through which a descriptor that names a file could be opened again, so a file is always reached from the session's directory by the
// names kept here. That is sound because the broker alone changes the tree, one request at a time, and because hard links are refused:
// a file has one name, and the table follows it through every rename. Pure.
//
//   threats   T-08 a number that outlives its file must never lead to another file: numbers are not used twice

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "storage/scope.h"

namespace ocu::storage {

using NodeId = std::uint64_t;
inline constexpr NodeId kTopNode = 1;  // FUSE_ROOT_ID
inline constexpr NodeId kUploadsNode = 2;
inline constexpr NodeId kOutputsNode = 3;

struct Node {
    NodeId parent = 0;  // 0: the top, or removed
    std::string name;
    Area area = Area::top;
    bool removed = false;            // has no name any more; lives while it is open or the kernel remembers it
    std::uint64_t inode = 0;         // of the stored file: tells a file from its successor of the same name
    std::uint64_t lookups = 0;       // how often the kernel was told of it, less what it forgot
    std::uint32_t opened = 0;        // handles on it
    std::map<std::string, NodeId, std::less<>> children;  // those known to the kernel, not all that exist
};

class Nodes {
public:
    Nodes();

    Node const* find(NodeId id) const;
    std::optional<NodeId> child(NodeId parent, std::string_view name) const;
    // Relative to the session's directory, "outputs/a/b". Empty if removed, unknown or longer than kTreePathBytesMax.
    std::optional<std::string> path(NodeId id) const;
    std::size_t size() const { return nodes_.size(); }

    // The kernel is told of this entry once more. `parent` is known and a directory.
    NodeId learn(NodeId parent, std::string_view name, std::uint64_t inode);
    void forget(NodeId id, std::uint64_t count);
    void opened(NodeId id);
    void closed(NodeId id);
    // The entry is gone from its directory.
    void removed(NodeId parent, std::string_view name);
    // What was there under the new name is gone.
    void moved(NodeId parent, std::string_view name, NodeId new_parent, std::string_view new_name);
    void exchanged(NodeId parent, std::string_view name, NodeId other_parent, std::string_view other_name);

private:
    NodeId detach(NodeId parent, std::string_view name);
    void attach(NodeId id, NodeId parent, std::string_view name);
    void drop_if_unused(NodeId id);

    std::unordered_map<NodeId, Node> nodes_;
    NodeId next_ = kOutputsNode + 1;
};

}  // namespace ocu::storage
