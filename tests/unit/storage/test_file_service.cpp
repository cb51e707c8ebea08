// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/file_service on a real tree: scope, intent and label at each operation; uploads whole or not at all; pages of listings.
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "storage/file_service.h"
#include "storage/media_type.h"
#include "support/memory_chunk_store.h"

namespace test_file_service {

using namespace ocu;
using namespace ocu::storage;
using proto::FileTree;
using proto::FileUse;
using proto::Reason;

constexpr std::uint64_t kMax = 1u << 20;

struct FileServiceTest {
    FileServiceTest() : FileServiceTest(FileTypes{}) {}
    explicit FileServiceTest(FileTypes given) : types(std::move(given))
    {
        tree.on_foreign_change([this](NodeId node) { gone.push_back(node); });
    }
    // As its guest does, through the mount.
    void guest_writes(std::string_view name, std::string_view bytes)
    {
        auto const made = tree.create(Face::mount, kOutputsNode, name, 0644, O_WRONLY);
        REQUIRE(made.has_value());
        REQUIRE(tree.write(made->handle, bytes, 0).has_value());
        tree.release(made->handle);
    }
    Served<FileService::Upload> begin(std::string path, proto::Intents intents = proto::kAllIntents, std::uint64_t told = 0)
    {
        return files.begin(intents, proto::FileBegin{std::move(path), told, label}, kMax);
    }
    Served<proto::FileWritten> put(std::string path, std::string_view bytes)
    {
        auto upload = begin(std::move(path));
        if (!upload) return std::unexpected(upload.error());
        REQUIRE(files.write(*upload, bytes).has_value());
        REQUIRE(files.seal(*upload).has_value());
        auto written = files.commit(*upload);
        files.abandon(*upload);
        return written;
    }
    Reason opening(std::string const& path, FileUse use = FileUse::download, proto::Intents intents = proto::kAllIntents)
    {
        auto const reader = files.open(intents, path, use);
        if (!reader) return reader.error();
        files.close(*reader);
        return Reason::none;
    }
    std::string content(std::string const& path)
    {
        auto const reader = files.open(proto::kAllIntents, path, FileUse::download);
        REQUIRE(reader.has_value());
        auto const bytes = files.read(*reader, 0, kMax).value();
        files.close(*reader);
        return bytes;
    }
    std::string listed(FileTree kind, std::string path, std::string after = {}, std::uint32_t limit = 100)
    {
        auto const page =
            files.list(proto::kAllIntents, proto::FileList{std::move(path), std::move(after), kind, FileUse::download, limit});
        if (!page) return std::string(proto::name_of(page.error()));
        std::string out;
        for (auto const& each : page->entries.items()) out += each.path.str() + " ";
        return out + (page->more ? "+" : ".");
    }

    // A file of the guest's, with the directories above it.
    void guest_has(std::string_view path)
    {
        NodeId at = path.starts_with("outputs/") ? kOutputsNode : kUploadsNode;
        auto const face = at == kOutputsNode ? Face::mount : Face::files;
        path.remove_prefix(path.find('/') + 1);
        for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/')) {
            auto const name = path.substr(0, slash);
            path.remove_prefix(slash + 1);
            auto const there = tree.peek(at, name);
            at = there ? there->node : tree.make_directory(face, at, name, 0755)->node;
        }
        auto const made = tree.create(face, at, path, 0600, O_WRONLY);
        REQUIRE(made.has_value());
        tree.release(made->handle);
    }

    test::MemoryChunkStore store;
    SessionTree tree{store, 1000, {kMax, 2 * kMax, 10'000, 100}, [] { return timespec{1'790'000'000, 0}; }};
    ManualClock clock;
    Withholding withholding{tree, clock, {}};
    FileTypes types;
    FileService files{tree, withholding, types};
    std::vector<NodeId> gone;  // what the mount would have been told
    proto::Downloadable label = proto::Downloadable::yes;
};

TEST_CASE_METHOD(
    FileServiceTest, "file_service: given an upload, when it is whole, then it is there, and not before", "[storage][SB-6][SB-9]")
{
    auto upload = begin("uploads/d/e/f.txt").value();
    auto const staged = upload.staged;
    REQUIRE(files.write(upload, "hello").has_value());
    CHECK(listed(FileTree::every_file, "") == ".");
    CHECK(listed(FileTree::one_directory, "uploads") == ".");
    CHECK(opening("uploads/" + upload.staged) == Reason::not_found);
    REQUIRE(files.seal(upload).has_value());
    auto const written = files.commit(upload).value();
    CHECK(written.entry.size == 5);
    CHECK_FALSE(written.replaced);
    CHECK(written.sha256.view() == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    CHECK(content("uploads/d/e/f.txt") == "hello");
    auto const before = tree.peek(tree.peek(tree.peek(kUploadsNode, "d")->node, "e")->node, "f.txt")->node;
    gone.clear();
    CHECK(put("uploads/d/e/f.txt", "other")->replaced);
    CHECK(std::ranges::contains(gone, before));
    CHECK(content("uploads/d/e/f.txt") == "other");
    CHECK(tree.peek(kUploadsNode, staged).error() == ENOENT);
}

TEST_CASE_METHOD(FileServiceTest,
    "file_service: given an upload that breaks, when it is abandoned, then nothing is left and the old one stays", "[storage][SB-9]")
{
    REQUIRE(put("uploads/f", "old").has_value());
    auto const free_before = tree.capacity().f_bavail;
    auto upload = begin("uploads/f").value();
    REQUIRE(files.write(upload, std::string(100'000, 'x')).has_value());
    files.abandon(upload);
    CHECK(content("uploads/f") == "old");
    CHECK(listed(FileTree::every_file, "") == "uploads/f .");
    CHECK(tree.capacity().f_bavail == free_before);
    auto deep = begin("uploads/new/dir/f").value();
    files.abandon(deep);
    CHECK(listed(FileTree::one_directory, "uploads") == "uploads/f .");
}

TEST_CASE_METHOD(FileServiceTest, "file_service: given intents, when an operation needs another, then it is forbidden", "[storage][SB-5]")
{
    REQUIRE(put("uploads/f", "x").has_value());
    CHECK(opening("uploads/f", FileUse::download, proto::kReadIntent) == Reason::none);
    CHECK(opening("uploads/f", FileUse::preview, proto::kReadIntent) == Reason::forbidden);
    CHECK(opening("uploads/f", FileUse::preview, proto::kPreviewIntent) == Reason::none);
    CHECK(opening("uploads/f", FileUse::download, proto::kPreviewIntent | proto::kWriteIntent) == Reason::forbidden);
    CHECK(begin("uploads/g", proto::kReadIntent | proto::kPreviewIntent).error() == Reason::forbidden);
    CHECK(files.removable(proto::kReadIntent, "uploads/f").error() == Reason::forbidden);
    CHECK(files.list(proto::kWriteIntent, proto::FileList{"uploads", {}, {}, {}, 10}).error() == Reason::forbidden);
    CHECK(begin("outputs/g").error() == Reason::forbidden);
}

TEST_CASE_METHOD(FileServiceTest, "file_service: given a label, when the file is asked for, then it yields nothing until it is replaced",
    "[storage][SB-5]")
{
    label = proto::Downloadable::no;
    REQUIRE(put("uploads/secret", "s")->entry.withheld == Reason::not_downloadable);
    CHECK(opening("uploads/secret", FileUse::download) == Reason::not_downloadable);
    CHECK(opening("uploads/secret", FileUse::preview) == Reason::not_downloadable);
    CHECK(opening("uploads/secret", FileUse::archive) == Reason::not_downloadable);
    label = proto::Downloadable::yes;
    REQUIRE(put("uploads/secret", "open").has_value());
    CHECK(opening("uploads/secret") == Reason::none);
}

TEST_CASE_METHOD(
    FileServiceTest, "file_service: given links of the guest's, when paths lead through them, then nowhere", "[storage][SB-2][T-08]")
{
    REQUIRE(tree.make_link(Face::mount, kOutputsNode, "root", "/").has_value());
    REQUIRE(tree.make_link(Face::mount, kOutputsNode, "up", "../uploads").has_value());
    REQUIRE(put("uploads/f", "x").has_value());
    CHECK(opening("outputs/root") == Reason::not_found);
    CHECK(opening("outputs/root/etc/passwd") == Reason::not_found);
    CHECK(opening("outputs/up/f") == Reason::not_found);
    CHECK(listed(FileTree::one_directory, "outputs/up") == "not_found");
    CHECK(listed(FileTree::every_file, "") == "uploads/f .");
    CHECK(listed(FileTree::one_directory, "outputs") == "outputs/root outputs/up .");
    for (std::string const bad : {"", "uploads/..", "uploads/../outputs", "other", "uploads//f", "/uploads/f", "uploads/./f"}) {
        CHECK(opening(bad) == Reason::bad_request);
        CHECK(begin(bad).error() == Reason::bad_request);
    }
    REQUIRE(files.removable(proto::kAllIntents, "outputs/root").has_value());
    REQUIRE(files.remove("outputs/root").has_value());
}

TEST_CASE_METHOD(
    FileServiceTest, "file_service: given what is in the way, when it is written over or removed, then conflict", "[storage][SB-6]")
{
    REQUIRE(put("uploads/d/f", "x").has_value());
    CHECK(begin("uploads/d").error() == Reason::conflict);
    CHECK(begin("uploads/d/f/g").error() == Reason::conflict);
    CHECK(files.removable(proto::kAllIntents, "uploads/d").error() == Reason::conflict);
    CHECK(files.removable(proto::kAllIntents, "uploads").error() == Reason::forbidden);
    REQUIRE(files.remove("uploads/d/f").has_value());
    REQUIRE(files.removable(proto::kAllIntents, "uploads/d").has_value());
    REQUIRE(files.remove("uploads/d").has_value());
    CHECK(files.removable(proto::kAllIntents, "uploads/d").error() == Reason::not_found);
}

TEST_CASE_METHOD(FileServiceTest, "file_service: given limits, when more is told or comes, then it is refused, at once where it can be",
    "[storage][SB-7][SB-8]")
{
    CHECK(begin("uploads/a", proto::kAllIntents, kMax + 1).error() == Reason::body_too_large);
    auto upload = begin("uploads/a").value();
    REQUIRE(files.write(upload, std::string(kMax, 'x')).has_value());
    CHECK(files.write(upload, "y").error() == Reason::body_too_large);
    CHECK(begin("uploads/b", proto::kAllIntents, kMax).has_value());
    REQUIRE(files.seal(upload).has_value());
    REQUIRE(files.commit(upload).has_value());
    REQUIRE(put("uploads/b", std::string(kMax - 8192, 'x')).has_value());
    CHECK(begin("uploads/c", proto::kAllIntents, 100'000).error() == Reason::quota_exceeded);
    auto last = begin("uploads/c").value();
    CHECK(files.write(last, std::string(100'000, 'x')).error() == Reason::quota_exceeded);
    files.abandon(last);
}

TEST_CASE_METHOD(FileServiceTest,
    "file_service: given many files, when they are listed in pages, then each once, in order, whatever the page", "[storage][SB-6]")
{
    for (auto const* name : {"outputs", "uploads"})
        for (auto const* path : {"/a", "/b/c", "/b/d/e", "/b.txt", "/z"}) guest_has(std::string(name) + path);
    auto const whole = listed(FileTree::every_file, "");
    CHECK(whole ==
          "outputs/a outputs/b/c outputs/b/d/e outputs/b.txt outputs/z uploads/a uploads/b/c uploads/b/d/e uploads/b.txt uploads/z .");
    for (std::uint32_t limit = 1; limit < 12; ++limit) {
        std::string joined;
        std::string after;
        for (bool more = true; more;) {
            auto const page =
                files.list(proto::kAllIntents, proto::FileList{"", after, FileTree::every_file, FileUse::download, limit}).value();
            for (auto const& each : page.entries.items()) joined += (after = each.path.str()) + " ";
            more = page.more;
        }
        CHECK(joined + "." == whole);
    }
    CHECK(listed(FileTree::one_directory, "outputs", "", 2) == "outputs/a outputs/b +");
    CHECK(listed(FileTree::one_directory, "outputs", "outputs/b", 2) == "outputs/b.txt outputs/z .");
    CHECK(listed(FileTree::every_file, "outputs/b") == "outputs/b/c outputs/b/d/e .");
    CHECK(listed(FileTree::one_directory, "outputs", "uploads/a") == "bad_request");
    CHECK(listed(FileTree::one_directory, "outputs/none") == "not_found");
}

TEST_CASE(
    "media_type: given first bytes, when they are looked at, then what they are, and the name decides among texts alone", "[storage][SB-7]")
{
    CHECK(media_type_of("x.html", "%PDF-1.7") == "application/pdf");
    CHECK(media_type_of("a.docx", "PK\x03\x04") == "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
    CHECK(media_type_of("a.html", "<p>") == "text/html");
    CHECK(media_type_of("a.csv", "a,b\n") == "text/csv");
    CHECK(media_type_of("a.html", std::string_view("\0\1", 2)) == "application/octet-stream");
    CHECK(media_type_of("a", "") == "text/plain");
    CHECK(media_type_of("a", std::string(511, 'a') + "\xc3") == "text/plain");
}

proto::TypeLists lists(std::vector<std::string> const& allow, std::vector<std::string> const& deny)
{
    proto::TypeLists out;
    for (auto const& each : allow) out.allow.push(wire::Text<96>(each));
    for (auto const& each : deny) out.deny.push(wire::Text<96>(each));
    return out;
}

TEST_CASE("type_rules: given lists, when a type is judged, then deny wins and an empty allow allows all", "[storage][SB-7]")
{
    CHECK(TypeRules().permits("text/plain"));
    TypeRules const rules(lists({"image/*", "text/csv"}, {"image/svg+xml"}));
    CHECK(rules.permits("image/png"));
    CHECK(rules.permits("text/csv"));
    CHECK_FALSE(rules.permits("image/svg+xml"));
    CHECK_FALSE(rules.permits("text/plain"));
    CHECK_FALSE(rules.permits("imagery/png"));
    CHECK_FALSE(TypeRules(lists({}, {"application/*"})).permits("application/x-elf"));
    CHECK(TypeRules(lists({}, {"application/*"})).permits("text/plain"));
    CHECK_FALSE(TypeRules(lists({}, {"text/csv"})).permits("text/csv"));
    CHECK(TypeRules(lists({}, {"text/csv"})).permits("text/csvx"));
}

struct TypedFilesTest : FileServiceTest {
    TypedFilesTest() : FileServiceTest({TypeRules(lists({}, {"application/x-elf"})), TypeRules(lists({"text/*"}, {"text/html"}))}) {}
};

TEST_CASE_METHOD(
    TypedFilesTest, "file_service: given a kind that is not taken in, when it is uploaded, then it has no name", "[storage][SB-5][SB-7]")
{
    auto upload = begin("uploads/a");
    REQUIRE(upload.has_value());
    REQUIRE(files
            .write(*upload,
                "\x7f"
                "ELF")
            .has_value());
    auto const sealed = files.seal(*upload);
    REQUIRE_FALSE(sealed.has_value());
    CHECK(sealed.error() == Reason::type_denied);
    files.abandon(*upload);
    CHECK(opening("uploads/a") == Reason::not_found);
    // Of a longer one, before the rest is sent.
    auto longer = begin("uploads/b");
    auto const written = files.write(*longer,
        "\x7f"
        "ELF" +
            std::string(5'000, 'x'));
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error() == Reason::type_denied);
    files.abandon(*longer);
    CHECK(put("uploads/c", "text").has_value());
}

TEST_CASE_METHOD(TypedFilesTest,
    "file_service: given outputs of a kind that is not given out, when they are asked for, then they are listed with why and not read",
    "[storage][SB-5][SB-7]")
{
    guest_writes("page.html", "<html>");
    guest_writes("tool",
        "\x7f"
        "ELF");
    guest_writes("note.txt", "words");
    for (auto const use : {FileUse::download, FileUse::preview, FileUse::archive}) {
        CHECK(opening("outputs/page.html", use) == Reason::type_denied);
        CHECK(opening("outputs/tool", use) == Reason::type_denied);
        CHECK(opening("outputs/note.txt", use) == Reason::none);
    }
    auto const page = files.list(proto::kAllIntents, proto::FileList{"outputs", {}, FileTree::one_directory, FileUse::download, 10});
    REQUIRE(page.has_value());
    for (auto const& each : page->entries.items())
        CHECK(each.withheld == (each.path.view() == "outputs/note.txt" ? Reason::none : Reason::type_denied));
    // What somebody uploaded is given back: it is the outputs' rule.
    REQUIRE(put("uploads/page.html", "<html>").has_value());
    CHECK(opening("uploads/page.html") == Reason::none);
}

TEST_CASE_METHOD(TypedFilesTest, "file_service: given a file that is open, when its guest makes another kind of it, then no more is read",
    "[storage][SB-5][T-08]")
{
    guest_writes("f.txt", std::string(2'000, 'a'));
    auto const reader = files.open(proto::kAllIntents, "outputs/f.txt", FileUse::download);
    REQUIRE(reader.has_value());
    CHECK(files.read(*reader, 1'000, 10).has_value());
    auto const again = tree.open(Face::mount, tree.lookup(kOutputsNode, "f.txt")->node, O_WRONLY);
    REQUIRE(again.has_value());
    REQUIRE(
        tree.write(*again,
                "\x7f"
                "ELF",
                0)
            .has_value());
    tree.release(*again);
    auto const now = files.read(*reader, 1'000, 10);
    REQUIRE_FALSE(now.has_value());
    CHECK(now.error() == Reason::type_denied);
    files.close(*reader);
}

}  // namespace test_file_service
