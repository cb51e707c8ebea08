// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/nodes.h"

#include <algorithm>
#include <vector>

#include "base/assert.h"
#include "storage/limits.h"

namespace ocu::storage {

Nodes::Nodes()
{
    nodes_[kTopNode] = Node{};
    nodes_[kUploadsNode] = Node{.name = {}, .area = Area::uploads, .children = {}};
    nodes_[kOutputsNode] = Node{.name = {}, .area = Area::outputs, .children = {}};
    attach(kUploadsNode, kTopNode, "uploads");
    attach(kOutputsNode, kTopNode, "outputs");
    // The kernel may forget these three; we do not.
    for (auto const id : {kTopNode, kUploadsNode, kOutputsNode}) nodes_[id].opened = 1;
}

Node const* Nodes::find(NodeId id) const
{
    auto const found = nodes_.find(id);
    return found == nodes_.end() ? nullptr : &found->second;
}

std::optional<NodeId> Nodes::child(NodeId parent, std::string_view name) const
{
    auto const* const node = find(parent);
    if (node == nullptr) return std::nullopt;
    auto const found = node->children.find(name);
    if (found == node->children.end()) return std::nullopt;
    return found->second;
}

std::optional<std::string> Nodes::path(NodeId id) const
{
    std::vector<std::string_view> names;
    std::size_t size = 0;
    while (id != kTopNode) {
        auto const* const node = find(id);
        if (node == nullptr || node->removed) return std::nullopt;
        size += node->name.size() + 1;
        if (size > kTreePathBytesMax) return std::nullopt;
        names.push_back(node->name);
        id = node->parent;
    }
    if (names.empty()) return std::string(".");
    std::string out(names.back());
    for (auto name = names.rbegin() + 1; name != names.rend(); ++name) out.append("/").append(*name);
    return out;
}

NodeId Nodes::learn(NodeId parent, std::string_view name, std::uint64_t inode)
{
    if (auto const known = child(parent, name)) {
        auto& node = nodes_.at(*known);
        if (parent == kTopNode || node.inode == inode) {
            ++node.lookups;
            return *known;
        }
        // Put there from outside the mount: another file of the same name.
        nodes_.at(detach(parent, name)).removed = true;
        drop_if_unused(*known);
    }
    auto const id = next_++;
    nodes_[id] = Node{.name = {}, .area = nodes_.at(parent).area, .inode = inode, .lookups = 1, .children = {}};
    attach(id, parent, name);
    return id;
}

void Nodes::forget(NodeId id, std::uint64_t count)
{
    auto const found = nodes_.find(id);
    if (found == nodes_.end()) return;
    found->second.lookups -= std::min(found->second.lookups, count);
    drop_if_unused(id);
}

void Nodes::opened(NodeId id) { ++nodes_.at(id).opened; }

void Nodes::closed(NodeId id)
{
    auto& node = nodes_.at(id);
    OCU_ASSERT(node.opened > 0);
    --node.opened;
    drop_if_unused(id);
}

void Nodes::removed(NodeId parent, std::string_view name)
{
    auto const id = detach(parent, name);
    if (id == 0) return;
    nodes_.at(id).removed = true;
    drop_if_unused(id);
    drop_if_unused(parent);
}

void Nodes::moved(NodeId parent, std::string_view name, NodeId new_parent, std::string_view new_name)
{
    auto const replaced = detach(new_parent, new_name);
    if (replaced != 0) {
        nodes_.at(replaced).removed = true;
        drop_if_unused(replaced);
    }
    auto const id = detach(parent, name);
    if (id == 0) return;
    attach(id, new_parent, new_name);
    drop_if_unused(parent);
}

void Nodes::exchanged(NodeId parent, std::string_view name, NodeId other_parent, std::string_view other_name)
{
    auto const first = detach(parent, name);
    auto const second = detach(other_parent, other_name);
    if (first != 0) attach(first, other_parent, other_name);
    if (second != 0) attach(second, parent, name);
}

NodeId Nodes::detach(NodeId parent, std::string_view name)
{
    auto const above = nodes_.find(parent);
    if (above == nodes_.end()) return 0;
    auto const entry = above->second.children.find(name);
    if (entry == above->second.children.end()) return 0;
    auto const id = entry->second;
    above->second.children.erase(entry);
    nodes_.at(id).parent = 0;
    return id;
}

void Nodes::attach(NodeId id, NodeId parent, std::string_view name)
{
    auto& node = nodes_.at(id);
    node.parent = parent;
    node.name = name;
    nodes_.at(parent).children.emplace(name, id);
}

// A directory stays while a child of it is known: the child's path leads through it.
void Nodes::drop_if_unused(NodeId id)
{
    while (id != 0) {
        auto const found = nodes_.find(id);
        if (found == nodes_.end()) return;
        auto const& node = found->second;
        if (node.lookups != 0 || node.opened != 0 || !node.children.empty()) return;
        auto const parent = node.parent;
        if (parent != 0) nodes_.at(parent).children.erase(node.name);
        nodes_.erase(found);
        id = parent;
    }
}

}  // namespace ocu::storage
