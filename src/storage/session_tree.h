// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One session's files, as operations on node numbers: what the mount face does for the kernel and the file API for its callers. The tree lies
// in this process's memory, the bytes in a ChunkStore as sealed chunks, with a sealed journal of the tree's changes beside them; no name and
// no path of a guest ever reaches the host's file system (T-08).
//
//      src/storage/tree_nodes      which node has which names          src/storage/file_contents   bytes, holes, what waits to be appended
//      src/storage/tree_changes    how changes are written down        src/storage/tree_journal    changes that wait to be appended
//
// What is promised: flush() — the file's bytes, its size and its names were appended to the store; sync() — and are on its disk. What
// nobody asked for is appended by settle(), which the owner calls by on_unsettled(). What cannot be appended stays, is tried again, and the
// next flush() says so; nothing that was accepted is given up (SB-9).
//
// Refusals are errno values, because errno is what the guest is told. One request at a time, on the loop's thread of `broker`; nothing else
// changes the tree.
//
//   threats   T-06 guest exhausts the host   T-08 path tricks on the mount

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <array>
#include <functional>
#include <optional>
#include <span>

#include "storage/file_contents.h"
#include "storage/quota.h"

namespace ocu::storage {

using HandleId = std::uint64_t;

struct TreeLimits {
    std::uint64_t file_bytes_max;
    std::uint64_t session_bytes_max;
    std::uint64_t entries_max;
    std::uint32_t open_files_max;
};

struct Entry {
    NodeId node = 0;
    struct stat attributes{};
};

struct Created {
    Entry entry;
    HandleId handle = 0;
};

// What setattr asks for; absent: unchanged. Times may be UTIME_NOW and UTIME_OMIT.
struct Changes {
    std::optional<mode_t> mode;
    std::optional<uid_t> user;
    std::optional<gid_t> group;
    std::optional<std::uint64_t> size;
    std::optional<std::array<timespec, 2>> times;
};

class SessionTree {
public:
    using Now = std::function<timespec()>;  // wall clock: file times are labels, nothing is decided by them

    // Files are shown as `owner`'s. `store` outlives this, is empty, or is read into the tree with apply() before anything else is asked.
    SessionTree(ChunkStore& store, std::uint32_t owner, TreeLimits limits, Now now);
    SessionTree(SessionTree const&) = delete;
    SessionTree& operator=(SessionTree const&) = delete;
    ~SessionTree();

    // Something waits that nobody was promised: settle() is due in kSettleTime. Called once until it has settled.
    void on_unsettled(std::function<void()> unsettled) { unsettled_ = std::move(unsettled); }
    // kHouseEveryBytes were appended: keep_house() is due whatever waits.
    void on_house_due(std::function<void()> due) { house_due_ = std::move(due); }
    // A chunk did not open.
    void on_damage(std::function<void()> damaged) { contents_.on_damage(std::move(damaged)); }
    // The files face changed this node: what a kernel remembers of it is old.
    void on_foreign_change(std::function<void(NodeId)> changed) { foreign_change_ = std::move(changed); }

    // A file was closed by a guest who could write to it, or got a name from it.
    void on_closed(std::function<void(NodeId)> closed) { closed_ = std::move(closed); }

    // What lookup(), make_*(), create() and link() return is told to the caller once more: forget() as often. What has no name lives on until
    // then, and as long as it is open.
    Answer<Entry> lookup(NodeId parent, std::string_view name);
    // The same, and nothing to forget.
    Answer<Entry> peek(NodeId parent, std::string_view name);
    void forget(NodeId node, std::uint64_t count);
    Answer<struct stat> attributes(NodeId node);
    Answer<struct stat> change(Face face, NodeId node, std::optional<HandleId> handle, Changes const& changes);
    Answer<std::string> link_target(NodeId node);

    Answer<Entry> make_directory(Face face, NodeId parent, std::string_view name, mode_t mode);
    Answer<Entry> make_link(Face face, NodeId parent, std::string_view name, std::string_view target);
    Answer<Entry> make_node(Face face, NodeId parent, std::string_view name, mode_t mode);
    Answer<Created> create(Face face, NodeId parent, std::string_view name, mode_t mode, int flags);
    // A further name for the file `node`, in the same half of the mount.
    Answer<Entry> link(Face face, NodeId node, NodeId parent, std::string_view name);
    Answer<void> remove(Face face, NodeId parent, std::string_view name, bool directory);
    Answer<void> rename(Face face, NodeId parent, std::string_view name, NodeId new_parent, std::string_view new_name, unsigned flags);

    // "outputs/a/b", by its latest name; nothing where that is gone, or too long for the files face.
    std::optional<std::string> path_of(NodeId node) const;
    // Rises with every change of a file's bytes or size; 0 for what is not there.
    std::uint64_t revision(NodeId node) const;

    Answer<HandleId> open(Face face, NodeId node, int flags);
    Answer<std::size_t> read(HandleId handle, std::span<char> into, std::uint64_t offset);
    Answer<std::size_t> write(HandleId handle, std::span<char const> bytes, std::uint64_t offset);
    // fallocate(2): 0, KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE.
    Answer<void> allocate(HandleId handle, int mode, std::uint64_t offset, std::uint64_t length);
    // SEEK_DATA or SEEK_HOLE.
    Answer<std::uint64_t> seek(HandleId handle, std::uint64_t offset, int whence);
    Answer<void> flush(HandleId handle);
    Answer<void> sync(HandleId handle, bool data_only);
    void release(HandleId handle);

    struct Listed {
        std::string_view name;
        ino_t inode;
        mode_t kind;
        std::uint64_t next;  // where the listing goes on after this entry
    };
    Answer<HandleId> open_directory(NodeId node);
    // Calls `each` for the entries from `offset` on until it returns false. What was there all the time is listed exactly once.
    Answer<void> list(HandleId handle, std::uint64_t offset, std::function<bool(Listed const&)> const& each);

    // Extended attributes; `flags` as of setxattr(2). ENODATA: there is none. Names of namespaces that the face has not are not shown.
    Answer<void> set_label(Face face, NodeId node, std::string_view name, std::string_view value, int flags);
    Answer<void> remove_label(Face face, NodeId node, std::string_view name);
    Answer<std::string> label(Face face, NodeId node, std::string_view name) const;
    Answer<std::string> label_names(Face face, NodeId node) const;  // each followed by a NUL

    struct statvfs capacity() const;
    // Nobody but the mount's own kernel changes what lies there, but for what on_foreign_change() tells.
    bool seldom_changes(NodeId node) const;
    Quota const& quota() const { return quota_; }
    std::size_t nodes() const { return nodes_.size(); }

    // Appends all that waits.
    Answer<void> settle();
    // A bounded step of the store's housekeeping; false: nothing left to do.
    Answer<bool> keep_house();
    // One batch of a store that is opened again, in order. EIO: it is not of this tree.
    Answer<void> apply(std::span<std::byte const> batch);
    // Hands all of the tree on, as batches that make it out of nothing.
    Answer<void> whole(std::function<Answer<void>(std::span<std::byte const>)> const& each);

private:
    struct Handle {
        Node* node = nullptr;
        Face face = Face::mount;
        bool writable = false;
    };

    Answer<Node*> directory(NodeId id);
    Answer<Node*> writable_directory(Face face, NodeId id, std::string_view name);
    Answer<Node*> file_of(HandleId id, bool writes);
    Answer<Entry> made(Face face, Node& parent, std::string_view name, mode_t mode, std::string_view target);
    Entry told(Node& node);
    struct stat shown(Node const& node) const;
    HandleId keep(Face face, Node& node, int flags);
    bool handles_left() const { return handles_.size() < limits_.open_files_max; }
    void entry_changed(Face face, Node& directory, timespec now);
    void name_lost(Face face, Node& node, std::string_view name, timespec now);
    Answer<void> may_replace(Node const& moved, Node const& target) const;
    Answer<void> truncate(Node& node, std::uint64_t size);
    void erase_if_unused(Node& node);
    void note_made(Node& node, Node const& parent, std::string_view name);
    void unsettled();
    void foreign(Face face, NodeId node);
    void closed(Face face, Node const& node);
    static void set_times(Node& node, std::array<timespec, 2> const& times, timespec now);
    void read_at(Node& node);

    struct Replay;
    friend struct Replay;

    ChunkStore& store_;
    std::uint32_t owner_;
    TreeLimits limits_;
    Now now_;
    Quota quota_;
    Nodes nodes_;
    TreeJournal journal_;
    FileContents contents_;
    std::unordered_map<HandleId, Handle> handles_;
    HandleId next_handle_ = 1;
    bool unsettled_said_ = false;
    std::function<void()> unsettled_;
    std::function<void()> house_due_;
    std::function<void(NodeId)> foreign_change_;
    std::function<void(NodeId)> closed_;
};

}  // namespace ocu::storage
