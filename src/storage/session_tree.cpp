// SPDX-License-Identifier: GPL-3.0-or-later
// Names: finding, describing, making, removing and renaming. What happens to open files is session_tree_files.cpp.
#include "storage/session_tree.h"

#include <fcntl.h>
#include <linux/fs.h>

#include <utility>

namespace ocu::storage {

namespace {

constexpr std::uint64_t kBlockBytes = 4096;
constexpr std::uint64_t kStatBlockBytes = 512;

}  // namespace

SessionTree::SessionTree(ChunkStore& store, std::uint32_t owner, TreeLimits limits, Now now)
    : store_(store), owner_(owner), limits_(limits), now_(std::move(now)),
      quota_(limits.session_bytes_max, limits.entries_max, kTreeTextBytesMax), nodes_(now_()), journal_(store, nodes_),
      contents_(store, journal_, quota_, limits.file_bytes_max)
{
    store_.keep_house({[this](Inode inode, std::uint64_t index, ChunkPlace const& was, ChunkPlace const& is) {
                           auto* const node = nodes_.find(inode);
                           return node != nullptr && contents_.moved(*node, index, was, is);
                       },
        [this](auto const& each) { return whole(each); }});
}

SessionTree::~SessionTree() { store_.keep_house({}); }

Answer<Node*> SessionTree::directory(NodeId id)
{
    auto* const node = nodes_.find(id);
    if (node == nullptr) return refuse(ESTALE);
    if (!node->directory) return refuse(ENOTDIR);
    return node;
}

Answer<Node*> SessionTree::writable_directory(Face face, NodeId id, std::string_view name)
{
    auto const node = directory(id);
    if (!node) return node;
    if (auto const fault = write_fault(face, (*node)->area)) return refuse(fault);
    if (auto const fault = name_fault(name)) return refuse(fault);
    if ((*node)->links == 0) return refuse(ENOENT);
    if (auto const room = journal_.make_room(); !room) return refuse(room.error());
    return node;
}

// The host's own identities stay here: every file is its guest's.
struct stat SessionTree::shown(Node const& node) const
{
    struct stat out{};
    out.st_ino = node.id;
    out.st_mode = node.mode;
    out.st_nlink = node.links;
    out.st_uid = owner_;
    out.st_gid = owner_;
    out.st_blksize = kBlockBytes;
    out.st_atim = node.accessed;
    out.st_mtim = node.modified;
    out.st_ctim = node.changed;
    if (node.file) {
        out.st_size = static_cast<off_t>(node.file->size);
        out.st_blocks = static_cast<blkcnt_t>((FileContents::cost(*node.file, node.file->size) + kStatBlockBytes - 1) / kStatBlockBytes);
    } else {
        out.st_size = static_cast<off_t>(node.directory ? kBlockBytes : node.target.size());
    }
    return out;
}

Entry SessionTree::told(Node& node)
{
    ++node.lookups;
    return {node.id, shown(node)};
}

Answer<struct stat> SessionTree::attributes(NodeId id)
{
    auto const* const node = nodes_.find(id);
    if (node == nullptr || (node->taken && node->opened == 0)) return refuse(ESTALE);
    return shown(*node);
}

Answer<Entry> SessionTree::peek(NodeId parent, std::string_view name)
{
    auto const above = directory(parent);
    if (!above) return refuse(above.error());
    if (auto const fault = name_fault(name)) return refuse(fault);
    auto* const node = nodes_.child(**above, name);
    if (node == nullptr) return refuse(ENOENT);
    return Entry{node->id, shown(*node)};
}

Answer<Entry> SessionTree::lookup(NodeId parent, std::string_view name)
{
    auto const entry = peek(parent, name);
    if (entry) ++nodes_.find(entry->node)->lookups;
    return entry;
}

void SessionTree::forget(NodeId id, std::uint64_t count)
{
    auto* const node = nodes_.find(id);
    if (node == nullptr) return;
    node->lookups -= std::min(node->lookups, count);
    erase_if_unused(*node);
}

void SessionTree::erase_if_unused(Node& node)
{
    if (!Nodes::unused(node)) return;
    if (node.file) contents_.discard(node);
    auto text = node.target.size();
    if (node.attributes)
        for (auto const& [name, value] : *node.attributes) text += name.size() + value.size();
    quota_.text_changed(text, 0);
    nodes_.erase(node);
}

Answer<std::string> SessionTree::link_target(NodeId id)
{
    auto const* const node = nodes_.find(id);
    if (node == nullptr) return refuse(ESTALE);
    if (!S_ISLNK(node->mode)) return refuse(EINVAL);
    return node->target;
}

void SessionTree::unsettled()
{
    if (contents_.appended() >= kHouseEveryBytes) {
        (void)contents_.take_appended();
        if (house_due_) house_due_();
    }
    if (!std::exchange(unsettled_said_, true) && unsettled_) unsettled_();
}

void SessionTree::foreign(Face face, NodeId node)
{
    if (face == Face::files && foreign_change_) foreign_change_(node);
}

// A name came, went or moved in it.
void SessionTree::entry_changed(Face face, Node& directory, timespec now)
{
    directory.modified = directory.changed = now;
    journal_.describe_later(directory);
    foreign(face, directory.id);
    unsettled();
}

void SessionTree::note_made(Node& node, Node const& parent, std::string_view name)
{
    journal_.note(node, NodeMade{node.id, parent.id, NameText(name), node.mode, node.target});
    journal_.describe_later(node);
}

Answer<Entry> SessionTree::made(Face face, Node& parent, std::string_view name, mode_t mode, std::string_view target)
{
    if (nodes_.child(parent, name) != nullptr) return refuse(EEXIST);
    if (!quota_.has_entry() || !quota_.has_text(name.size() + target.size())) return refuse(ENOSPC);
    auto const now = now_();
    auto& node = nodes_.make(parent, name, mode, target, now);
    quota_.entry_made();
    quota_.text_changed(0, name.size() + target.size());
    note_made(node, parent, name);
    entry_changed(face, parent, now);
    return told(node);
}

Answer<Entry> SessionTree::make_directory(Face face, NodeId parent, std::string_view name, mode_t mode)
{
    auto const above = writable_directory(face, parent, name);
    if (!above) return refuse(above.error());
    return made(face, **above, name, S_IFDIR | directory_mode(mode), {});
}

Answer<Entry> SessionTree::make_link(Face face, NodeId parent, std::string_view name, std::string_view target)
{
    auto const above = writable_directory(face, parent, name);
    if (!above) return refuse(above.error());
    if (auto const fault = link_target_fault(target)) return refuse(fault);
    return made(face, **above, name, S_IFLNK | 0777, target);
}

Answer<Entry> SessionTree::make_node(Face face, NodeId parent, std::string_view name, mode_t mode)
{
    auto const above = writable_directory(face, parent, name);
    if (!above) return refuse(above.error());
    if ((mode & S_IFMT) != S_IFREG && (mode & S_IFMT) != 0) return refuse(EPERM);
    return made(face, **above, name, S_IFREG | file_mode(mode), {});
}

Answer<Created> SessionTree::create(Face face, NodeId parent, std::string_view name, mode_t mode, int flags)
{
    auto const above = writable_directory(face, parent, name);
    if (!above) return refuse(above.error());
    if (!handles_left()) return refuse(ENFILE);
    auto* node = nodes_.child(**above, name);
    if (node == nullptr) {
        auto const entry = made(face, **above, name, S_IFREG | file_mode(mode), {});
        if (!entry) return refuse(entry.error());
        return Created{*entry, keep(face, *nodes_.find(entry->node), flags)};
    }
    if ((flags & O_EXCL) != 0) return refuse(EEXIST);
    auto const handle = open(face, node->id, flags);
    if (!handle) return refuse(handle.error());
    return Created{told(*node), *handle};
}

Answer<Entry> SessionTree::link(Face face, NodeId id, NodeId parent, std::string_view name)
{
    auto const above = writable_directory(face, parent, name);
    if (!above) return refuse(above.error());
    auto* const node = nodes_.find(id);
    if (node == nullptr) return refuse(ESTALE);
    if (node->directory) return refuse(EPERM);
    // A second name would let a file of uploads be changed through outputs.
    if (node->area != (*above)->area) return refuse(EXDEV);
    if (node->links == 0) return refuse(ENOENT);
    if (nodes_.child(**above, name) != nullptr) return refuse(EEXIST);
    if (node->links >= kHardLinksMax) return refuse(EMLINK);
    if (!quota_.has_entry() || !quota_.has_text(name.size())) return refuse(ENOSPC);
    nodes_.link(*node, **above, name);
    quota_.entry_made();
    quota_.text_changed(0, name.size());
    node->changed = now_();
    journal_.note_name(*node, NameLinked{node->id, parent, NameText(name)});
    closed(face, *node);
    journal_.describe_later(*node);
    entry_changed(face, **above, node->changed);
    return told(*node);
}

// What it held counts until the last handle on it is gone and the kernel has forgotten it.
void SessionTree::name_lost(Face face, Node& node, std::string_view name, timespec now)
{
    quota_.entry_gone();
    quota_.text_changed(name.size(), 0);
    node.changed = now;
    journal_.describe_later(node);
    node.taken = node.links == 0 && face == Face::files;
    foreign(face, node.id);
    erase_if_unused(node);
}

Answer<void> SessionTree::remove(Face face, NodeId parent, std::string_view name, bool wants_directory)
{
    auto const above = writable_directory(face, parent, name);
    if (!above) return refuse(above.error());
    auto* const node = nodes_.child(**above, name);
    if (node == nullptr) return refuse(ENOENT);
    if (wants_directory && !node->directory) return refuse(ENOTDIR);
    if (!wants_directory && node->directory) return refuse(EISDIR);
    if (node->directory && !node->directory->names.empty()) return refuse(ENOTEMPTY);
    auto const now = now_();
    nodes_.unlink(**above, name);
    journal_.note_name(*node, NameUnlinked{parent, NameText(name)});
    entry_changed(face, **above, now);
    name_lost(face, *node, name, now);
    return {};
}

Answer<void> SessionTree::may_replace(Node const& moved, Node const& target) const
{
    if (target.directory && !moved.directory) return refuse(EISDIR);
    if (!target.directory && moved.directory) return refuse(ENOTDIR);
    if (target.directory && !target.directory->names.empty()) return refuse(ENOTEMPTY);
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
    if ((*from)->area != (*to)->area) return refuse(EXDEV);
    auto* const moved = nodes_.child(**from, name);
    auto* const target = nodes_.child(**to, new_name);
    bool const exchanges = flags == RENAME_EXCHANGE;
    if (moved == nullptr || (exchanges && target == nullptr)) return refuse(ENOENT);
    if (flags == RENAME_NOREPLACE && target != nullptr) return refuse(EEXIST);
    if (nodes_.lies_within(**to, *moved) || (exchanges && nodes_.lies_within(**from, *target))) return refuse(EINVAL);
    if (moved == target) return {};
    if (target != nullptr && !exchanges)
        if (auto const allowed = may_replace(*moved, *target); !allowed) return allowed;
    if (!exchanges && new_name.size() > name.size() && !quota_.has_text(new_name.size() - name.size())) return refuse(ENOSPC);
    auto const now = now_();
    if (exchanges) {
        nodes_.exchange(**from, name, **to, new_name);
        journal_.note_name(*moved, NamesExchanged{parent, NameText(name), new_parent, NameText(new_name)});
        target->changed = now;
        journal_.describe_later(*target);
    } else {
        if (target != nullptr) nodes_.unlink(**to, new_name);
        nodes_.move(**from, name, **to, new_name);
        quota_.text_changed(name.size(), new_name.size());
        journal_.note_name(*moved, NameMoved{parent, NameText(name), new_parent, NameText(new_name)});
    }
    moved->changed = now;
    journal_.describe_later(*moved);
    closed(face, *moved);
    if (exchanges) closed(face, *target);
    entry_changed(face, **from, now);
    entry_changed(face, **to, now);
    foreign(face, moved->id);
    if (target != nullptr && !exchanges) name_lost(face, *target, new_name, now);
    return {};
}

bool SessionTree::seldom_changes(NodeId id) const
{
    auto const* const node = nodes_.find(id);
    return node != nullptr && node->area != Area::uploads;
}

struct statvfs SessionTree::capacity() const
{
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
