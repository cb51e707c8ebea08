// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/tree_nodes.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/assert.h"

namespace ocu::storage {

Nodes::Nodes(timespec now)
{
    for (auto const id : {kTopNode, kUploadsNode, kOutputsNode}) {
        auto& node = nodes_[id];
        node.id = id;
        fill(node, S_IFDIR | 0755, {});
        node.accessed = node.modified = node.changed = now;
    }
    attach(nodes_[kUploadsNode], nodes_[kTopNode], "uploads");
    attach(nodes_[kOutputsNode], nodes_[kTopNode], "outputs");
    nodes_[kTopNode].directory->parent = kTopNode;
    ++nodes_[kTopNode].links;
    nodes_[kUploadsNode].area = Area::uploads;
    nodes_[kOutputsNode].area = Area::outputs;
}

Node* Nodes::find(NodeId id)
{
    auto const found = nodes_.find(id);
    return found == nodes_.end() ? nullptr : &found->second;
}

Node const* Nodes::find(NodeId id) const
{
    auto const found = nodes_.find(id);
    return found == nodes_.end() ? nullptr : &found->second;
}

Node* Nodes::child(Node const& directory, std::string_view name)
{
    auto const entry = directory.directory->names.find(name);
    return entry == directory.directory->names.end() ? nullptr : &nodes_.at(entry->second.node);
}

void Nodes::fill(Node& node, mode_t mode, std::string_view target)
{
    node.mode = mode;
    if (S_ISDIR(mode)) {
        node.directory = std::make_unique<DirectoryData>();
        node.links = 1;  // its own "."
    } else if (S_ISREG(mode)) {
        node.file = std::make_unique<FileData>();
    } else {
        node.target = target;
    }
}

Node& Nodes::make(Node& parent, std::string_view name, mode_t mode, std::string_view target, timespec now)
{
    auto& node = *make_numbered(next_, parent, name, mode, target);
    node.accessed = node.modified = node.changed = now;
    return node;
}

Node* Nodes::make_numbered(NodeId id, Node& parent, std::string_view name, mode_t mode, std::string_view target)
{
    auto const [at, fresh] = nodes_.try_emplace(id);
    if (!fresh) return nullptr;
    auto& node = at->second;
    node.id = id;
    node.area = parent.area;
    fill(node, mode, target);
    attach(node, parent, name);
    skip_to(id + 1);
    return &node;
}

void Nodes::skip_to(NodeId next) { next_ = std::max(next_, next); }

void Nodes::link(Node& node, Node& parent, std::string_view name)
{
    OCU_ASSERT(!node.directory);
    attach(node, parent, name);
}

Node& Nodes::unlink(Node& parent, std::string_view name)
{
    auto& node = detach(parent, name);
    if (node.directory) node.links = 0;
    return node;
}

void Nodes::move(Node& parent, std::string_view name, Node& new_parent, std::string_view new_name)
{
    attach(detach(parent, name), new_parent, new_name);
}

void Nodes::exchange(Node& parent, std::string_view name, Node& other_parent, std::string_view other_name)
{
    auto& one = detach(parent, name);
    auto& other = detach(other_parent, other_name);
    attach(one, other_parent, other_name);
    attach(other, parent, name);
}

bool Nodes::lies_within(Node const& node, Node const& directory) const
{
    if (!directory.directory) return false;
    auto const* at = &node;
    OCU_ASSERT(at->directory != nullptr);
    for (;;) {
        if (at->id == directory.id) return true;
        if (at->id == kTopNode) return false;
        at = find(at->directory->parent);
        if (at == nullptr) return false;
    }
}

void Nodes::attach(Node& node, Node& parent, std::string_view name)
{
    auto& in = *parent.directory;
    auto const [at, fresh] = in.names.try_emplace(std::string(name), Child{node.id, in.next_listed});
    OCU_ASSERT(fresh);
    node.named_in = parent.id;
    node.named_at = in.next_listed;
    in.listing.emplace_hint(in.listing.end(), in.next_listed++, &*at);
    ++node.links;
    if (!node.directory) return;
    node.directory->parent = parent.id;
    ++parent.links;
}

Node& Nodes::detach(Node& parent, std::string_view name)
{
    auto& in = *parent.directory;
    auto const at = in.names.find(name);
    OCU_ASSERT(at != in.names.end());
    auto& node = nodes_.at(at->second.node);
    in.listing.erase(at->second.listed_at);
    in.names.erase(at);
    --node.links;
    if (node.directory) --parent.links;
    return node;
}

void Nodes::erase(Node& node) { nodes_.erase(node.id); }

}  // namespace ocu::storage
