// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The shape of one session's tree: which node has which names, in memory. Node numbers are the inode numbers that a guest sees; they rise
// and are never used twice, so a number that outlives its file leads to nothing (T-08). Knows no quota, no store and no permission: those
// are its callers'. Pure.
//
// A node lives while it has a name, an open handle, or the kernel remembers it. References and pointers to a node hold until it is erased.

#include <sys/types.h>

#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/chunk_store.h"
#include "storage/scope.h"

namespace ocu::storage {

using NodeId = std::uint64_t;
inline constexpr NodeId kTopNode = 1;  // FUSE_ROOT_ID
inline constexpr NodeId kUploadsNode = 2;
inline constexpr NodeId kOutputsNode = 3;

struct ChunkBuffer;  // chunk_cache.h

// One chunk of a file. Without a buffer and with place number 0 it is reserved: counted, and read as zeros.
struct Chunk {
    ChunkPlace place;
    ChunkBuffer* buffer = nullptr;  // the cache's, which takes itself out of here
};

struct FileData {
    std::uint64_t size = 0;
    std::map<std::uint64_t, Chunk> chunks;         // by index; what is absent is a hole
    std::map<std::uint64_t, ChunkBuffer*> dirty;   // those whose buffer is newer than their place
};

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

struct Child {
    NodeId node = 0;
    std::uint64_t listed_at = 0;  // its place in the directory's listing, rising and never used twice
};

struct DirectoryData {
    using Names = std::unordered_map<std::string, Child, TextHash, std::equal_to<>>;

    NodeId parent = 0;
    Names names;
    std::map<std::uint64_t, Names::value_type const*> listing;
    std::uint64_t next_listed = 3;  // 1 and 2 are "." and ".."
};

using Attributes = std::map<std::string, std::string, std::less<>>;

struct Node {
    NodeId id = 0;
    Area area = Area::top;
    mode_t mode = 0;
    std::uint32_t links = 0;
    timespec accessed{};
    timespec modified{};
    timespec changed{};
    std::unique_ptr<FileData> file;            // exactly one of file, directory and target is there
    std::unique_ptr<DirectoryData> directory;
    std::string target;                        // of a symbolic link
    std::unique_ptr<Attributes> attributes;    // extended ones; absent: none
    std::uint64_t lookups = 0;                 // how often the kernel was told of it, less what it forgot
    std::uint32_t opened = 0;                  // handles on it
    std::uint64_t changed_in = 0;              // the batch of changes that last spoke of it
    std::uint64_t revision = 0;                // rises with every change of its bytes or size
    NodeId named_in = 0;                       // where its latest name is, and the place of that in the directory's listing
    std::uint64_t named_at = 0;
    bool unwritten = false;                    // its size, mode or times are newer than the batches say
    bool taken = false;                        // lost its last name by the files face: the kernel's memory of the name is wrong
};

class Nodes {
public:
    explicit Nodes(timespec now);

    Node* find(NodeId id);
    Node const* find(NodeId id) const;
    // Null: `directory` has no such entry.
    Node* child(Node const& directory, std::string_view name);
    std::size_t size() const { return nodes_.size(); }
    NodeId next() const { return next_; }

    // A new node, linked as `name`, which is free. `mode` with its type.
    Node& make(Node& parent, std::string_view name, mode_t mode, std::string_view target, timespec now);
    // The same for a tree that is read again. Null: the number is taken.
    Node* make_numbered(NodeId id, Node& parent, std::string_view name, mode_t mode, std::string_view target);
    // Numbers below are not given any more.
    void skip_to(NodeId next);
    // One more name for something that is no directory.
    void link(Node& node, Node& parent, std::string_view name);
    // Takes an entry away; the node stays until erase_if_unused().
    Node& unlink(Node& parent, std::string_view name);
    // `new_name` is free.
    void move(Node& parent, std::string_view name, Node& new_parent, std::string_view new_name);
    void exchange(Node& parent, std::string_view name, Node& other_parent, std::string_view other_name);
    // Whether `node` is `directory` or lies below it.
    bool lies_within(Node const& node, Node const& directory) const;

    static bool unused(Node const& node) { return node.links == 0 && node.lookups == 0 && node.opened == 0; }
    void erase(Node& node);

private:
    void attach(Node& node, Node& parent, std::string_view name);
    Node& detach(Node& parent, std::string_view name);
    static void fill(Node& node, mode_t mode, std::string_view target);

    std::unordered_map<NodeId, Node> nodes_;
    NodeId next_ = kOutputsNode + 1;
};

}  // namespace ocu::storage
