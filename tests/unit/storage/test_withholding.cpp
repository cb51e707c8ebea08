// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/withholding and withheld_contents under file_service, on a real tree: by rule, by label, by an operator's word, and as a copy.
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include "storage/file_service.h"
#include "storage/limits.h"
#include "storage/resource_service.h"
#include "support/memory_chunk_store.h"

namespace test_withholding {

using namespace ocu;
using namespace ocu::storage;
using namespace std::chrono_literals;
using proto::Downloadable;
using proto::FileStanding;
using proto::FilesVerb;
using proto::FileUse;
using proto::Reason;
using proto::ResourceOutcome;

std::string const kText = "a content that is long enough to be known\n";

struct WithholdingTest {
    WithholdingTest()
    {
        withholding.on_changed([this](proto::WithheldChange change) {
            for (auto const& each : change.more.items()) told.insert(each);
            for (auto const& each : change.less.items()) told.erase(each);
            overflow = overflow || change.overflow;
        });
        withholding.on_pending([this] { ++pending; });
        auto const raw = tree.make_directory(Face::mount, kOutputsNode, "raw", 0755);
        REQUIRE(raw);
        raw_node = raw->node;
    }
    void put(std::string const& path, std::string_view bytes, Downloadable label = Downloadable::yes)
    {
        auto upload = files.begin(proto::kAllIntents, proto::FileBegin{path, bytes.size(), label}, 1u << 20);
        REQUIRE(upload);
        REQUIRE(files.write(*upload, bytes));
        REQUIRE(files.seal(*upload));
        sealed = told;
        REQUIRE(files.commit(*upload));
    }
    // As its guest does, through the mount.
    NodeId guest_writes(NodeId directory, std::string_view name, std::string_view bytes)
    {
        auto const made = tree.create(Face::mount, directory, name, 0644, O_WRONLY | O_TRUNC);
        REQUIRE(made);
        REQUIRE(tree.write(made->handle, bytes, 0));
        tree.release(made->handle);
        return made->entry.node;
    }
    Reason opening(std::string const& path, FileUse use = FileUse::download)
    {
        auto const reader = files.open(proto::kAllIntents, path, use);
        if (!reader) return reader.error();
        files.close(*reader);
        return Reason::none;
    }
    ResourceOutcome over_mcp(std::string const& path) { return answer_resource(files, {proto::ResourceVerb::read, path}).outcome; }
    bool listed_as_downloadable(std::string const& path)
    {
        auto const page = files.list(proto::kAllIntents, proto::FileList{"", "", proto::FileTree::every_file, FileUse::download, 100});
        for (auto const& each : page.value().entries.items())
            if (each.path.view() == path) return each.withheld == Reason::none;
        FAIL("not listed");
        return false;
    }
    proto::FilesTold operator_says(FilesVerb verb, std::string const& path) { return files.operator_says({verb, path}, "anna"); }
    void look()
    {
        while (withholding.step()) clock.advance(10s);
    }
    static proto::WithheldContent content(std::string_view bytes) { return {bytes.size(), crypto::sha256(bytes)}; }

    test::MemoryChunkStore store;
    SessionTree tree{store, 1000, {1u << 20, 8u << 20, 20'000, 100}, [] { return timespec{1'790'000'000, 0}; }};
    ManualClock clock;
    Withholding withholding{tree, clock, {WithholdRule("uploads/**/*.key"), WithholdRule("outputs/raw/**")}};
    FileService files{tree, withholding};
    std::set<proto::WithheldContent> told, sealed;
    NodeId raw_node = 0;
    bool overflow = false;
    int pending = 0;
};

TEST_CASE_METHOD(WithholdingTest, "withholding: given a rule, when its files are asked for, then both faces refuse, and no other file",
    "[storage][SB-5][T-33]")
{
    put("uploads/a/b.key", kText);
    put("uploads/b.txt", "something else altogether\n");
    guest_writes(raw_node, "x", "whatever the guest has written\n");
    guest_writes(kOutputsNode, "y", "and here as well, of another length\n");
    for (auto const use : {FileUse::download, FileUse::preview, FileUse::archive}) {
        CHECK(opening("uploads/a/b.key", use) == Reason::not_downloadable);
        CHECK(opening("outputs/raw/x", use) == Reason::not_downloadable);
        CHECK(opening("uploads/b.txt", use) == Reason::none);
        CHECK(opening("outputs/y", use) == Reason::none);
    }
    CHECK(over_mcp("uploads/a/b.key") == ResourceOutcome::withheld);
    CHECK(over_mcp("outputs/y") == ResourceOutcome::done);
    CHECK_FALSE(listed_as_downloadable("uploads/a/b.key"));
    CHECK(listed_as_downloadable("uploads/b.txt"));
    // Resolved by the path at each question: moved out, it may go; moved in, it may not.
    REQUIRE(tree.rename(Face::mount, raw_node, "x", kOutputsNode, "z", 0));
    CHECK(opening("outputs/z") == Reason::none);
    REQUIRE(tree.rename(Face::mount, kOutputsNode, "y", raw_node, "y", 0));
    CHECK(opening("outputs/raw/y") == Reason::not_downloadable);
}

TEST_CASE_METHOD(WithholdingTest,
    "withholding: given a withheld upload, when it is whole, then its content is told before it has a name, and a copy is withheld for "
    "ever",
    "[storage][SB-5][T-33]")
{
    put("uploads/label", kText, Downloadable::no);
    CHECK(sealed == std::set{content(kText)});
    put("uploads/b.key", "another one, by its rule\n");
    CHECK(sealed.contains(content("another one, by its rule\n")));
    guest_writes(kOutputsNode, "copy", kText);
    guest_writes(kOutputsNode, "other", std::string(kText.size(), 'x'));
    guest_writes(kOutputsNode, "rule-copy", "another one, by its rule\n");
    CHECK(opening("outputs/copy") == Reason::not_downloadable);
    CHECK(over_mcp("outputs/copy") == ResourceOutcome::withheld);
    CHECK_FALSE(listed_as_downloadable("outputs/copy"));
    CHECK(opening("outputs/rule-copy") == Reason::not_downloadable);
    CHECK(opening("outputs/other") == Reason::none);
    REQUIRE(files.remove("uploads/label"));
    CHECK(opening("outputs/copy") == Reason::not_downloadable);
    CHECK(told.contains(content(kText)));
    // What has changed is looked into again, whatever its times say.
    guest_writes(kOutputsNode, "copy", std::string(kText.size(), 'x'));
    CHECK(opening("outputs/copy") == Reason::none);
    guest_writes(kOutputsNode, "other", kText);
    CHECK(opening("outputs/other") == Reason::not_downloadable);
}

TEST_CASE_METHOD(WithholdingTest, "withholding: given a file that was looked into, when it becomes a copy before it is read, then conflict",
    "[storage][SB-5][T-33]")
{
    put("uploads/label", kText, Downloadable::no);
    guest_writes(kOutputsNode, "f", std::string(kText.size(), 'x'));
    guest_writes(kOutputsNode, "log", "of a length that no withheld file has");
    auto const reader = files.open(proto::kAllIntents, "outputs/f", FileUse::download);
    auto const log = files.open(proto::kAllIntents, "outputs/log", FileUse::download);
    REQUIRE((reader && log));
    CHECK(files.read(*reader, 0, 4).value() == "xxxx");
    guest_writes(kOutputsNode, "f", kText);
    guest_writes(kOutputsNode, "log", "of a length that no withheld file had");
    CHECK(files.read(*reader, 0, 4).error() == Reason::conflict);
    CHECK(files.read(*log, 0, 2).has_value());
}

TEST_CASE_METHOD(WithholdingTest,
    "withholding: given contents of no use for comparing, when files become withheld, then none is remembered", "[storage][SB-5]")
{
    put("uploads/empty.key", "");
    put("uploads/short.key", "fifteen bytes..");
    CHECK(told.empty());
    guest_writes(kOutputsNode, "short", "fifteen bytes..");
    CHECK(opening("outputs/short") == Reason::none);
    CHECK(opening("uploads/short.key") == Reason::not_downloadable);
    put("uploads/enough.key", "sixteen bytes...");
    CHECK(told.size() == 1);
}

TEST_CASE_METHOD(WithholdingTest,
    "withholding: given a guest's file where a rule withholds, when it is closed, then its content is known until it has another",
    "[storage][SB-5][T-33]")
{
    guest_writes(raw_node, "x", kText);
    CHECK(pending > 0);
    CHECK(told.empty());
    look();
    CHECK(told == std::set{content(kText)});
    guest_writes(kOutputsNode, "copy", kText);
    CHECK(opening("outputs/copy") == Reason::not_downloadable);
    guest_writes(raw_node, "x", "the guest has written something else\n");
    look();
    CHECK(told == std::set{content("the guest has written something else\n")});
    CHECK(opening("outputs/copy") == Reason::none);
    REQUIRE(tree.rename(Face::mount, raw_node, "x", kOutputsNode, "x", 0));
    CHECK(told.empty());
    REQUIRE(tree.rename(Face::mount, kOutputsNode, "x", raw_node, "x", 0));
    look();
    CHECK(told.size() == 1);
    int const before = pending;
    guest_writes(kOutputsNode, "elsewhere", kText);
    CHECK(pending == before);
}

TEST_CASE_METHOD(WithholdingTest, "withholding: given a guest that writes many, when they are withheld, then it crowds out nobody",
    "[storage][T-06][T-33]")
{
    put("uploads/label", kText, Downloadable::no);
    for (std::size_t i = 0; i < kWithheldGuestsMax + 10; ++i) {
        guest_writes(raw_node, "f" + std::to_string(i), "one of many files, number " + std::to_string(i));
        look();
    }
    CHECK(told.size() == kWithheldGuestsMax + 1);
    CHECK(told.contains(content(kText)));
    CHECK_FALSE(overflow);
    CHECK(opening("outputs/raw/f1030") == Reason::not_downloadable);
}

TEST_CASE("withheld_contents: given more from outside than can be told, when one comes, then it takes a guest's place, and then overflow",
    "[storage][T-33]")
{
    WithheldContents contents;
    std::size_t more = 0, less = 0;
    bool overflow = false;
    contents.on_changed([&](proto::WithheldChange change) {
        more += change.more.items().size();
        less += change.less.items().size();
        overflow = overflow || change.overflow;
    });
    contents.keep_guests(1, {100, {}});
    for (std::uint64_t i = 0; i < proto::kWithheldContentsMax; ++i) contents.keep(2, {200 + i, {}});
    CHECK(contents.size() == proto::kWithheldContentsMax);
    CHECK(less == 1);
    CHECK_FALSE(contents.is_guests_owner(1));
    CHECK_FALSE(overflow);
    contents.keep_guests(3, {100, {}});
    CHECK_FALSE(contents.has_size(100));
    contents.keep(2, {100'000, {}});
    CHECK(overflow);
    CHECK(contents.overflow());
    CHECK(more == proto::kWithheldContentsMax + 1);
}

TEST_CASE_METHOD(WithholdingTest,
    "withholding: given more to look into than the rate allows, when asked for, then not now, and later it is", "[storage][T-06][T-33]")
{
    std::string const big(1u << 20, 'b');
    auto const files_at_once = kLookBytesPerSecond >> 20;
    put("uploads/label", big, Downloadable::no);
    auto const one = guest_writes(kOutputsNode, "f", std::string(1u << 20, 'x'));
    // Every look at a new version of it is paid for.
    for (std::uint64_t i = 0; i < files_at_once; ++i) {
        REQUIRE(opening("outputs/f") == Reason::none);
        auto const handle = tree.open(Face::mount, one, O_WRONLY).value();
        REQUIRE(tree.write(handle, std::string_view("y"), 0));
        tree.release(handle);
    }
    CHECK(opening("outputs/f") == Reason::too_many_calls);
    CHECK(listed_as_downloadable("outputs/f"));
    clock.advance(100ms);
    CHECK(opening("outputs/f") == Reason::none);
}

TEST_CASE_METHOD(WithholdingTest,
    "withholding: given an operator's word, when a file is withheld or released, then it stands wherever the file goes",
    "[storage][SB-5][T-33]")
{
    guest_writes(kOutputsNode, "f", kText);
    auto const done = operator_says(FilesVerb::withhold, "outputs/f");
    REQUIRE(done.reason == Reason::none);
    CHECK(done.files.items().at(0).standing == FileStanding::by_operator);
    CHECK(done.files.items().at(0).by.view() == "anna");
    CHECK(told == std::set{content(kText)});
    REQUIRE(tree.rename(Face::mount, kOutputsNode, "f", kOutputsNode, "g", 0));
    CHECK(opening("outputs/g") == Reason::not_downloadable);
    // A guest writes on: what it was and what it is are both known.
    guest_writes(kOutputsNode, "g", "another content of the file that is withheld\n");
    look();
    CHECK(told.size() == 2);
    CHECK(operator_says(FilesVerb::release, "outputs/g").files.items().at(0).standing == FileStanding::released);
    CHECK(opening("outputs/g") == Reason::none);
    CHECK(told.empty());
}

TEST_CASE_METHOD(WithholdingTest,
    "withholding: given an operator, when a file of a rule or label is released, then it and its copies may go", "[storage][SB-5]")
{
    put("uploads/a.key", kText);
    guest_writes(kOutputsNode, "copy", kText);
    REQUIRE(opening("outputs/copy") == Reason::not_downloadable);
    REQUIRE(operator_says(FilesVerb::release, "uploads/a.key").reason == Reason::none);
    CHECK(opening("uploads/a.key") == Reason::none);
    CHECK(opening("outputs/copy") == Reason::none);
    CHECK(told.empty());
    // The next file of that name is another one.
    put("uploads/a.key", kText);
    CHECK(opening("uploads/a.key") == Reason::not_downloadable);
}

TEST_CASE_METHOD(
    WithholdingTest, "withholding: given an operator, when files are listed, then each with its standing and why", "[storage][SB-5]")
{
    put("uploads/a.key", "of a rule that the manifest has\n");
    put("uploads/label", kText, Downloadable::no);
    put("uploads/free", "free to go, by anybody's leave");
    guest_writes(kOutputsNode, "copy", kText);
    auto const listed = operator_says(FilesVerb::list, "");
    REQUIRE(listed.files.items().size() == 4);
    std::string out;
    for (auto const& each : listed.files.items())
        out += each.path.str() + "=" + std::string(name_of(each.standing)) + "(" + each.by.str() + ") ";
    CHECK(out == "outputs/copy=copy() uploads/a.key=rule(uploads/**/*.key) uploads/free=free() uploads/label=label() ");
    CHECK(operator_says(FilesVerb::list, "uploads/a.key").files.items().size() == 2);
    CHECK(operator_says(FilesVerb::withhold, "uploads/none").reason == Reason::not_found);
    CHECK(operator_says(FilesVerb::withhold, "outputs/raw").reason == Reason::not_found);
    CHECK(operator_says(FilesVerb::withhold, "../x").reason == Reason::bad_request);
}

}  // namespace test_withholding
