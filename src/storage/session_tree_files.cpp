// SPDX-License-Identifier: GPL-3.0-or-later
// Open files and directories of a session's tree: their bytes, sizes, modes, times and listings.
#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "storage/session_tree.h"

namespace ocu::storage {

namespace {

constexpr time_t kAccessTimeSeconds = 86'400;

bool earlier(timespec left, timespec right) { return std::pair(left.tv_sec, left.tv_nsec) < std::pair(right.tv_sec, right.tv_nsec); }

}  // namespace

HandleId SessionTree::keep(Face face, Node& node, int flags)
{
    ++node.opened;
    auto const id = next_handle_++;
    handles_.emplace(id, Handle{&node, face, (flags & O_ACCMODE) != O_RDONLY});
    return id;
}

Answer<Node*> SessionTree::file_of(HandleId id, bool writes)
{
    auto const found = handles_.find(id);
    if (found == handles_.end() || !found->second.node->file || (writes && !found->second.writable)) return refuse(EBADF);
    return found->second.node;
}

Answer<HandleId> SessionTree::open(Face face, NodeId id, int flags)
{
    auto* const node = nodes_.find(id);
    if (node == nullptr || (node->taken && node->opened == 0)) return refuse(ESTALE);
    bool const writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
    if (auto const fault = writes ? write_fault(face, node->area) : 0) return refuse(fault);
    if (node->directory) return refuse(EISDIR);
    if (!node->file) return refuse(ELOOP);
    if (!handles_left()) return refuse(ENFILE);
    if ((flags & O_TRUNC) != 0) {
        if (auto const cut = truncate(*node, 0); !cut) return refuse(cut.error());
        foreign(face, id);
    }
    return keep(face, *node, flags);
}

// As a disk is mounted by default (relatime): not for every reading.
void SessionTree::read_at(Node& node)
{
    auto const now = now_();
    if (earlier(node.modified, node.accessed) && earlier(node.changed, node.accessed) &&
        now.tv_sec - node.accessed.tv_sec < kAccessTimeSeconds)
        return;
    node.accessed = now;
    journal_.describe_sometime(node);
}

Answer<std::size_t> SessionTree::read(HandleId id, std::span<char> into, std::uint64_t offset)
{
    auto const node = file_of(id, false);
    if (!node) return refuse(node.error());
    auto const got = contents_.read(**node, into, offset);
    if (got && *got != 0) read_at(**node);
    return got;
}

Answer<std::size_t> SessionTree::write(HandleId id, std::span<char const> bytes, std::uint64_t offset)
{
    auto const node = file_of(id, true);
    if (!node) return refuse(node.error());
    if (auto const room = journal_.make_room(); !room) return refuse(room.error());
    auto const put = contents_.write(**node, bytes, offset);
    if (!put || *put == 0) return put;
    (*node)->modified = (*node)->changed = now_();
    ++(*node)->revision;
    journal_.describe_later(**node);
    foreign(handles_.at(id).face, (*node)->id);
    unsettled();
    return put;
}

Answer<void> SessionTree::truncate(Node& node, std::uint64_t size)
{
    if (auto const room = journal_.make_room(); !room) return room;
    if (auto const cut = contents_.resize(node, size); !cut) return cut;
    node.modified = node.changed = now_();
    ++node.revision;
    journal_.describe_later(node);
    unsettled();
    return {};
}

Answer<void> SessionTree::allocate(HandleId id, int mode, std::uint64_t offset, std::uint64_t length)
{
    auto const node = file_of(id, true);
    if (!node) return refuse(node.error());
    bool const keeps_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
    int const kind = mode & ~FALLOC_FL_KEEP_SIZE;
    bool const punches = kind == FALLOC_FL_PUNCH_HOLE;
    if (kind != 0 && kind != FALLOC_FL_ZERO_RANGE && !(punches && keeps_size)) return refuse(EOPNOTSUPP);
    if (length == 0) return refuse(EINVAL);
    if (auto const room = journal_.make_room(); !room) return room;
    ++(*node)->revision;
    if (kind != 0)
        if (auto const cleared = contents_.clear(**node, offset, length); !cleared) return cleared;
    if (!punches) {
        auto const grows = keeps_size ? FileContents::Grows::no : FileContents::Grows::yes;
        if (auto const reserved = contents_.reserve(**node, offset, length, grows); !reserved) return reserved;
    }
    (*node)->modified = (*node)->changed = now_();
    journal_.describe_later(**node);
    foreign(handles_.at(id).face, (*node)->id);
    unsettled();
    return {};
}

Answer<std::uint64_t> SessionTree::seek(HandleId id, std::uint64_t offset, int whence)
{
    auto const node = file_of(id, false);
    if (!node) return refuse(node.error());
    if (whence == SEEK_DATA) return contents_.next_data(**node, offset);
    if (whence == SEEK_HOLE) return contents_.next_hole(**node, offset);
    return refuse(EINVAL);
}

Answer<void> SessionTree::flush(HandleId id)
{
    auto const found = handles_.find(id);
    if (found == handles_.end()) return refuse(EBADF);
    auto& node = *found->second.node;
    if (node.links == 0) return {};  // nobody can find it after a crash
    if (node.file)
        if (auto const written = contents_.write_out(node); !written) return written;
    if (journal_.speaks_of(node)) {
        if (auto const appended = journal_.append(); !appended) return appended;
    }
    return store_.settle();
}

Answer<void> SessionTree::sync(HandleId id, bool)
{
    if (auto const flushed = flush(id); !flushed) return flushed;
    if (handles_.at(id).node->links == 0) return {};
    return store_.sync();
}

void SessionTree::release(HandleId id)
{
    auto const found = handles_.find(id);
    if (found == handles_.end()) return;
    auto& node = *found->second.node;
    // A mapping may have written after the close: what is not appended now waits for the timer.
    if (node.opened == 1 && node.links != 0 && node.file && !node.file->dirty.empty()) (void)flush(id);
    if (found->second.writable) closed(found->second.face, node);
    handles_.erase(found);
    --node.opened;
    erase_if_unused(node);
}

Answer<struct stat> SessionTree::change(Face face, NodeId id, std::optional<HandleId> handle, Changes const& changes)
{
    auto* const node = nodes_.find(id);
    if (node == nullptr) return refuse(ESTALE);
    if (auto const fault = write_fault(face, node->area)) return refuse(fault);
    if ((changes.user && *changes.user != owner_) || (changes.group && *changes.group != owner_)) return refuse(EPERM);
    if (changes.mode && id <= kOutputsNode) return refuse(EPERM);  // the halves of the mount stay what they are
    if (changes.mode && S_ISLNK(node->mode)) return refuse(EOPNOTSUPP);
    if (changes.size) {
        if (!node->file) return refuse(node->directory ? EISDIR : EINVAL);
        if (handle)
            if (auto const writable = file_of(*handle, true); !writable) return refuse(writable.error());
        if (auto const cut = truncate(*node, *changes.size); !cut) return refuse(cut.error());
    } else if (auto const room = journal_.make_room(); !room) {
        return refuse(room.error());
    }
    auto const now = now_();
    if (changes.mode) node->mode = (node->mode & S_IFMT) | (node->directory ? directory_mode(*changes.mode) : file_mode(*changes.mode));
    if (changes.times) set_times(*node, *changes.times, now);
    node->changed = now;
    journal_.describe_later(*node);
    foreign(face, id);
    unsettled();
    return shown(*node);
}

void SessionTree::set_times(Node& node, std::array<timespec, 2> const& times, timespec now)
{
    auto const set = [now](timespec& time, timespec wanted) {
        if (wanted.tv_nsec == UTIME_OMIT) return;
        time = wanted.tv_nsec == UTIME_NOW ? now : wanted;
    };
    set(node.accessed, times[0]);
    set(node.modified, times[1]);
}

Answer<HandleId> SessionTree::open_directory(NodeId id)
{
    auto const node = directory(id);
    if (!node) return refuse(node.error());
    if (!handles_left()) return refuse(ENFILE);
    return keep(Face::mount, **node, O_RDONLY);
}

Answer<void> SessionTree::list(HandleId id, std::uint64_t offset, std::function<bool(Listed const&)> const& each)
{
    auto const found = handles_.find(id);
    if (found == handles_.end() || !found->second.node->directory) return refuse(EBADF);
    auto const& node = *found->second.node;
    auto const& directory = *node.directory;
    if (node.links == 0) return {};
    if (offset < 1 && !each({".", node.id, S_IFDIR, 1})) return {};
    if (offset < 2 && !each({"..", directory.parent, S_IFDIR, 2})) return {};
    for (auto at = directory.listing.upper_bound(std::max<std::uint64_t>(offset, 2)); at != directory.listing.end(); ++at) {
        auto const& [name, child] = *at->second;
        if (!each({name, child.node, nodes_.find(child.node)->mode & S_IFMT, at->first})) return {};
    }
    return {};
}

}  // namespace ocu::storage
