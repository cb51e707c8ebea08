// SPDX-License-Identifier: GPL-3.0-or-later
// Face: names and moves on a mount. Whatever order they come in, a path begins in its own half and holds no "..".
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "storage/limits.h"
#include "storage/nodes.h"

using namespace ocu::storage;

namespace {

void check_paths(Nodes const& nodes, NodeId last)
{
    for (NodeId id = kUploadsNode; id <= last; ++id) {
        auto const* const node = nodes.find(id);
        auto const path = nodes.path(id);
        if (!path) continue;
        OCU_ASSERT(path->starts_with(node->area == Area::uploads ? "uploads" : "outputs"));
        OCU_ASSERT(path->size() <= kTreePathBytesMax);
        OCU_ASSERT(("/" + *path + "/").find("/../") == std::string::npos);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    Nodes nodes;
    NodeId last = kOutputsNode;
    std::string_view rest(reinterpret_cast<char const*>(data), size);
    while (rest.size() >= 4) {
        auto const what = static_cast<unsigned char>(rest[0]) % 5;
        NodeId const one = static_cast<unsigned char>(rest[1]) % (last + 1);
        NodeId const other = static_cast<unsigned char>(rest[2]) % (last + 1);
        auto const length = std::min<std::size_t>(static_cast<unsigned char>(rest[3]) % 8, rest.size() - 4);
        auto const name = rest.substr(4, length);
        rest.remove_prefix(4 + length);
        bool const known = nodes.find(one) != nullptr && nodes.find(other) != nullptr && one > kTopNode && other > kTopNode;
        if (name_fault(name) != 0 || !known || nodes.find(one)->area != nodes.find(other)->area) continue;
        if (what == 0 && last < 200) last = std::max(last, nodes.learn(one, name, last));
        if (what == 1) nodes.removed(one, name);
        if (what == 2) nodes.forget(one, 1);
        // As on a file system, nothing is moved into itself.
        auto const moved = nodes.child(one, name);
        bool into_itself = false;
        for (auto at = other; at > kTopNode && nodes.find(at) != nullptr; at = nodes.find(at)->parent) into_itself |= moved && at == *moved;
        if (what == 3 && !into_itself && one != other) nodes.moved(one, name, other, name);
        if (what == 4 && !into_itself) nodes.moved(one, name, other, std::string(name) + "x");
    }
    check_paths(nodes, last);
    return 0;
}
