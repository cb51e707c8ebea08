// SPDX-License-Identifier: GPL-3.0-or-later
// From a node back to its name, for what is decided by paths when a guest closes a file.
#include <ranges>

#include "storage/limits.h"
#include "storage/session_tree.h"

namespace ocu::storage {

std::optional<std::string> SessionTree::path_of(NodeId id) const
{
    std::vector<std::string_view> parts;
    std::size_t bytes = 0;
    for (auto const* node = nodes_.find(id); node == nullptr || node->id != kTopNode;) {
        auto const* const above = node == nullptr ? nullptr : nodes_.find(node->named_in);
        if (above == nullptr || !above->directory || parts.size() == kPathDepthMax) return std::nullopt;
        auto const entry = above->directory->listing.find(node->named_at);
        if (entry == above->directory->listing.end() || entry->second->second.node != node->id) return std::nullopt;
        parts.push_back(entry->second->first);
        bytes += parts.back().size() + 1;
        if (bytes > kFilesPathBytesMax) return std::nullopt;
        node = above;
    }
    std::string out;
    for (auto const part : parts | std::views::reverse) (out += out.empty() ? "" : "/").append(part);
    return out;
}

std::uint64_t SessionTree::revision(NodeId id) const
{
    auto const* const node = nodes_.find(id);
    return node == nullptr ? 0 : node->revision;
}

void SessionTree::closed(Face face, Node const& node)
{
    if (face == Face::mount && closed_ && node.file && node.links != 0) closed_(node.id);
}

}  // namespace ocu::storage
