// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what a guest may ask of its mount. Whatever comes in whatever order, the tree stays one: every directory is reached by one way from the
// top, no name leads out of its half, counts agree, and the tree that is read again from the store is the same.
#include <linux/fs.h>

#include "base/assert.h"
#include "support/tree_stand.h"

using namespace ocu::storage;
using ocu::test::TreeStand;

namespace {

void check(TreeStand& stand)
{
    auto& tree = stand.tree;
    std::uint64_t entries = 0;
    std::map<NodeId, std::pair<std::uint64_t, std::uint64_t>> links;  // found, said
    std::vector<NodeId> directories{kUploadsNode, kOutputsNode};
    for (std::size_t i = 0; i < directories.size(); ++i) {
        OCU_ASSERT(directories.size() <= tree.nodes());
        auto const handle = tree.open_directory(directories[i]).value();
        (void)tree.list(handle, 2, [&](SessionTree::Listed const& listed) {
            ++entries;
            OCU_ASSERT(name_fault(listed.name) == 0);
            auto const entry = tree.peek(directories[i], listed.name).value();
            OCU_ASSERT(entry.node == listed.inode);
            if (S_ISDIR(listed.kind)) directories.push_back(listed.inode);
            auto& [found, said] = links[entry.node];
            ++found;
            said = entry.attributes.st_nlink;
            return true;
        });
        tree.release(handle);
    }
    OCU_ASSERT(entries == tree.quota().entries());
    for (auto const& [node, count] : links) OCU_ASSERT(S_ISDIR(tree.attributes(node)->st_mode) || count.first == count.second);
    OCU_ASSERT(tree.settle().has_value());
    ocu::test::TreeAgain again(stand.store, stand.limits);
    OCU_ASSERT(again.good);
    OCU_ASSERT(TreeStand::picture(again.tree) == TreeStand::picture(tree));
    OCU_ASSERT(stand.store.wrong_drops == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    TreeStand stand({1u << 20, 2u << 20, 40, 8});
    auto& tree = stand.tree;
    std::vector<HandleId> handles;
    std::string_view rest(reinterpret_cast<char const*>(data), size);
    while (rest.size() >= 4) {
        auto const what = static_cast<unsigned char>(rest[0]);
        NodeId const one = static_cast<unsigned char>(rest[1]) % 48;
        NodeId const other = static_cast<unsigned char>(rest[2]) % 48;
        auto const length = std::min<std::size_t>(static_cast<unsigned char>(rest[3]) % 8, rest.size() - 4);
        auto const name = rest.substr(4, length);
        auto const face = (what & 0x80) != 0 ? Face::files : Face::mount;
        std::string const new_name = (what & 0x40) != 0 ? std::string(name) : std::string(name) + "x";
        rest.remove_prefix(4 + length);
        stand.tick();
        switch (what % 16) {
        case 0: (void)tree.make_directory(face, one, name, 0755); break;
        case 1: (void)tree.remove(face, one, name, (what & 0x40) != 0); break;
        case 2: tree.forget(one, 1); break;
        case 3: (void)tree.rename(face, one, name, other, new_name, 0); break;
        case 4: (void)tree.rename(face, one, name, other, new_name, RENAME_EXCHANGE); break;
        case 5: (void)tree.link(face, one, other, name); break;
        case 6: (void)tree.make_link(face, one, name, "target"); break;
        case 7: (void)tree.lookup(one, name); break;
        case 8:
            if (auto const made = tree.create(face, one, name, 0644, O_RDWR)) handles.push_back(made->handle);
            break;
        case 9:
            if (auto const opened = tree.open(face, one, (what & 0x40) != 0 ? O_RDWR | O_TRUNC : O_RDWR)) handles.push_back(*opened);
            break;
        case 10:
            if (!handles.empty()) (void)tree.write(handles.back(), std::string(other * 999, 'w'), one * 7'001);
            break;
        case 11:
            if (!handles.empty()) (void)tree.allocate(handles.back(), static_cast<int>(other) & 0x13, one * 7'001, other * 999);
            break;
        case 12: (void)tree.change(face, one, {}, {.mode = {}, .user = {}, .group = {}, .size = other * 5'003, .times = {}}); break;
        case 13: (void)tree.set_label(face, one, "user." + std::string(name), name, 0); break;
        case 14: (void)tree.settle(); break;
        default:
            if (handles.empty()) break;
            (void)tree.flush(handles.front());
            tree.release(handles.front());
            handles.erase(handles.begin());
        }
    }
    for (auto const handle : handles) tree.release(handle);
    check(stand);
    return 0;
}
