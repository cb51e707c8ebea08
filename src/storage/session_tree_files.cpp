// SPDX-License-Identifier: GPL-3.0-or-later
// Open files and directories of a session's tree: their bytes, sizes, modes, times and listings.
#include <fcntl.h>
#include <unistd.h>

#include "storage/limits.h"
#include "storage/open_beneath.h"
#include "storage/session_tree.h"

namespace ocu::storage {

namespace {

std::unexpected<int> refused() { return std::unexpected(errno); }

Answer<void> done(int returned)
{
    if (returned != 0) return refused();
    return {};
}

}  // namespace

SessionTree::Handle* SessionTree::handle_of(HandleId id)
{
    auto const found = handles_.find(id);
    return found == handles_.end() ? nullptr : &found->second;
}

// For a file that has lost its name: prefers a handle that may write. Few are open at once, and nameless ones are rare.
SessionTree::Handle* SessionTree::any_handle_on(NodeId node)
{
    Handle* best = nullptr;
    for (auto& [id, handle] : handles_)
        if (handle.node == node && handle.file && (best == nullptr || handle.writable)) best = &handle;
    return best;
}

HandleId SessionTree::keep(Handle handle)
{
    nodes_.opened(handle.node);
    auto const id = next_handle_++;
    handles_.emplace(id, std::move(handle));
    return id;
}

// Non-blocking, so that nothing put there from outside can hold this process at an open; append is the kernel's to compute.
Answer<UniqueFd> SessionTree::open_file(Named const& named, int flags, mode_t mode)
{
    auto fd = open_beneath(named.directory, named.name, (flags & (O_ACCMODE | O_CREAT | O_EXCL)) | O_NONBLOCK, mode);
    if (!fd) return refused();
    struct stat is{};
    if (::fstat(fd.get(), &is) != 0) return refused();
    if (!S_ISREG(is.st_mode)) return refuse(EPERM);
    return fd;
}

Answer<Created> SessionTree::create(Face face, NodeId parent, std::string_view name, mode_t mode, int flags)
{
    auto const above = writable_directory(face, parent, name);
    if (!above) return refuse(above.error());
    if (!handles_left()) return refuse(ENFILE);
    Named const named{*above, std::string(name)};
    auto fd = quota_.has_entry() ? open_file(named, (flags & O_ACCMODE) | O_CREAT | O_EXCL, stored_file_mode(mode)) : refuse(ENOSPC);
    bool const made = fd.has_value();
    if (made) quota_.entry_made();
    if (!made && (flags & O_EXCL) == 0 && (fd.error() == EEXIST || fd.error() == ENOSPC)) {
        auto const first_fault = fd.error();
        fd = open_file(named, flags & O_ACCMODE, 0);
        if (!fd && fd.error() == ENOENT) return refuse(first_fault);
        if (fd && (flags & O_TRUNC) != 0)
            if (auto const cut = resize(fd->get(), 0); !cut) return refuse(cut.error());
    }
    if (!fd) return refuse(fd.error());
    auto const entry = told(parent, name);
    if (!entry) return refuse(entry.error());
    auto const id = keep(Handle{entry->node, std::move(*fd), nullptr, (flags & O_ACCMODE) != O_RDONLY});
    return Created{*entry, id};
}

Answer<HandleId> SessionTree::open(Face face, NodeId node, int flags)
{
    auto const* const found = nodes_.find(node);
    if (found == nullptr) return refuse(ESTALE);
    bool const writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
    if (auto const fault = writes ? write_fault(face, found->area) : 0) return refuse(fault);
    if (!handles_left()) return refuse(ENFILE);
    auto const named = place(node);
    if (!named) return refuse(named.error());
    auto fd = open_file(*named, flags & O_ACCMODE, 0);
    if (!fd) return refuse(fd.error());
    if ((flags & O_TRUNC) != 0)
        if (auto const cut = resize(fd->get(), 0); !cut) return refuse(cut.error());
    return keep(Handle{node, std::move(*fd), nullptr, (flags & O_ACCMODE) != O_RDONLY});
}

Answer<std::size_t> SessionTree::read(HandleId id, std::span<char> into, std::uint64_t offset)
{
    auto* const handle = handle_of(id);
    if (handle == nullptr || !handle->file) return refuse(EBADF);
    std::size_t got = 0;
    while (got < into.size()) {
        auto const part = ::pread(handle->file.get(), into.data() + got, into.size() - got, static_cast<off_t>(offset + got));
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return refused();
        if (part == 0) break;
        got += static_cast<std::size_t>(part);
    }
    return got;
}

Answer<std::size_t> SessionTree::write(HandleId id, std::span<char const> bytes, std::uint64_t offset)
{
    auto* const handle = handle_of(id);
    if (handle == nullptr || !handle->file || !handle->writable) return refuse(EBADF);
    if (offset > limits_.file_bytes_max || bytes.size() > limits_.file_bytes_max - offset) return refuse(EFBIG);
    struct stat before{};
    if (::fstat(handle->file.get(), &before) != 0) return refused();
    auto const old_size = static_cast<std::uint64_t>(before.st_size);
    auto const end = offset + bytes.size();
    if (end > old_size && !quota_.has_bytes(end - old_size)) return refuse(ENOSPC);
    std::size_t put = 0;
    int fault = 0;
    while (put < bytes.size()) {
        auto const part = ::pwrite(handle->file.get(), bytes.data() + put, bytes.size() - put, static_cast<off_t>(offset + put));
        if (part < 0 && errno == EINTR) continue;
        if (part <= 0) {
            fault = part < 0 ? errno : EIO;
            break;
        }
        put += static_cast<std::size_t>(part);
    }
    if (put > 0 && offset + put > old_size) quota_.resized(old_size, offset + put);
    if (put == 0 && fault != 0) return refuse(fault);
    return put;
}

Answer<void> SessionTree::resize(int fd, std::uint64_t size)
{
    if (size > limits_.file_bytes_max) return refuse(EFBIG);
    struct stat before{};
    if (::fstat(fd, &before) != 0) return refused();
    auto const old_size = static_cast<std::uint64_t>(before.st_size);
    if (size > old_size && !quota_.has_bytes(size - old_size)) return refuse(ENOSPC);
    if (::ftruncate(fd, static_cast<off_t>(size)) != 0) return refused();
    quota_.resized(old_size, size);
    return {};
}

Answer<void> SessionTree::allocate(HandleId id, int mode, std::uint64_t offset, std::uint64_t length)
{
    auto* const handle = handle_of(id);
    if (handle == nullptr || !handle->file || !handle->writable) return refuse(EBADF);
    if (mode != 0) return refuse(EOPNOTSUPP);  // blocks beyond a file's end, holes and moved ranges would escape the count
    if (offset > limits_.file_bytes_max || length > limits_.file_bytes_max - offset) return refuse(EFBIG);
    struct stat before{};
    if (::fstat(handle->file.get(), &before) != 0) return refused();
    auto const old_size = static_cast<std::uint64_t>(before.st_size);
    auto const end = std::max(old_size, offset + length);
    if (!quota_.has_bytes(end - old_size)) return refuse(ENOSPC);
    if (::fallocate(handle->file.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(length)) != 0) return refused();
    quota_.resized(old_size, end);
    return {};
}

Answer<void> SessionTree::sync(HandleId id, bool data_only)
{
    auto* const handle = handle_of(id);
    if (handle == nullptr) return refuse(EBADF);
    if (!handle->file && !handle->directory) return {};
    int const fd = handle->file ? handle->file.get() : ::dirfd(handle->directory.get());
    return done(data_only ? ::fdatasync(fd) : ::fsync(fd));
}

void SessionTree::release(HandleId id)
{
    auto* const handle = handle_of(id);
    if (handle == nullptr) return;
    auto const node = handle->node;
    auto const* const found = nodes_.find(node);
    struct stat last{};
    if (found->removed && found->opened == 1 && handle->file && ::fstat(handle->file.get(), &last) == 0)
        quota_.resized(static_cast<std::uint64_t>(last.st_size), 0);
    handles_.erase(id);
    nodes_.closed(node);
}

Answer<struct stat> SessionTree::change(Face face, NodeId node, std::optional<HandleId> handle, Changes const& changes)
{
    auto const* const found = nodes_.find(node);
    if (found == nullptr) return refuse(ESTALE);
    if (auto const fault = write_fault(face, found->area)) return refuse(fault);
    if (auto const changed = change_stored(node, handle, changes); !changed) return refuse(changed.error());
    return attributes(node);
}

Answer<void> SessionTree::change_stored(NodeId node, std::optional<HandleId> id, Changes const& changes)
{
    if ((changes.user && *changes.user != owner_) || (changes.group && *changes.group != owner_)) return refuse(EPERM);
    if (changes.size) {
        auto* const handle = id ? handle_of(*id) : any_handle_on(node);
        if (handle != nullptr && handle->file && handle->writable) {
            if (auto const cut = resize(handle->file.get(), *changes.size); !cut) return cut;
        } else {
            auto const named = place(node);
            if (!named) return refuse(named.error());
            auto const fd = open_file(*named, O_WRONLY, 0);
            if (!fd) return refuse(fd.error());
            if (auto const cut = resize(fd->get(), *changes.size); !cut) return cut;
        }
    }
    if (changes.mode)
        if (auto const changed = change_mode(node, *changes.mode); !changed) return changed;
    if (changes.times) return change_times(node, *changes.times);
    return {};
}

Answer<void> SessionTree::change_mode(NodeId node, mode_t mode)
{
    if (node <= kOutputsNode) return refuse(EPERM);  // the halves of the mount stay what they are
    auto const is = stored(node);
    if (!is) return refuse(is.error());
    if (S_ISLNK(is->st_mode)) return refuse(EOPNOTSUPP);
    auto const kept = S_ISDIR(is->st_mode) ? directory_mode(mode) : stored_file_mode(mode);
    // fchmodat follows a link; that this is none was seen just above, and nobody else changes the tree.
    if (auto const named = place(node)) return done(::fchmodat(named->directory, named->name.c_str(), kept, 0));
    if (auto* const handle = any_handle_on(node)) return done(::fchmod(handle->file.get(), kept));
    return refuse(ENOENT);
}

Answer<void> SessionTree::change_times(NodeId node, std::array<timespec, 2> const& times)
{
    if (auto const named = place(node)) return done(::utimensat(named->directory, named->name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW));
    if (auto* const handle = any_handle_on(node)) return done(::futimens(handle->file.get(), times.data()));
    return refuse(ENOENT);
}

Answer<HandleId> SessionTree::open_directory(NodeId node)
{
    if (nodes_.find(node) == nullptr) return refuse(ESTALE);
    if (!handles_left()) return refuse(ENFILE);
    if (node == kTopNode) return keep(Handle{node, {}, nullptr, false});
    auto const at = directory(node);
    if (!at) return refuse(at.error());
    auto fd = open_beneath(*at, ".", O_RDONLY | O_DIRECTORY);
    if (!fd) return refused();
    std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(fd.get()));
    if (!directory) return refused();
    (void)fd.release();  // closedir closes it
    return keep(Handle{node, {}, std::move(directory), false});
}

Answer<void> SessionTree::list(HandleId id, std::uint64_t offset, std::function<bool(Listed const&)> const& each)
{
    auto* const handle = handle_of(id);
    if (handle == nullptr || handle->file) return refuse(EBADF);
    if (!handle->directory) {
        constexpr std::array<std::string_view, 4> kTop{".", "..", "uploads", "outputs"};
        for (auto at = offset; at < kTop.size(); ++at)
            if (!each(Listed{kTop[at], 1 + (at < 2 ? 0 : at - 1), S_IFDIR, at + 1})) break;
        return {};
    }
    auto* const directory = handle->directory.get();
    if (static_cast<std::uint64_t>(::telldir(directory)) != offset) ::seekdir(directory, static_cast<long>(offset));
    for (;;) {
        errno = 0;
        auto const* const entry = ::readdir(directory);
        if (entry == nullptr) return done(errno == 0 ? 0 : -1);
        mode_t const kind = static_cast<mode_t>(DTTOIF(entry->d_type));
        if (kind_fault(kind) != 0) continue;
        if (!each(Listed{entry->d_name, entry->d_ino, kind, static_cast<std::uint64_t>(entry->d_off)})) return {};
    }
}

}  // namespace ocu::storage
