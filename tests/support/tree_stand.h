// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A session's tree over a store in memory, a clock that is set by hand, and a way to see all of a tree: for tests of the tree.

#include <fcntl.h>

#include <format>
#include <map>

#include "storage/session_tree.h"
#include "support/memory_chunk_store.h"

namespace ocu::test {

inline constexpr std::uint32_t kOwner = 1'001'000;
inline constexpr storage::TreeLimits kTreeLimits{64u << 20, 256u << 20, 4'000, 64};

inline constexpr timespec kBorn{1'790'000'000, 5};

struct TreeStand {
    TreeStand() : TreeStand(kTreeLimits) {}
    explicit TreeStand(storage::TreeLimits given) : limits(given) {}

    timespec tick()
    {
        ++now.tv_sec;
        return now;
    }
    // The errno of an answer; 0 if it is none.
    template <class T>
    static int fault(storage::Answer<T> const& answer)
    {
        return answer ? 0 : answer.error();
    }
    storage::NodeId file(std::string_view name, std::string_view text = {}, storage::NodeId parent = storage::kOutputsNode)
    {
        auto const made = tree.create(storage::Face::mount, parent, name, 0644, O_RDWR).value();
        if (!text.empty()) (void)tree.write(made.handle, text, 0).value();
        (void)tree.flush(made.handle).value();
        tree.release(made.handle);
        tree.forget(made.entry.node, 1);
        return made.entry.node;
    }
    storage::NodeId folder(std::string_view name, storage::NodeId parent = storage::kOutputsNode)
    {
        auto const made = tree.make_directory(storage::Face::mount, parent, name, 0755).value();
        tree.forget(made.node, 1);
        return made.node;
    }
    std::string text(storage::NodeId node) { return text_of(tree, node); }
    static std::string text_of(storage::SessionTree& tree, storage::NodeId node)
    {
        auto const handle = tree.open(storage::Face::mount, node, O_RDONLY);
        if (!handle) return "fault " + std::to_string(handle.error());
        std::string out(static_cast<std::size_t>(tree.attributes(node).value().st_size), '?');
        auto const got = tree.read(*handle, out, 0);
        tree.release(*handle);
        return got ? out.substr(0, *got) : "fault " + std::to_string(got.error());
    }

    enum class Bytes : std::uint8_t { no, yes };
    // Everything that a guest can see, a line for each name; the same for a tree that is equal.
    static std::string picture(storage::SessionTree& tree, Bytes bytes = Bytes::yes)
    {
        std::map<std::string, std::string> lines;
        std::vector<std::pair<std::string, storage::NodeId>> directories{{"", storage::kTopNode}};
        while (!directories.empty()) {
            auto const [path, id] = directories.back();
            directories.pop_back();
            auto const handle = tree.open_directory(id).value();
            std::vector<storage::NodeId> nodes;
            (void)tree.list(handle, 2, [&](storage::SessionTree::Listed const& listed) {
                auto const at = path + "/" + std::string(listed.name);
                if (S_ISDIR(listed.kind)) directories.emplace_back(at, listed.inode);
                lines[at] = line(tree, listed.inode, bytes);
                return true;
            });
            tree.release(handle);
        }
        std::string out;
        for (auto const& [path, line] : lines) out += path + " " + line + "\n";
        return out;
    }
    static std::string line(storage::SessionTree& tree, storage::NodeId node, Bytes bytes)
    {
        auto const is = tree.attributes(node).value();
        auto out = std::format("{} {:o} {} {} {} m{}.{} c{}.{}", node, is.st_mode, is.st_nlink, is.st_size, is.st_blocks, is.st_mtim.tv_sec,
            is.st_mtim.tv_nsec, is.st_ctim.tv_sec, is.st_ctim.tv_nsec);
        for (auto const& name : labels(tree, node)) out += " " + name + "=" + *tree.label(storage::Face::files, node, name);
        if (S_ISLNK(is.st_mode)) out += " -> " + *tree.link_target(node);
        if (S_ISREG(is.st_mode) && bytes == Bytes::yes) out += std::format(" #{}", std::hash<std::string>{}(text_of(tree, node)));
        return out;
    }
    static std::vector<std::string> labels(storage::SessionTree& tree, storage::NodeId node)
    {
        std::vector<std::string> out(1);
        auto const all = *tree.label_names(storage::Face::files, node);
        for (char const each : all)
            if (each == '\0')
                out.emplace_back();
            else
                out.back() += each;
        out.pop_back();
        return out;
    }

    storage::TreeLimits limits;
    timespec now = kBorn;
    MemoryChunkStore store;
    storage::SessionTree tree{store, kOwner, limits, [this] { return now; }};
};

// A tree read again from what a store was given; its bytes are found in that store.
struct TreeAgain {
    TreeAgain(MemoryChunkStore& from, storage::TreeLimits limits) : tree(store, kOwner, limits, [] { return kBorn; })
    {
        store.chunks = from.chunks;
        for (auto const& batch : from.batches)
            if (good) good = tree.apply(batch).has_value();
    }
    MemoryChunkStore store;
    storage::SessionTree tree;
    bool good = true;
};

}  // namespace ocu::test
