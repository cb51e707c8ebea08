// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A session's files by path, for the file API (F11): the one place where that face meets the tree that the guest's mount shows. Scope, intent and
// `downloadable` are resolved here at each operation, never before (SB-5): a path is taken component by component from the top, and a link is a thing
// with a name, never a way somewhere. Runs in `broker`, after confinement; one operation at a time.
//
//   threats   T-08 path tricks   T-06 a caller exhausts the session's broker

#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/crypto/crypto.h"
#include "proto/ask_files.h"
#include "proto/files_front_to_broker.h"
#include "proto/files_front_to_storage.h"
#include "storage/withholding.h"
#include "storage/type_rules.h"

namespace ocu::storage {

template <class T>
using Served = std::expected<T, proto::Reason>;

class FileService {
public:
    // Both outlive it.
    FileService(SessionTree& tree, Withholding& withholding, FileTypes types = {})
        : tree_(tree), withholding_(withholding), types_(std::move(types))
    {}

    struct Reader {
        HandleId handle = 0;
        proto::FileEntry entry;
        // What it was when it was looked into, where a file of this length could be a copy of one that may not leave.
        std::optional<std::uint64_t> revision{};
    };
    // An upload under way. It has a name of its own, which neither face shows as a file, until it is whole.
    struct Upload {
        std::string path;
        std::string staged;  // in uploads/
        HandleId handle = 0;
        NodeId node = 0;
        std::uint64_t bytes = 0;
        std::uint64_t bytes_max = 0;
        proto::Downloadable downloadable{};
        std::string first{};
        crypto::Sha256 digest{};
        std::string sha256{};  // hex, once sealed
        proto::ArchiveVerdict archive{};  // if it is one
    };

    Served<proto::FileEntries> list(proto::Intents intents, proto::FileList const& wanted);
    // not_downloadable for what may not leave, type_denied for an output of a kind that is not given out, too_many_calls for what cannot be looked
    // into now; a link or directory is not_found.
    Served<Reader> open(proto::Intents intents, std::string const& path, proto::FileUse use);
    // conflict: it may have become a copy of what may not leave; type_denied: its guest has made something else of it since.
    Served<std::string> read(Reader const& reader, std::uint64_t offset, std::size_t bytes);
    void close(Reader const& reader) { tree_.release(reader.handle); }

    Served<Upload> begin(proto::Intents intents, proto::FileBegin const& wanted, std::uint64_t bytes_max);
    Served<void> write(Upload& upload, std::string_view bytes);
    // The bytes of what was staged are in the store. Then, if it is an archive, somebody looks into it; then commit(), after which its name is too, or
    // abandon(). type_denied for a kind that is not taken in.
    Served<void> seal(Upload& upload);
    // A range of what was staged.
    Served<std::string> read(Upload const& upload, std::uint64_t offset, std::size_t bytes);
    Served<proto::FileWritten> commit(Upload& upload);
    void abandon(Upload& upload);
    std::string media_type(Upload const& upload) const;

    // Whether it may be removed and is there.
    Served<void> removable(proto::Intents intents, std::string const& path);
    Served<void> remove(std::string const& path);

    // An operator's question or word, which is on record. `request` of the answer is the caller's to set.
    proto::FilesTold operator_says(proto::FilesQuestion const& question, std::string_view actor);

private:
    class Held;
    struct Found {
        NodeId parent = 0;
        std::string name;
        Entry entry;
    };
    struct Walk;

    Served<Found> find(std::string const& path, Held& held);
    Served<NodeId> make_directories(std::vector<std::string_view> const& parts, Held& held);
    proto::FileEntry described(std::string path, Entry const& entry);
    std::string sniffed(std::string const& path, Entry const& entry);
    std::vector<std::string> names_after(NodeId directory, std::string_view after, std::size_t count);
    void walk(NodeId directory, std::string const& prefix, std::span<std::string_view const> after, Walk& walk);
    proto::FileShown shown(std::string_view path, Entry const& entry);
    proto::FilesTold list_for_operator(std::string const& after);
    bool add(std::string path, Entry const& entry, Walk& walk);
    proto::Reason withheld(std::string_view path, Entry const& entry, std::string_view media_type);
    Served<std::string> read_at(HandleId handle, std::uint64_t offset, std::size_t bytes);

    SessionTree& tree_;
    Withholding& withholding_;
    FileTypes types_;
    std::set<std::string, std::less<>> staged_;
    struct Sniffed {
        std::uint64_t size;
        std::int64_t modified_ns;
        std::string type;
    };
    std::unordered_map<std::uint64_t, Sniffed> sniffed_;
};

// Components of a path of this face, or nothing: uploads or outputs first, none that name_fault() refuses, not too deep or long.
std::optional<std::vector<std::string_view>> path_parts(std::string_view path);
proto::Reason reason_of_errno(int fault);

}  // namespace ocu::storage
