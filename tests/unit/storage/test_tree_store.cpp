// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/tree_journal, tree_changes, session_tree_keeping. What of a tree is in its store, when, and that it is the same tree when
// it is read again.
#include <catch2/catch_test_macros.hpp>

#include <linux/fs.h>

#include <random>

#include "storage/tree_keeper.h"
#include "support/tree_stand.h"

namespace test_tree_store {

using namespace ocu::storage;
using ocu::test::TreeAgain;
using ocu::test::TreeStand;

namespace {

constexpr auto kMount = Face::mount;

Answer<void> apply_whole(SessionTree& from, SessionTree& to)
{
    return from.whole([&to](std::span<std::byte const> batch) -> Answer<void> {
        if (batch.size() > kChangesBytesMax) return refuse(E2BIG);
        return to.apply(batch);
    });
}

// Applies one change to an empty tree that has a file 4 and a directory 5 with a file 6 in it.
template <class Change>
bool applies(Change const& change)
{
    ocu::test::MemoryChunkStore store;
    SessionTree tree(store, 1, {1u << 20, 1u << 20, 10, 4}, [] { return timespec{1, 1}; });
    ocu::wire::Bytes batch;
    append_change(batch, TreeBegun{4});
    append_change(batch, NodeMade{4, kOutputsNode, "f", S_IFREG | 0644, ""});
    append_change(batch, NodeMade{5, kOutputsNode, "d", S_IFDIR | 0755, ""});
    append_change(batch, NodeMade{6, 5, "in", S_IFREG | 0644, ""});
    REQUIRE(tree.apply(batch).has_value());
    batch.clear();
    append_change(batch, change);
    return tree.apply(batch).has_value();
}

}  // namespace

TEST_CASE_METHOD(TreeStand,
    "tree_store: given what was closed or synced, when the store is read again, then it is there; the rest may not be", "[storage][SB-9]")
{
    auto const made = tree.create(kMount, kOutputsNode, "closed", 0640, O_RDWR).value();
    REQUIRE(tree.write(made.handle, std::string_view("promised"), 0).has_value());
    auto const other = tree.create(kMount, kOutputsNode, "open", 0640, O_RDWR).value();
    REQUIRE(tree.write(other.handle, std::string_view("not promised"), 0).has_value());
    REQUIRE(tree.flush(made.handle).has_value());
    TreeAgain again(store, limits);
    REQUIRE(again.good);
    CHECK(TreeStand::text_of(again.tree, again.tree.peek(kOutputsNode, "closed")->node) == "promised");
    // Its name was noted with the others'; no size is said of it whose bytes are not there.
    CHECK(TreeStand::text_of(again.tree, again.tree.peek(kOutputsNode, "open")->node).empty());
    REQUIRE(tree.settle().has_value());
    TreeAgain later(store, limits);
    REQUIRE(later.good);
    CHECK(picture(later.tree) == picture(tree));
}

TEST_CASE_METHOD(
    TreeStand, "tree_store: given a close of a file that was read, when nothing changed, then nothing is appended", "[storage]")
{
    auto const node = file("f", "text");
    auto const batches = store.batches.size();
    tick();
    CHECK(text(node) == "text");
    auto const handle = tree.open(kMount, node, O_RDONLY).value();
    REQUIRE(tree.flush(handle).has_value());
    CHECK(store.batches.size() == batches);
    REQUIRE(tree.settle().has_value());
    CHECK(store.batches.size() == batches + 1);  // the time of the reading
}

TEST_CASE_METHOD(
    TreeStand, "tree_store: given many changes, when nobody closes anything, then batches stay within their bound", "[storage][T-06]")
{
    for (int i = 0; i < 3'000; ++i) folder("a name of some length, so that a batch is full soon " + std::to_string(i));
    CHECK(store.batches.size() > 1);
    for (int i = 0; i < 40; ++i) {
        auto const node = folder("l" + std::to_string(i));
        REQUIRE(tree.set_label(kMount, node, "user.big", std::string(65'536, 'x'), 0).has_value());
    }
    REQUIRE(tree.settle().has_value());
    TreeAgain again(store, limits);
    REQUIRE(again.good);
    CHECK(picture(again.tree) == picture(tree));
}

TEST_CASE_METHOD(TreeStand,
    "tree_store: given a chunk that housekeeping moves, when it is read, then at its new place, also after reading again",
    "[storage][SB-9]")
{
    auto const node = file("f", std::string(3 * kChunkBytes, 'x'));
    store.move_number = 2;
    REQUIRE(tree.keep_house().has_value());
    CHECK(store.moved);
    CHECK_FALSE(store.chunks.contains(2));
    CHECK(text(node) == std::string(3 * kChunkBytes, 'x'));
    TreeAgain again(store, limits);
    REQUIRE(again.good);
    CHECK(TreeStand::text_of(again.tree, node) == std::string(3 * kChunkBytes, 'x'));
    CHECK_FALSE(store.house.moved(node, 1, {2, 1, 2}, {99, 1, 99}));
    CHECK_FALSE(store.house.moved(999, 0, {1, 1, 1}, {99, 1, 99}));
    CHECK(store.house.moved(node, 0, {1, 1, 1}, {1, 1, 1}));  // only asked
}

TEST_CASE("tree_store: given changes that no tree has made, when they are read, then each is refused", "[storage][T-08][SB-9]")
{
    CHECK(applies(NodeMade{7, 5, "n", S_IFREG | 0600, ""}));
    CHECK_FALSE(applies(TreeBegun{9}));
    CHECK_FALSE(applies(NodeMade{4, 5, "n", S_IFREG | 0600, ""}));
    CHECK_FALSE(applies(NodeMade{0, 5, "n", S_IFREG | 0600, ""}));
    CHECK_FALSE(applies(NodeMade{7, 4, "n", S_IFREG | 0600, ""}));
    CHECK_FALSE(applies(NodeMade{7, 99, "n", S_IFREG | 0600, ""}));
    CHECK_FALSE(applies(NodeMade{7, kTopNode, "n", S_IFREG | 0600, ""}));
    CHECK_FALSE(applies(NodeMade{7, 5, "in", S_IFREG | 0600, ""}));
    for (auto const* const name : {"", ".", "..", "a/b"}) CHECK_FALSE(applies(NodeMade{7, 5, name, S_IFREG | 0600, ""}));
    CHECK_FALSE(applies(NodeMade{7, 5, "n", S_IFREG | 04755, ""}));
    CHECK_FALSE(applies(NodeMade{7, 5, "n", S_IFIFO | 0600, ""}));
    CHECK_FALSE(applies(NodeMade{7, 5, "n", S_IFREG | 0600, "target"}));
    CHECK_FALSE(applies(NodeMade{7, 5, "n", S_IFLNK | 0777, ""}));
    CHECK_FALSE(applies(NameLinked{5, kOutputsNode, "n"}));
    CHECK_FALSE(applies(NameLinked{4, kUploadsNode, "n"}));
    CHECK_FALSE(applies(NameUnlinked{kOutputsNode, "none"}));
    CHECK_FALSE(applies(NameUnlinked{kOutputsNode, "d"}));
    CHECK_FALSE(applies(NameUnlinked{kTopNode, "outputs"}));
    CHECK_FALSE(applies(NameMoved{kOutputsNode, "d", 5, "n"}));
    CHECK_FALSE(applies(NameMoved{kOutputsNode, "f", kUploadsNode, "n"}));
    CHECK_FALSE(applies(NameMoved{kOutputsNode, "f", kOutputsNode, "d"}));
    CHECK_FALSE(applies(NamesExchanged{kOutputsNode, "d", 5, "in"}));
    CHECK_FALSE(applies(NamesExchanged{kOutputsNode, "f", 5, "none"}));
    CHECK_FALSE(applies(NodeDescribed{4, S_IFDIR | 0755, 0, {}, {}, {}}));
    CHECK_FALSE(applies(NodeDescribed{4, S_IFREG | 04755, 0, {}, {}, {}}));
    CHECK_FALSE(applies(NodeDescribed{4, S_IFREG | 0644, (1u << 20) + 1, {}, {}, {}}));
    CHECK_FALSE(applies(NodeDescribed{5, S_IFDIR | 0755, 1, {}, {}, {}}));
    CHECK_FALSE(applies(NodeDescribed{4, S_IFREG | 0644, 0, {0, 1'000'000'000}, {}, {}}));
    CHECK_FALSE(applies(NodeDescribed{kOutputsNode, S_IFDIR | 0700, 0, {}, {}, {}}));
    CHECK_FALSE(applies(ChunksPlaced{5, 0, {}}));
    CHECK_FALSE(applies(ChunksPlaced{4, 64, std::vector<PlaceField>{{1, 1, 1}}}));
    CHECK_FALSE(applies(ChunksPlaced{4, 0, std::vector<PlaceField>{{0, 0, 0}}}));
    CHECK_FALSE(applies(ChunksReserved{4, 0, 65}));
    CHECK_FALSE(applies(ChunksReserved{4, ~0ull, ~0ull}));
    CHECK_FALSE(applies(ChunksCleared{5, 0, 1}));
    CHECK(applies(ChunksCleared{4, 1, ~0ull}));
    CHECK_FALSE(applies(NodeLabelled{4, "security.x", ""}));
    CHECK_FALSE(applies(NodeLabelled{99, "user.x", ""}));
    CHECK_FALSE(applies(NodeUnlabelled{4, "user.x"}));
}

TEST_CASE_METHOD(TreeStand, "tree_store: given bytes that are no batch, when they are read, then EIO", "[storage][T-08]")
{
    ocu::wire::Bytes batch;
    append_change(batch, NodeMade{4, kOutputsNode, "f", S_IFREG | 0644, ""});
    for (std::size_t size = 1; size < batch.size(); ++size) CHECK(fault(tree.apply(std::span(batch).first(size))) == EIO);
    auto longer = batch;
    longer.push_back(std::byte{0});
    CHECK(fault(read_changes(longer, [](auto const&) { return true; })) == EIO);
    auto other = batch;
    other[4] = std::byte{200};
    CHECK(fault(tree.apply(other)) == EIO);
    CHECK(fault(tree.apply(ocu::wire::Bytes(kChangesBytesMax + 1))) == EIO);
    CHECK(fault(tree.apply(batch)) == 0);
}

namespace {

// Random operations, most of which make sense.
struct RandomTree : TreeStand {
    explicit RandomTree(unsigned seed) : TreeStand({64u << 20, 256u << 20, 4'000, 4'000}), random(seed) {}
    std::uint64_t below(std::uint64_t limit) { return random() % limit; }
    NodeId node_among(std::vector<NodeId> const& all) { return all[below(all.size())]; }
    std::string name() { return std::string(1, static_cast<char>('a' + below(6))); }
    void step()
    {
        tick();
        auto const parent = node_among(folders);
        auto const at = name();
        switch (below(14)) {
        case 0:
        case 1:
            if (auto const made = tree.make_directory(kMount, parent, at, 0755)) folders.push_back(made->node);
            break;
        case 2: (void)tree.make_link(kMount, parent, at, "to " + at); break;
        case 3: (void)tree.remove(kMount, parent, at, below(2) == 0); break;
        case 4:
        case 5: {
            constexpr unsigned kFlags[]{0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
            (void)tree.rename(kMount, parent, at, node_among(folders), name(), kFlags[below(4)]);
            break;
        }
        case 6:
            if (!files.empty()) (void)tree.link(kMount, node_among(files), parent, at);
            break;
        case 7:
            if (!files.empty()) (void)tree.set_label(kMount, node_among(files), "user." + at, std::string(below(50), 'v'), 0);
            break;
        case 8:
            if (!files.empty()) (void)tree.remove_label(kMount, node_among(files), "user." + at);
            break;
        case 9:
            if (!files.empty())
                (void)tree.change(
                    kMount, node_among(files), {}, {.mode = below(0777), .user = {}, .group = {}, .size = below(100'000), .times = {}});
            break;
        case 10:
            if (handles.size() > 20) {
                if (below(2) == 0) (void)tree.flush(handles.front());
                tree.release(handles.front());
                handles.erase(handles.begin());
            }
            break;
        case 11:
            if (!handles.empty())
                (void)tree.write(
                    handles[below(handles.size())], std::string(below(70'000), static_cast<char>('a' + below(26))), below(100'000));
            break;
        default:
            if (auto const made = tree.create(kMount, parent, at, 0644, O_RDWR)) {
                files.push_back(made->entry.node);
                handles.push_back(made->handle);
            }
        }
    }
    std::mt19937_64 random;
    std::vector<NodeId> folders{kOutputsNode};
    std::vector<NodeId> files;
    std::vector<HandleId> handles;
};

}  // namespace

TEST_CASE("tree_store: given random operations, when the tree is read again from its batches or from a snapshot, then it is the same tree",
    "[storage][SB-9]")
{
    for (unsigned seed = 1; seed <= 12; ++seed) {
        RandomTree stand(seed);
        for (int step = 0; step < 1'500; ++step) {
            stand.step();
            if (step % 500 == 499) {
                REQUIRE(stand.tree.settle().has_value());
                TreeAgain again(stand.store, stand.limits);
                REQUIRE(again.good);
                auto const shown = TreeStand::picture(stand.tree);
                REQUIRE(TreeStand::picture(again.tree) == shown);
                CHECK(again.tree.quota().bytes() <= stand.tree.quota().bytes());  // less what is unlinked and still open
                CHECK(again.tree.quota().entries() == stand.tree.quota().entries());
                CHECK(again.tree.quota().text() <= stand.tree.quota().text());
                ocu::test::MemoryChunkStore other;
                other.chunks = stand.store.chunks;
                SessionTree snapshot(other, ocu::test::kOwner, stand.limits, [] { return ocu::test::kBorn; });
                REQUIRE(apply_whole(stand.tree, snapshot).has_value());
                REQUIRE(TreeStand::picture(snapshot) == shown);
                CHECK(snapshot.quota().bytes() == again.tree.quota().bytes());
                CHECK(snapshot.quota().text() == again.tree.quota().text());
            }
        }
        CHECK(stand.store.wrong_drops == 0);
    }
}

TEST_CASE_METHOD(TreeStand,
    "tree_keeper: given something unpromised, when its time comes, then it is appended, and again when the store takes it",
    "[storage][SB-9]")
{
    ocu::wire::Loop loop;
    ocu::ManualClock clock;
    int damaged = 0;
    TreeKeeper const keeper(loop, clock, tree, [&damaged] { ++damaged; }, std::chrono::milliseconds(0));
    store.fault = EIO;
    auto const node = folder("d");
    loop.run_one();
    CHECK(store.batches.empty());
    store.fault.reset();
    loop.run_one();
    CHECK(store.batches.size() == 1);
    loop.run_one();  // the house
    // Damage is said, and not again within a second.
    auto const kept = file("f", "x", node);
    REQUIRE(tree.settle().has_value());
    TreeAgain again(store, limits);
    TreeKeeper const other(loop, clock, again.tree, [&damaged] { ++damaged; });
    again.store.damaged = true;
    for (int i = 0; i < 3; ++i) CHECK(TreeStand::text_of(again.tree, kept) == "fault 5");
    CHECK(damaged == 1);
    clock.advance(kDamageReportsApart);
    CHECK(TreeStand::text_of(again.tree, kept) == "fault 5");
    CHECK(damaged == 2);
}

TEST_CASE("tree_journal: given more readings than one batch takes, when the tree settles, then they go in several", "[storage][SB-9][T-06]")
{
    constexpr int kFiles = 6'000;  // a description of each is more than kChangesBytesMax
    TreeStand stand({1u << 20, 64u << 20, 10'000, 64});
    std::vector<NodeId> files;
    for (int i = 0; i < kFiles; ++i) files.push_back(stand.file("f" + std::to_string(i), "x"));
    REQUIRE(stand.tree.settle().has_value());
    auto const before = stand.store.batches.size();
    stand.now.tv_sec += 200'000;  // days later, so that each reading is noted
    for (auto const file : files) REQUIRE(stand.text(file) == "x");
    REQUIRE(stand.tree.settle().has_value());
    CHECK(stand.store.batches.size() > before + 1);
}

TEST_CASE("tree_store: given a file, when its close returns, then everything about it was settled, or the close says that it was not",
    "[storage][SB-9]")
{
    TreeStand stand;
    auto const made = stand.tree.create(kMount, kOutputsNode, "a", 0644, O_RDWR).value();
    REQUIRE(stand.tree.write(made.handle, "text", 0).has_value());
    stand.store.settle_fault = EIO;
    CHECK(stand.tree.flush(made.handle).error() == EIO);
    auto const batches = stand.store.batches.size();
    CHECK(batches == 1);  // appended: it is not handed over a second time
    stand.store.settle_fault.reset();
    CHECK(stand.tree.flush(made.handle).has_value());
    CHECK(stand.store.batches.size() == batches);
    CHECK(stand.store.settled == batches);
    REQUIRE(stand.tree.write(made.handle, "more", 0).has_value());
    stand.store.settle_fault = EIO;
    CHECK(stand.tree.settle().error() == EIO);
    stand.tree.release(made.handle);
}

TEST_CASE("tree_store: given a store that does not answer, when a file is read, then it is EIO and no damage", "[storage][SB-9]")
{
    TreeStand stand;
    int damaged = 0;
    auto const node = stand.file("a", std::string(40'000, 'x'));
    TreeAgain again(stand.store, stand.limits);
    again.tree.on_damage([&damaged] { ++damaged; });
    again.store.read_fault = ETIMEDOUT;
    CHECK(TreeStand::text_of(again.tree, node) == "fault " + std::to_string(EIO));
    CHECK(damaged == 0);
    again.store.read_fault = EIO;
    CHECK(TreeStand::text_of(again.tree, node) == "fault " + std::to_string(EIO));
    CHECK(damaged == 1);
}

}  // namespace test_tree_store
