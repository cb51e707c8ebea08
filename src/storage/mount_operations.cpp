// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/mount_operations.h"

#include <vector>

#include "storage/limits.h"
#include "storage/session_tree.h"

namespace ocu::storage {

namespace {

// The mount's own kernel changes outputs, so what it has been told stays true until it asks for a change itself, or until it is told
// otherwise (MountFace::changed). That there is nothing under a name cannot be taken back, so it is not believed for long; nor is
// anything in uploads, where the files face makes names.
constexpr double kOutputsSeconds = 3'600;
constexpr double kUploadsSeconds = 1;
constexpr double kNothingSeconds = 1;

Mounted& mounted_of(fuse_req_t request) { return *static_cast<Mounted*>(::fuse_req_userdata(request)); }
SessionTree& tree_of(fuse_req_t request) { return *mounted_of(request).tree; }

fuse_entry_param described(SessionTree& tree, Entry const& entry)
{
    fuse_entry_param out{};
    out.ino = entry.node;
    out.attr = entry.attributes;
    out.attr_timeout = out.entry_timeout = tree.seldom_changes(entry.node) ? kOutputsSeconds : kUploadsSeconds;
    return out;
}

void answer(fuse_req_t request, Answer<void> const& done) { ::fuse_reply_err(request, done ? 0 : done.error()); }

void answer(fuse_req_t request, Answer<Entry> const& entry)
{
    if (!entry) {
        ::fuse_reply_err(request, entry.error());
        return;
    }
    auto const out = described(tree_of(request), *entry);
    ::fuse_reply_entry(request, &out);
}

void answer_attributes(fuse_req_t request, fuse_ino_t node, Answer<struct stat> const& attributes)
{
    if (!attributes)
        ::fuse_reply_err(request, attributes.error());
    else
        ::fuse_reply_attr(request, &*attributes, tree_of(request).seldom_changes(node) ? kOutputsSeconds : kUploadsSeconds);
}

void on_init(void*, fuse_conn_info* connection)
{
    // Requests and answers are copied: splicing needs pipes, and pipes need more system calls than they are worth here.
    connection->want &= ~static_cast<unsigned>(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    // A file's bytes change by this kernel alone: it need not throw away what it has read whenever it sees a newer time.
    connection->want &= ~static_cast<unsigned>(FUSE_CAP_AUTO_INVAL_DATA);
    // There is no set-id bit and no capability to take away at a write: without this each write(2) asks for security.capability first.
    auto const wanted = static_cast<unsigned>(FUSE_CAP_HANDLE_KILLPRIV_V2 | FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_CACHE_SYMLINKS);
    connection->want |= wanted & connection->capable;
    // What a program has written is accepted or refused at once, and the files face shows it at once: no FUSE_CAP_WRITEBACK_CACHE.
    connection->max_write = kMountWriteBytesMax;
}

void on_lookup(fuse_req_t request, fuse_ino_t parent, char const* name)
{
    auto& tree = tree_of(request);
    auto const entry = tree.lookup(parent, name);
    if (!entry && entry.error() == ENOENT && tree.seldom_changes(parent)) {
        fuse_entry_param nothing{};  // number 0: the kernel remembers that there is nothing
        nothing.entry_timeout = kNothingSeconds;
        ::fuse_reply_entry(request, &nothing);
        return;
    }
    answer(request, entry);
}

void on_forget(fuse_req_t request, fuse_ino_t node, std::uint64_t count)
{
    tree_of(request).forget(node, count);
    ::fuse_reply_none(request);
}

void on_forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* each)
{
    for (auto const& one : std::span(each, count)) tree_of(request).forget(one.ino, one.nlookup);
    ::fuse_reply_none(request);
}

void on_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*)
{
    answer_attributes(request, node, tree_of(request).attributes(node));
}

timespec time_of(int set, int now, int wanted, timespec value)
{
    if ((set & now) != 0) return {0, UTIME_NOW};
    return (set & wanted) != 0 ? value : timespec{0, UTIME_OMIT};
}

void on_setattr(fuse_req_t request, fuse_ino_t node, struct stat* wanted, int set, fuse_file_info* info)
{
    Changes changes;
    if ((set & FUSE_SET_ATTR_MODE) != 0) changes.mode = wanted->st_mode;
    if ((set & FUSE_SET_ATTR_UID) != 0) changes.user = wanted->st_uid;
    if ((set & FUSE_SET_ATTR_GID) != 0) changes.group = wanted->st_gid;
    if ((set & FUSE_SET_ATTR_SIZE) != 0) changes.size = static_cast<std::uint64_t>(wanted->st_size);
    if ((set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)) != 0)
        changes.times = std::array{time_of(set, FUSE_SET_ATTR_ATIME_NOW, FUSE_SET_ATTR_ATIME, wanted->st_atim),
            time_of(set, FUSE_SET_ATTR_MTIME_NOW, FUSE_SET_ATTR_MTIME, wanted->st_mtim)};
    auto const handle = info != nullptr ? std::optional<HandleId>(info->fh) : std::nullopt;
    answer_attributes(request, node, tree_of(request).change(Face::mount, node, handle, changes));
}

void on_readlink(fuse_req_t request, fuse_ino_t node)
{
    auto const target = tree_of(request).link_target(node);
    if (target)
        ::fuse_reply_readlink(request, target->c_str());
    else
        ::fuse_reply_err(request, target.error());
}

void on_mknod(fuse_req_t request, fuse_ino_t parent, char const* name, mode_t mode, dev_t)
{
    answer(request, tree_of(request).make_node(Face::mount, parent, name, mode));
}

void on_mkdir(fuse_req_t request, fuse_ino_t parent, char const* name, mode_t mode)
{
    answer(request, tree_of(request).make_directory(Face::mount, parent, name, mode));
}

void on_symlink(fuse_req_t request, char const* target, fuse_ino_t parent, char const* name)
{
    answer(request, tree_of(request).make_link(Face::mount, parent, name, target));
}

void on_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t parent, char const* name)
{
    answer(request, tree_of(request).link(Face::mount, node, parent, name));
}

void on_unlink(fuse_req_t request, fuse_ino_t parent, char const* name)
{
    answer(request, tree_of(request).remove(Face::mount, parent, name, false));
}

void on_rmdir(fuse_req_t request, fuse_ino_t parent, char const* name)
{
    answer(request, tree_of(request).remove(Face::mount, parent, name, true));
}

void on_rename(fuse_req_t request, fuse_ino_t parent, char const* name, fuse_ino_t new_parent, char const* new_name, unsigned flags)
{
    answer(request, tree_of(request).rename(Face::mount, parent, name, new_parent, new_name, flags));
}

void on_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info)
{
    auto& tree = tree_of(request);
    auto const handle = tree.open(Face::mount, node, info->flags);
    if (!handle) {
        ::fuse_reply_err(request, handle.error());
        return;
    }
    info->fh = *handle;
    info->keep_cache = tree.seldom_changes(node) ? 1 : 0;
    if (::fuse_reply_open(request, info) != 0) tree.release(*handle);
}

void on_create(fuse_req_t request, fuse_ino_t parent, char const* name, mode_t mode, fuse_file_info* info)
{
    auto& tree = tree_of(request);
    auto const made = tree.create(Face::mount, parent, name, mode, info->flags);
    if (!made) {
        ::fuse_reply_err(request, made.error());
        return;
    }
    info->fh = made->handle;
    auto const entry = described(tree, made->entry);
    if (::fuse_reply_create(request, &entry, info) != 0) {
        tree.release(made->handle);
        tree.forget(made->entry.node, 1);
    }
}

void on_read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info)
{
    static std::vector<char> bytes(kMountWriteBytesMax);  // one request at a time, and nothing else reads here
    auto const into = std::span(bytes).first(std::min(size, bytes.size()));
    auto const got = tree_of(request).read(info->fh, into, static_cast<std::uint64_t>(offset));
    if (!got) {
        ::fuse_reply_err(request, got.error());
        return;
    }
    mounted_of(request).meter.read(*got);
    ::fuse_reply_buf(request, bytes.data(), *got);
}

void on_write(fuse_req_t request, fuse_ino_t, char const* bytes, std::size_t size, off_t offset, fuse_file_info* info)
{
    auto const put = tree_of(request).write(info->fh, std::span(bytes, size), static_cast<std::uint64_t>(offset));
    if (!put) {
        ::fuse_reply_err(request, put.error());
        return;
    }
    mounted_of(request).meter.written(*put);
    ::fuse_reply_write(request, *put);
}

void on_flush(fuse_req_t request, fuse_ino_t, fuse_file_info* info) { answer(request, tree_of(request).flush(info->fh)); }

void on_release(fuse_req_t request, fuse_ino_t, fuse_file_info* info)
{
    tree_of(request).release(info->fh);
    ::fuse_reply_err(request, 0);
}

void on_fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* info)
{
    answer(request, tree_of(request).sync(info->fh, data_only != 0));
}

void on_fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length, fuse_file_info* info)
{
    answer(request, tree_of(request).allocate(info->fh, mode, static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length)));
}

void on_lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* info)
{
    auto const at = offset < 0 ? refuse(ENXIO) : tree_of(request).seek(info->fh, static_cast<std::uint64_t>(offset), whence);
    if (at)
        ::fuse_reply_lseek(request, static_cast<off_t>(*at));
    else
        ::fuse_reply_err(request, at.error());
}

void on_setxattr(fuse_req_t request, fuse_ino_t node, char const* name, char const* value, std::size_t size, int flags)
{
    answer(request, tree_of(request).set_label(Face::mount, node, name, std::string_view(value, size), flags));
}

void on_removexattr(fuse_req_t request, fuse_ino_t node, char const* name)
{
    answer(request, tree_of(request).remove_label(Face::mount, node, name));
}

// `size` 0: only how much there is.
void answer_text(fuse_req_t request, Answer<std::string> const& text, std::size_t size)
{
    if (!text)
        ::fuse_reply_err(request, text.error());
    else if (size == 0)
        ::fuse_reply_xattr(request, text->size());
    else if (text->size() > size)
        ::fuse_reply_err(request, ERANGE);
    else
        ::fuse_reply_buf(request, text->data(), text->size());
}

void on_getxattr(fuse_req_t request, fuse_ino_t node, char const* name, std::size_t size)
{
    answer_text(request, tree_of(request).label(Face::mount, node, name), size);
}

void on_listxattr(fuse_req_t request, fuse_ino_t node, std::size_t size)
{
    answer_text(request, tree_of(request).label_names(Face::mount, node), size);
}

void on_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info)
{
    auto& tree = tree_of(request);
    auto const handle = tree.open_directory(node);
    if (!handle) {
        ::fuse_reply_err(request, handle.error());
        return;
    }
    info->fh = *handle;
    if (::fuse_reply_open(request, info) != 0) tree.release(*handle);
}

void on_readdir(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info)
{
    std::vector<char> bytes(std::min(size, kMountWriteBytesMax));
    std::size_t used = 0;
    auto const add = [&](SessionTree::Listed const& listed) {
        struct stat is{};
        is.st_ino = listed.inode;
        is.st_mode = listed.kind;
        auto const need = ::fuse_add_direntry(
            request, bytes.data() + used, bytes.size() - used, std::string(listed.name).c_str(), &is, static_cast<off_t>(listed.next));
        if (need > bytes.size() - used) return false;
        used += need;
        return true;
    };
    auto const done = tree_of(request).list(info->fh, static_cast<std::uint64_t>(offset), add);
    if (done)
        ::fuse_reply_buf(request, bytes.data(), used);
    else
        ::fuse_reply_err(request, done.error());
}

void on_readdirplus(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* info)
{
    auto& tree = tree_of(request);
    std::vector<char> bytes(std::min(size, kMountWriteBytesMax));
    std::size_t used = 0;
    auto const add = [&](SessionTree::Listed const& listed) {
        std::string const name(listed.name);
        if (::fuse_add_direntry_plus(request, nullptr, 0, name.c_str(), nullptr, 0) > bytes.size() - used) return false;
        fuse_entry_param entry{};
        entry.attr.st_ino = listed.inode;
        entry.attr.st_mode = listed.kind;
        if (name_fault(listed.name) == 0)  // "." and ".." are listed without being looked up
            if (auto const found = tree.lookup(node, listed.name)) entry = described(tree, *found);
        used += ::fuse_add_direntry_plus(
            request, bytes.data() + used, bytes.size() - used, name.c_str(), &entry, static_cast<off_t>(listed.next));
        return true;
    };
    auto const done = tree.list(info->fh, static_cast<std::uint64_t>(offset), add);
    if (done)
        ::fuse_reply_buf(request, bytes.data(), used);
    else
        ::fuse_reply_err(request, done.error());
}

void on_statfs(fuse_req_t request, fuse_ino_t)
{
    auto const capacity = tree_of(request).capacity();
    ::fuse_reply_statfs(request, &capacity);
}

}  // namespace

fuse_lowlevel_ops const& mount_operations()
{
    static fuse_lowlevel_ops const kOperations = [] {
        fuse_lowlevel_ops all{};
        all.init = on_init;
        all.lookup = on_lookup;
        all.forget = on_forget;
        all.forget_multi = on_forget_multi;
        all.getattr = on_getattr;
        all.setattr = on_setattr;
        all.readlink = on_readlink;
        all.mknod = on_mknod;
        all.mkdir = on_mkdir;
        all.symlink = on_symlink;
        all.link = on_link;
        all.unlink = on_unlink;
        all.rmdir = on_rmdir;
        all.rename = on_rename;
        all.open = on_open;
        all.create = on_create;
        all.read = on_read;
        all.write = on_write;
        all.flush = on_flush;
        all.release = on_release;
        all.fsync = on_fsync;
        all.fsyncdir = on_fsync;
        all.fallocate = on_fallocate;
        all.lseek = on_lseek;
        all.setxattr = on_setxattr;
        all.getxattr = on_getxattr;
        all.listxattr = on_listxattr;
        all.removexattr = on_removexattr;
        all.opendir = on_opendir;
        all.readdir = on_readdir;
        all.readdirplus = on_readdirplus;
        all.releasedir = on_release;
        all.statfs = on_statfs;
        return all;
    }();
    return kOperations;
}

}  // namespace ocu::storage
