// SPDX-License-Identifier: GPL-3.0-or-later
// Names: finding, describing, making, removing and renaming. What happens to open files is session_tree_files.cpp.
#include "storage/session_tree.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>

#include "storage/limits.h"
#include "storage/open_beneath.h"

namespace ocu::storage {

namespace {

std::unexpected<int> refused() { return std::unexpected(errno); }

bool storable(struct stat const& attributes) { return kind_fault(attributes.st_mode) == 0; }

}  // namespace

SessionTree::SessionTree(UniqueFd directory, std::uint32_t owner, TreeLimits limits)
    : root_(std::move(directory)), owner_(owner), limits_(limits), quota_(limits.session_bytes_max, limits.entries_max)
{}

SessionTree::~SessionTree() = default;

Answer<int> SessionTree::directory(NodeId node)
{
    for (auto const& each : cache_)
        if (each.node == node && each.fd) return each.fd.get();
    auto const path = nodes_.path(node);
    if (!path) return refuse(nodes_.find(node) != nullptr && !nodes_.find(node)->removed ? ENAMETOOLONG : ENOENT);
    auto fd = open_beneath(root_.get(), *path, O_PATH | O_DIRECTORY);
    if (!fd) return refused();
    auto& slot = cache_[cache_next_++ % cache_.size()];
    slot.node = node;
    slot.fd = std::move(fd);
    return slot.fd.get();
}

Answer<int> SessionTree::writable_directory(Face face, NodeId node, std::string_view name)
{
    auto const* const found = nodes_.find(node);
    if (found == nullptr) return refuse(ESTALE);
    if (auto const fault = write_fault(face, found->area)) return refuse(fault);
    if (auto const fault = name_fault(name)) return refuse(fault);
    return directory(node);
}

// The directory that holds a node, and the node's name in it.
Answer<SessionTree::Named> SessionTree::place(NodeId node)
{
    auto const* const found = nodes_.find(node);
    if (found == nullptr) return refuse(ESTALE);
    // By a number that the kernel remembers and whose name has gone by the other face: told so, it looks the name up anew.
    if (found->removed) return refuse(ESTALE);
    if (found->parent == 0) return refuse(ENOENT);
    auto const above = directory(found->parent);
    if (!above) return refuse(above.error());
    return Named{*above, found->name};
}

// The host's own identities stay here: every file is its guest's, no device number, no set-id bit (mounts are nosuid as well).
void SessionTree::show(struct stat& attributes, NodeId node) const
{
    attributes.st_uid = owner_;
    attributes.st_gid = owner_;
    attributes.st_rdev = 0;
    if (S_ISREG(attributes.st_mode)) attributes.st_mode = S_IFREG | shown_file_mode(attributes.st_mode);
    attributes.st_mode &= S_IFMT | 01777;
    // The halves of the mount look writable by their owner, so that a write to uploads is refused as what it is: EROFS.
    if (node <= kOutputsNode) attributes.st_mode = S_IFDIR | 0755;
}

Answer<struct stat> SessionTree::stored(NodeId node)
{
    struct stat out{};
    if (node == kTopNode) {
        if (::fstat(root_.get(), &out) != 0) return refused();
        return out;
    }
    if (auto const named = place(node)) {
        if (::fstatat(named->directory, named->name.c_str(), &out, AT_SYMLINK_NOFOLLOW) != 0) return refused();
        return out;
    } else if (auto* const handle = any_handle_on(node)) {
        if (::fstat(handle->file.get(), &out) != 0) return refused();
        return out;
    } else {
        return refuse(named.error());
    }
}

Answer<struct stat> SessionTree::attributes(NodeId node)
{
    auto out = stored(node);
    if (out) show(*out, node);
    return out;
}

// Looks an entry up and counts that the kernel is told of it.
Answer<Entry> SessionTree::told(NodeId parent, std::string_view name)
{
    auto const above = directory(parent);
    if (!above) return refuse(above.error());
    Entry entry;
    if (::fstatat(*above, std::string(name).c_str(), &entry.attributes, AT_SYMLINK_NOFOLLOW) != 0) {
        auto const fault = errno;
        if (fault == ENOENT) nodes_.removed(parent, name);
        return refuse(fault);
    }
    if (!storable(entry.attributes)) return refuse(ENOENT);
    entry.node = nodes_.learn(parent, name, entry.attributes.st_ino);
    show(entry.attributes, entry.node);
    return entry;
}

Answer<Entry> SessionTree::lookup(NodeId parent, std::string_view name)
{
    if (nodes_.find(parent) == nullptr) return refuse(ESTALE);
    if (auto const fault = name_fault(name)) return refuse(fault);
    if (parent == kTopNode && !nodes_.child(kTopNode, name)) return refuse(ENOENT);
    return told(parent, name);
}

Answer<std::string> SessionTree::link_target(NodeId node)
{
    auto const named = place(node);
    if (!named) return refuse(named.error());
    std::string target(kLinkTargetBytesMax + 1, '\0');
    auto const size = ::readlinkat(named->directory, named->name.c_str(), target.data(), target.size());
    if (size < 0) return refused();
    target.resize(static_cast<std::size_t>(size));
    return target;
}

Answer<Entry> SessionTree::make_directory(Face face, NodeId parent, std::string_view name, mode_t mode)
{
    auto const above = writable_directory(face, parent, name);
    if (!above) return refuse(above.error());
    if (!quota_.has_entry()) return refuse(ENOSPC);
    if (::mkdirat(*above, std::string(name).c_str(), directory_mode(mode)) != 0) return refused();
    quota_.entry_made();
    return told(parent, name);
}

Answer<Entry> SessionTree::make_link(Face face, NodeId parent, std::string_view name, std::string_view target)
{
    auto const above = writable_directory(face, parent, name);
    if (!above) return refuse(above.error());
    if (auto const fault = link_target_fault(target)) return refuse(fault);
    if (!quota_.has_entry()) return refuse(ENOSPC);
    if (::symlinkat(std::string(target).c_str(), *above, std::string(name).c_str()) != 0) return refused();
    quota_.entry_made();
    return told(parent, name);
}

Answer<Entry> SessionTree::make_node(Face face, NodeId parent, std::string_view name, mode_t mode)
{
    if ((mode & S_IFMT) != S_IFREG && (mode & S_IFMT) != 0) {
        auto const above = writable_directory(face, parent, name);
        return refuse(above ? EPERM : above.error());
    }
    auto const made = create(face, parent, name, mode, O_WRONLY | O_EXCL);
    if (!made) return refuse(made.error());
    release(made->handle);
    return made->entry;
}

// An entry has lost its name. What it held counts until the last handle on it is gone.
void SessionTree::entry_left(NodeId parent, std::string_view name, struct stat const& was)
{
    quota_.entry_gone();
    auto const node = nodes_.child(parent, name);
    bool const held = node && nodes_.find(*node)->opened > 0;
    if (S_ISREG(was.st_mode) && !held) quota_.resized(static_cast<std::uint64_t>(was.st_size), 0);
}

Answer<void> SessionTree::remove(Face face, NodeId parent, std::string_view name, bool directory)
{
    auto const above = writable_directory(face, parent, name);
    if (!above) return refuse(above.error());
    std::string const at(name);
    struct stat was{};
    if (::fstatat(*above, at.c_str(), &was, AT_SYMLINK_NOFOLLOW) != 0) return refused();
    if (::unlinkat(*above, at.c_str(), directory ? AT_REMOVEDIR : 0) != 0) return refused();
    entry_left(parent, name, was);
    nodes_.removed(parent, name);
    return {};
}

Answer<void> SessionTree::rename(
    Face face, NodeId parent, std::string_view name, NodeId new_parent, std::string_view new_name, unsigned flags)
{
    if (flags != 0 && flags != RENAME_NOREPLACE && flags != RENAME_EXCHANGE) return refuse(EINVAL);
    auto const from = writable_directory(face, parent, name);
    if (!from) return refuse(from.error());
    auto const to = writable_directory(face, new_parent, new_name);
    if (!to) return refuse(to.error());
    if (parent == new_parent && name == new_name) return {};
    std::string const old_at(name);
    std::string const new_at(new_name);
    struct stat replaced{};
    bool const replaces = flags == 0 && ::fstatat(*to, new_at.c_str(), &replaced, AT_SYMLINK_NOFOLLOW) == 0;
    if (::renameat2(*from, old_at.c_str(), *to, new_at.c_str(), flags) != 0) return refused();
    if (flags == RENAME_EXCHANGE) {
        nodes_.exchanged(parent, name, new_parent, new_name);
        return {};
    }
    if (replaces) entry_left(new_parent, new_name, replaced);
    nodes_.moved(parent, name, new_parent, new_name);
    return {};
}

bool SessionTree::seldom_changes(NodeId node) const
{
    auto const* const found = nodes_.find(node);
    return found != nullptr && found->area != Area::uploads;
}

int SessionTree::link_refusal(NodeId parent) const
{
    auto const* const found = nodes_.find(parent);
    auto const fault = found == nullptr ? ESTALE : write_fault(Face::mount, found->area);
    return fault != 0 ? fault : EPERM;
}

struct statvfs SessionTree::capacity() const
{
    constexpr std::uint64_t kBlockBytes = 4096;
    struct statvfs out{};
    out.f_bsize = kBlockBytes;
    out.f_frsize = kBlockBytes;
    out.f_blocks = quota_.bytes_max() / kBlockBytes;
    out.f_bfree = (quota_.bytes_max() - quota_.bytes()) / kBlockBytes;
    out.f_bavail = out.f_bfree;
    out.f_files = quota_.entries_max();
    out.f_ffree = quota_.entries_max() - quota_.entries();
    out.f_favail = out.f_ffree;
    out.f_namemax = kNameBytesMax;
    return out;
}

}  // namespace ocu::storage
