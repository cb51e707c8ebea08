// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One session's stored files, as operations on node numbers: what the mount face does for the kernel, and the only code that touches the
// session's directory while its guest runs. Everything is opened beneath that directory with openat2 (beneath, no symbolic links, no
// other file system), so neither a name nor a stored link leads out of it, and Landlock says the same a second time.
//
// Refusals are errno values, because errno is what the guest is told. One request at a time; nothing else changes the tree.
// Hard links are refused: a second name would let a file of uploads be changed through outputs, escape the quota, and break the
// one-name rule on which nodes.h stands. Programs that use them (git) fall back to rename.
//
//   threats   T-06 guest exhausts the host   T-08 path tricks on the mount

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/unique_fd.h"
#include "storage/answer.h"
#include "storage/limits.h"
#include "storage/nodes.h"
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

// What setattr asks for; absent: unchanged.
struct Changes {
    std::optional<mode_t> mode;
    std::optional<uid_t> user;
    std::optional<gid_t> group;
    std::optional<std::uint64_t> size;
    std::optional<std::array<timespec, 2>> times;
};

class SessionTree {
public:
    // `directory` holds uploads/ and outputs/, both empty or so small that outputs is not counted. Files are shown as `owner`'s.
    SessionTree(UniqueFd directory, std::uint32_t owner, TreeLimits limits);
    ~SessionTree();

    Answer<Entry> lookup(NodeId parent, std::string_view name);
    void forget(NodeId node, std::uint64_t count) { nodes_.forget(node, count); }
    Answer<struct stat> attributes(NodeId node);
    Answer<struct stat> change(Face face, NodeId node, std::optional<HandleId> handle, Changes const& changes);
    Answer<std::string> link_target(NodeId node);

    Answer<Entry> make_directory(Face face, NodeId parent, std::string_view name, mode_t mode);
    Answer<Entry> make_link(Face face, NodeId parent, std::string_view name, std::string_view target);
    Answer<Entry> make_node(Face face, NodeId parent, std::string_view name, mode_t mode);
    Answer<Created> create(Face face, NodeId parent, std::string_view name, mode_t mode, int flags);
    Answer<void> remove(Face face, NodeId parent, std::string_view name, bool directory);
    Answer<void> rename(Face face, NodeId parent, std::string_view name, NodeId new_parent, std::string_view new_name, unsigned flags);

    Answer<HandleId> open(Face face, NodeId node, int flags);
    Answer<std::size_t> read(HandleId handle, std::span<char> into, std::uint64_t offset);
    Answer<std::size_t> write(HandleId handle, std::span<char const> bytes, std::uint64_t offset);
    Answer<void> allocate(HandleId handle, int mode, std::uint64_t offset, std::uint64_t length);
    Answer<void> sync(HandleId handle, bool data_only);
    void release(HandleId handle);

    struct Listed {
        std::string_view name;
        ino_t inode;
        mode_t kind;
        std::uint64_t next;  // where the listing goes on after this entry
    };
    Answer<HandleId> open_directory(NodeId node);
    // Calls `each` for the entries from `offset` on until it returns false.
    Answer<void> list(HandleId handle, std::uint64_t offset, std::function<bool(Listed const&)> const& each);

    struct statvfs capacity() const;
    // Nobody but this broker changes what lies there.
    bool seldom_changes(NodeId node) const;
    // The errno with which every hard link is refused.
    int link_refusal(NodeId parent) const;
    Quota const& quota() const { return quota_; }
    std::size_t nodes() const { return nodes_.size(); }

private:
    struct CloseDirectory {
        void operator()(DIR* directory) const { ::closedir(directory); }
    };
    struct Handle {
        NodeId node = 0;
        UniqueFd file;                                    // of a file
        std::unique_ptr<DIR, CloseDirectory> directory;   // of a directory other than the top
        bool writable = false;
    };
    struct Named {
        int directory;  // a loan, valid until two further directories were asked for
        std::string name;
    };

    Answer<int> directory(NodeId node);
    Answer<int> writable_directory(Face face, NodeId node, std::string_view name);
    Answer<Named> place(NodeId node);
    Answer<UniqueFd> open_file(Named const& named, int flags, mode_t mode);
    Answer<struct stat> stored(NodeId node);
    Answer<void> change_stored(NodeId node, std::optional<HandleId> handle, Changes const& changes);
    Answer<void> change_mode(NodeId node, mode_t mode);
    Answer<void> change_times(NodeId node, std::array<timespec, 2> const& times);
    Answer<void> resize(int fd, std::uint64_t size);
    Handle* handle_of(HandleId id);
    Handle* any_handle_on(NodeId node);
    bool handles_left() const { return handles_.size() < limits_.open_files_max; }
    HandleId keep(Handle handle);
    Answer<Entry> told(NodeId parent, std::string_view name);
    void entry_left(NodeId parent, std::string_view name, struct stat const& was);
    void show(struct stat& attributes, NodeId node) const;

    UniqueFd root_;
    std::uint32_t owner_;
    TreeLimits limits_;
    Quota quota_;
    Nodes nodes_;
    std::unordered_map<HandleId, Handle> handles_;
    HandleId next_handle_ = 1;
    struct Cached {
        NodeId node = 0;
        UniqueFd fd;
    };
    std::array<Cached, kDirectoryCacheCount> cache_;  // a directory's descriptor stays right through renames
    std::size_t cache_next_ = 0;
};

}  // namespace ocu::storage
