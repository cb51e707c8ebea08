// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/file_service.h"

#include <fcntl.h>

#include <algorithm>

#include "storage/file_service_held.h"
#include "storage/limits.h"
#include "storage/media_type.h"

namespace ocu::storage {

using proto::FileEntry;
using proto::FileKind;
using proto::Reason;

namespace {

constexpr std::size_t kEntryBytes = 160;  // of a frame, besides the path
constexpr std::size_t kNamesAtOnce = 512;

std::unexpected<Reason> no(Reason reason) { return std::unexpected(reason); }
std::unexpected<Reason> no(int fault) { return std::unexpected(reason_of_errno(fault)); }

std::int64_t modified_ns(struct stat const& attributes) { return attributes.st_mtim.tv_sec * 1'000'000'000 + attributes.st_mtim.tv_nsec; }

FileKind kind_of(struct stat const& attributes)
{
    if (S_ISDIR(attributes.st_mode)) return FileKind::directory;
    return S_ISLNK(attributes.st_mode) ? FileKind::link : FileKind::file;
}

std::string joined(std::string const& prefix, std::string_view name)
{
    return prefix.empty() ? std::string(name) : prefix + "/" + std::string(name);
}

proto::Intents intent_of(proto::FileUse use) { return use == proto::FileUse::preview ? proto::kPreviewIntent : proto::kReadIntent; }

}  // namespace

Reason reason_of_errno(int fault)
{
    switch (fault) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ESTALE: return Reason::not_found;
    case EEXIST:
    case EISDIR:
    case ENOTEMPTY: return Reason::conflict;
    case ENOSPC:
    case EDQUOT: return Reason::quota_exceeded;
    case EFBIG: return Reason::body_too_large;
    case EROFS:
    case EACCES:
    case EPERM: return Reason::forbidden;
    case EINVAL:
    case ENAMETOOLONG: return Reason::bad_request;
    case ENFILE:
    case EMFILE: return Reason::too_many_calls;
    default: return Reason::internal;
    }
}

std::optional<std::vector<std::string_view>> path_parts(std::string_view path)
{
    if (path.empty() || path.size() > kFilesPathBytesMax) return std::nullopt;
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; at <= path.size();) {
        auto const end = std::min(path.find('/', at), path.size());
        auto const part = path.substr(at, end - at);
        if (name_fault(part) != 0 || parts.size() == kPathDepthMax) return std::nullopt;
        parts.push_back(part);
        at = end + 1;
    }
    if (parts.front() != "uploads" && parts.front() != "outputs") return std::nullopt;
    return parts;
}

Served<FileService::Found> FileService::find(std::string const& path, Held& held)
{
    auto const parts = path_parts(path);
    if (!parts) return no(Reason::bad_request);
    Found found;
    NodeId at = kTopNode;
    for (auto const part : *parts) {
        if (at != kTopNode && !S_ISDIR(found.entry.attributes.st_mode)) return no(Reason::not_found);
        if (parts->front() == "uploads" && parts->size() == 2 && staged_.contains(part)) return no(Reason::not_found);
        auto entry = held.lookup(at, part);
        if (!entry) return no(entry.error());
        found = {at, std::string(part), *entry};
        at = entry->node;
    }
    return found;
}

std::string FileService::sniffed(std::string const& path, Entry const& entry)
{
    auto const size = static_cast<std::uint64_t>(entry.attributes.st_size);
    auto const modified = modified_ns(entry.attributes);
    auto const known = sniffed_.find(entry.attributes.st_ino);
    if (known != sniffed_.end() && known->second.size == size && known->second.modified_ns == modified) return known->second.type;
    std::string first(kSniffBytes, '\0');
    std::size_t got = 0;
    if (auto const handle = tree_.open(Face::files, entry.node, O_RDONLY)) {
        got = tree_.read(*handle, first, 0).value_or(0);
        tree_.release(*handle);
    }
    first.resize(got);
    if (sniffed_.size() >= kSniffedMax) sniffed_.clear();
    auto& kept = sniffed_[entry.attributes.st_ino];
    kept = {size, modified, std::string(media_type_of(path, first))};
    return kept.type;
}

FileEntry FileService::described(std::string path, Entry const& entry)
{
    FileEntry out;
    out.kind = kind_of(entry.attributes);
    if (out.kind == FileKind::file) out.media_type = wire::Text<96>::cut(sniffed(path, entry));
    out.path = std::move(path);
    out.size = static_cast<std::uint64_t>(entry.attributes.st_size);
    out.modified_ns = modified_ns(entry.attributes);
    out.node = entry.attributes.st_ino;
    if (out.kind == FileKind::file) out.withheld = withheld(out.path.view(), entry, out.media_type.view());
    return out;
}

// Of one that cannot be looked into now the reading of it will say so: an archive breaks off then, and leaves nothing out unsaid.
Reason FileService::withheld(std::string_view path, Entry const& entry, std::string_view media_type)
{
    auto const verdict = withholding_.verdict(path, entry);
    if (verdict != Withheld::no && verdict != Withheld::unsure) return Reason::not_downloadable;
    bool const output = path.starts_with("outputs/");
    return output && !types_.outputs.permits(media_type) ? Reason::type_denied : Reason::none;
}

// The first `count` names in order after `after`, in one pass and in no more memory than these take.
std::vector<std::string> FileService::names_after(NodeId directory, std::string_view after, std::size_t count)
{
    std::set<std::string, std::less<>> least;
    auto const handle = tree_.open_directory(directory);
    if (!handle) return {};
    (void)tree_.list(*handle, 0, [&](SessionTree::Listed const& each) {
        if (each.name == "." || each.name == ".." || each.name <= after) return true;
        if (directory == kUploadsNode && staged_.contains(each.name)) return true;
        if (least.size() == count) {
            if (each.name >= *least.rbegin()) return true;
            least.erase(std::prev(least.end()));
        }
        least.emplace(each.name);
        return true;
    });
    tree_.release(*handle);
    return {least.begin(), least.end()};
}

struct FileService::Walk {
    std::vector<FileEntry> entries{};
    std::size_t bytes = 0;
    std::size_t limit = 0;
    bool full = false;
};

bool FileService::add(std::string path, Entry const& entry, Walk& walk)
{
    auto const cost = path.size() + kEntryBytes;
    if (walk.entries.size() == walk.limit || walk.bytes + cost > proto::kFilePieceBytesMax) {
        walk.full = true;
        return false;
    }
    walk.bytes += cost;
    walk.entries.push_back(described(std::move(path), entry));
    return true;
}

// Every file beneath, depth first, names in order; after the path whose components `after` are. Depth is bounded by a path's length.
void FileService::walk(NodeId directory, std::string const& prefix, std::span<std::string_view const> after, Walk& walk)
{
    std::string last(after.empty() ? std::string_view() : after.front());
    if (after.size() > 1) {
        Held held(tree_);
        auto const entry = held.lookup(directory, last);
        if (entry && S_ISDIR(entry->attributes.st_mode)) this->walk(entry->node, joined(prefix, last), after.subspan(1), walk);
    }
    while (!walk.full) {
        auto const names = names_after(directory, last, kNamesAtOnce);
        for (auto const& name : names) {
            Held held(tree_);
            auto const entry = held.lookup(directory, name);
            if (!entry) continue;
            auto path = joined(prefix, name);
            if (path.size() > kFilesPathBytesMax) continue;
            if (S_ISDIR(entry->attributes.st_mode)) this->walk(entry->node, path, {}, walk);
            if (S_ISREG(entry->attributes.st_mode)) add(std::move(path), *entry, walk);
            if (walk.full) return;
        }
        if (names.size() < kNamesAtOnce) return;
        last = names.back();
    }
}

Served<proto::FileEntries> FileService::list(proto::Intents intents, proto::FileList const& wanted)
{
    if ((intents & proto::kReadIntent) == 0) return no(Reason::forbidden);
    Walk walk{.limit = std::min<std::size_t>({wanted.limit, proto::kFileEntriesMax, kFilesPerListMax})};
    Held held(tree_);
    std::vector<std::string_view> after;
    if (!wanted.after.empty()) {
        auto const parts = path_parts(wanted.after.view());
        if (!parts) return no(Reason::bad_request);
        after = *parts;
    }
    if (wanted.tree == proto::FileTree::every_file && wanted.path.empty()) {
        this->walk(kTopNode, "", after, walk);
        return proto::FileEntries{std::move(walk.entries), walk.full};
    }
    auto const found = find(wanted.path.str(), held);
    if (!found) return no(found.error());
    if (!S_ISDIR(found->entry.attributes.st_mode)) return no(Reason::not_found);
    auto const depth = path_parts(wanted.path.view())->size();
    bool const beneath = wanted.after.view().starts_with(wanted.path.str() + "/");
    if (!after.empty() && !beneath) return no(Reason::bad_request);
    std::span<std::string_view const> const rest = std::span(after).subspan(std::min(depth, after.size()));
    if (wanted.tree == proto::FileTree::every_file) {
        this->walk(found->entry.node, wanted.path.str(), rest, walk);
        return proto::FileEntries{std::move(walk.entries), walk.full};
    }
    if (rest.size() > 1) return no(Reason::bad_request);
    for (auto const& name : names_after(found->entry.node, rest.empty() ? std::string_view() : rest.front(), walk.limit + 1)) {
        Held each(tree_);
        auto const entry = each.lookup(found->entry.node, name);
        if (entry && !add(joined(wanted.path.str(), name), *entry, walk)) break;
    }
    return proto::FileEntries{std::move(walk.entries), walk.full};
}

Served<FileService::Reader> FileService::open(proto::Intents intents, std::string const& path, proto::FileUse use)
{
    if ((intents & intent_of(use)) == 0) return no(Reason::forbidden);
    Held held(tree_);
    auto const found = find(path, held);
    if (!found) return no(found.error());
    if (!S_ISREG(found->entry.attributes.st_mode)) return no(Reason::not_found);
    auto const withheld = withholding_.verdict(path, found->entry);
    if (withheld == Withheld::unsure) return no(Reason::too_many_calls);
    if (withheld != Withheld::no) return no(Reason::not_downloadable);
    auto entry = described(path, found->entry);
    if (entry.withheld != Reason::none) return no(entry.withheld);
    auto const handle = tree_.open(Face::files, found->entry.node, O_RDONLY);
    if (!handle) return no(handle.error());
    Reader reader{*handle, std::move(entry)};
    if (withholding_.is_compared(path, reader.entry.size)) reader.revision = tree_.revision(found->entry.node);
    return reader;
}

// The bytes are judged once more as they are given out: a file that was text when it was opened may be something else by now.
Served<std::string> FileService::read(Reader const& reader, std::uint64_t offset, std::size_t bytes)
{
    // T-33: what was looked into when it was opened is not what a guest has made of it since.
    if (reader.revision && tree_.revision(reader.entry.node) != reader.revision) return no(Reason::conflict);
    auto const path = reader.entry.path.view();
    if (types_.outputs.any() && path.starts_with("outputs/")) {
        auto const first = read_at(reader.handle, 0, kSniffBytes);
        if (!first) return no(first.error());
        if (!types_.outputs.permits(media_type_of(path, *first))) return no(Reason::type_denied);
    }
    return read_at(reader.handle, offset, bytes);
}

Served<std::string> FileService::read_at(HandleId handle, std::uint64_t offset, std::size_t bytes)
{
    std::string out(std::min(bytes, proto::kFilePieceBytesMax), '\0');
    auto const got = tree_.read(handle, out, offset);
    if (!got) return no(got.error());
    out.resize(*got);
    return out;
}

}  // namespace ocu::storage
