// SPDX-License-Identifier: GPL-3.0-or-later
// What the file API changes: uploads, which appear whole or not at all, and removals.
#include <fcntl.h>

#include <algorithm>

#include "storage/file_service.h"
#include "storage/file_service_held.h"
#include "storage/limits.h"
#include "storage/media_type.h"

namespace ocu::storage {

using proto::Reason;

namespace {

constexpr mode_t kUploadedFile = 0644, kUploadedDirectory = 0755;

std::unexpected<Reason> no(Reason reason) { return std::unexpected(reason); }
std::unexpected<Reason> no(int fault) { return std::unexpected(reason_of_errno(fault)); }

}  // namespace

Served<FileService::Upload> FileService::begin(proto::Intents intents, proto::FileBegin const& wanted, std::uint64_t bytes_max)
{
    if ((intents & proto::kWriteIntent) == 0) return no(Reason::forbidden);
    auto const parts = path_parts(wanted.path.view());
    if (!parts || parts->size() < 2) return no(Reason::bad_request);
    if (parts->front() != "uploads") return no(Reason::forbidden);
    if (wanted.bytes_told > bytes_max) return no(Reason::body_too_large);
    auto const room = tree_.capacity();
    if (wanted.bytes_told > static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize) return no(Reason::quota_exceeded);
    // What is in the way is seen before a byte is staged, and once more at the end.
    Held held(tree_);
    NodeId at = kTopNode;
    for (std::size_t i = 0; i < parts->size(); ++i) {
        auto const entry = held.lookup(at, (*parts)[i]);
        if (!entry) break;
        bool const directory = S_ISDIR(entry->attributes.st_mode);
        if (directory == (i + 1 == parts->size())) return no(Reason::conflict);
        at = entry->node;
    }
    Upload upload{wanted.path.str(), {}, 0, 0, 0, bytes_max, wanted.downloadable};
    std::array<std::uint8_t, 8> random{};
    crypto::random_bytes(std::as_writable_bytes(std::span(random)));
    upload.staged = ".upload-" + crypto::to_hex(random);
    auto const made = tree_.create(Face::files, kUploadsNode, upload.staged, kUploadedFile, O_RDWR | O_EXCL);
    if (!made) return no(made.error());
    tree_.forget(made->entry.node, 1);
    upload.handle = made->handle;
    upload.node = made->entry.node;
    staged_.insert(upload.staged);
    return upload;
}

Served<void> FileService::write(Upload& upload, std::string_view bytes)
{
    if (bytes.size() > upload.bytes_max - upload.bytes) return no(Reason::body_too_large);
    for (std::size_t at = 0; at < bytes.size();) {
        auto const put = tree_.write(upload.handle, std::span(bytes).subspan(at), upload.bytes + at);
        if (!put) return no(put.error());
        if (*put == 0) return no(Reason::internal);
        at += *put;
    }
    upload.digest.update(bytes);
    upload.bytes += bytes.size();
    if (upload.first.size() == kSniffBytes) return {};
    upload.first += bytes.substr(0, kSniffBytes - upload.first.size());
    // As soon as it can be known, so that the rest need not be sent.
    if (upload.first.size() == kSniffBytes && !types_.uploads.permits(media_type(upload))) return no(Reason::type_denied);
    return {};
}

Served<std::string> FileService::read(Upload const& upload, std::uint64_t offset, std::size_t bytes)
{
    return read_at(upload.handle, offset, bytes);
}

Served<void> FileService::seal(Upload& upload)
{
    if (!types_.uploads.permits(media_type(upload))) return no(Reason::type_denied);
    if (auto const kept = tree_.flush(upload.handle); !kept) return no(kept.error());
    auto const digest = upload.digest.finish();
    upload.sha256 = crypto::to_hex(digest);
    withholding_.upload_sealed(upload.node, upload.path, upload.downloadable, upload.bytes, digest);
    return {};
}

std::string FileService::media_type(Upload const& upload) const { return std::string(media_type_of(upload.path, upload.first)); }

Served<NodeId> FileService::make_directories(std::vector<std::string_view> const& parts, Held& held)
{
    NodeId at = kUploadsNode;
    for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
        auto entry = held.lookup(at, parts[i]);
        if (!entry && entry.error() == ENOENT) {
            entry = tree_.make_directory(Face::files, at, parts[i], kUploadedDirectory);
            if (entry) held.hold(entry->node);
        }
        if (!entry) return no(entry.error());
        if (!S_ISDIR(entry->attributes.st_mode)) return no(Reason::conflict);
        at = entry->node;
    }
    return at;
}

Served<proto::FileWritten> FileService::commit(Upload& upload)
{
    Held held(tree_);
    auto const parts = path_parts(upload.path);
    auto const directory = make_directories(*parts, held);
    if (!directory) return no(directory.error());
    auto const before = held.lookup(*directory, parts->back());
    if (before && S_ISDIR(before->attributes.st_mode)) return no(Reason::conflict);
    auto const moved = tree_.rename(Face::files, kUploadsNode, upload.staged, *directory, parts->back(), 0);
    if (!moved) return no(moved.error());
    staged_.erase(std::exchange(upload.staged, {}));
    if (before) withholding_.labelled(before->node, proto::Downloadable::yes);
    auto const entry = held.lookup(*directory, parts->back());
    if (!entry) return no(entry.error());
    withholding_.labelled(entry->node, upload.downloadable);
    auto const kept = tree_.flush(upload.handle);
    tree_.release(std::exchange(upload.handle, 0));
    if (!kept) return no(kept.error());
    return proto::FileWritten{described(upload.path, *entry), upload.sha256, before.has_value()};
}

void FileService::abandon(Upload& upload)
{
    if (upload.handle != 0) tree_.release(std::exchange(upload.handle, 0));
    if (upload.staged.empty()) return;
    (void)tree_.remove(Face::files, kUploadsNode, upload.staged, false);
    staged_.erase(std::exchange(upload.staged, {}));
}

Served<void> FileService::removable(proto::Intents intents, std::string const& path)
{
    if ((intents & proto::kWriteIntent) == 0) return no(Reason::forbidden);
    auto const parts = path_parts(path);
    if (!parts) return no(Reason::bad_request);
    if (parts->size() < 2) return no(Reason::forbidden);
    Held held(tree_);
    auto const found = find(path, held);
    if (!found) return no(found.error());
    if (S_ISDIR(found->entry.attributes.st_mode) && !names_after(found->entry.node, {}, 1).empty()) return no(Reason::conflict);
    return {};
}

Served<void> FileService::remove(std::string const& path)
{
    Held held(tree_);
    auto const found = find(path, held);
    if (!found) return no(found.error());
    bool const directory = S_ISDIR(found->entry.attributes.st_mode);
    if (auto const removed = tree_.remove(Face::files, found->parent, found->name, directory); !removed) return no(removed.error());
    withholding_.labelled(found->entry.node, proto::Downloadable::yes);
    return {};
}

}  // namespace ocu::storage
