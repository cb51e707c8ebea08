// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/file_contents, chunk_cache, by way of session_tree. What bytes are where, what they cost, what waits, and what is said
// when the store fails.
#include <catch2/catch_test_macros.hpp>

#include <unistd.h>

#include <random>

#include "support/tree_stand.h"

namespace test_file_contents {

using namespace ocu::storage;
using ocu::test::TreeStand;

namespace {

constexpr auto kMount = Face::mount;

struct OpenFile : TreeStand {
    OpenFile() : OpenFile(ocu::test::kTreeLimits) {}
    explicit OpenFile(TreeLimits given) : TreeStand(given)
    {
        auto const made = tree.create(kMount, kOutputsNode, "f", 0644, O_RDWR).value();
        node = made.entry.node;
        handle = made.handle;
    }
    std::size_t size() { return static_cast<std::size_t>(tree.attributes(node)->st_size); }
    int resize(std::uint64_t to)
    {
        return fault(tree.change(kMount, node, handle, {.mode = {}, .user = {}, .group = {}, .size = to, .times = {}}));
    }
    NodeId node = 0;
    HandleId handle = 0;
};

struct SmallFile : OpenFile {
    SmallFile() : OpenFile({8 * kChunkBytes, 10 * kChunkBytes, 100, 8}) {}
};

}  // namespace

TEST_CASE_METHOD(
    OpenFile, "contents: given small writes, when the file is closed, then one chunk is sealed for all of them", "[storage][SB-9]")
{
    for (int i = 0; i < 1'000; ++i)
        REQUIRE(tree.write(handle, std::string_view("line of text\n"), static_cast<std::uint64_t>(i) * 13).has_value());
    CHECK(store.appends == 0);
    CHECK(store.batches.empty());
    REQUIRE(tree.flush(handle).has_value());
    CHECK(store.appends == 1);
    CHECK(store.batches.size() == 1);
    REQUIRE(tree.flush(handle).has_value());
    CHECK(store.appends == 1);
    CHECK(store.batches.size() == 1);
    CHECK(store.syncs == 0);
    REQUIRE(tree.sync(handle, true).has_value());
    CHECK(store.syncs == 1);
    CHECK(store.wrong_drops == 0);
}

TEST_CASE_METHOD(OpenFile, "contents: given whole chunks, when they are written, then they are appended at once and in runs", "[storage]")
{
    std::string const bytes(1u << 20, 'x');
    REQUIRE(tree.write(handle, bytes, 0) == bytes.size());
    CHECK(store.appends == 1);
    CHECK(store.chunks.size() == 64);
    REQUIRE(tree.write(handle, bytes, 100) == bytes.size());
    REQUIRE(tree.flush(handle).has_value());
    CHECK(store.chunks.size() == 65);  // the old ones were dropped
    CHECK(store.wrong_drops == 0);
    CHECK(tree.quota().bytes() == (1u << 20) + 100);
}

TEST_CASE_METHOD(OpenFile,
    "contents: given more written than is cached, when nothing is closed, then the oldest are appended and all is read back",
    "[storage][T-06]")
{
    // A byte in every chunk of twice as many as are cached.
    for (std::uint64_t i = 0; i < 2 * kCachedChunksMax; ++i)
        REQUIRE(tree.write(handle, std::string_view("x"), i * kChunkBytes + 7).has_value());
    CHECK(store.chunks.size() >= kCachedChunksMax);
    for (std::uint64_t i = 0; i < 2 * kCachedChunksMax; ++i) {
        std::string got(9, '?');
        REQUIRE(tree.read(handle, got, i * kChunkBytes).value() >= 8);
        CHECK(got.substr(0, 8) == std::string("\0\0\0\0\0\0\0x", 8));
    }
}

TEST_CASE_METHOD(
    OpenFile, "contents: given sizes that shrink and grow, when the file is read, then what was cut off is zeros", "[storage][SB-1]")
{
    for (auto const cut :
        {std::uint64_t{0}, std::uint64_t{10}, std::uint64_t{kChunkBytes}, std::uint64_t{kChunkBytes + 1}, 3 * kChunkBytes - 1}) {
        std::string const bytes(3 * kChunkBytes, 'x');
        REQUIRE(tree.write(handle, bytes, 0).has_value());
        REQUIRE(tree.flush(handle).has_value());
        CHECK(resize(cut) == 0);
        CHECK(resize(4 * kChunkBytes) == 0);
        auto const expected = bytes.substr(0, cut) + std::string(4 * kChunkBytes - cut, '\0');
        CHECK(text(node) == expected);
        REQUIRE(tree.flush(handle).has_value());
        CHECK(text(node) == expected);
    }
}

TEST_CASE_METHOD(SmallFile, "contents: given limits, when a file or the session reaches them, then EFBIG or ENOSPC, and holes are free",
    "[storage][T-06][SB-8]")
{
    std::string const chunk(kChunkBytes, 'x');
    CHECK(fault(tree.write(handle, std::string_view("x"), 8 * kChunkBytes)) == EFBIG);
    CHECK(fault(tree.write(handle, std::string_view("x"), ~0ull)) == EFBIG);
    CHECK(resize(8 * kChunkBytes + 1) == EFBIG);
    CHECK(fault(tree.allocate(handle, 0, 0, 9 * kChunkBytes)) == EFBIG);
    CHECK(resize(8 * kChunkBytes) == 0);
    CHECK(tree.quota().bytes() == 0);
    CHECK(tree.attributes(node)->st_blocks == 0);
    CHECK(fault(tree.allocate(handle, 0, 0, 8 * kChunkBytes)) == 0);
    CHECK(tree.quota().bytes() == 8 * kChunkBytes);
    auto const other = tree.create(kMount, kOutputsNode, "g", 0644, O_RDWR).value();
    REQUIRE(tree.write(other.handle, chunk, 0).has_value());
    REQUIRE(tree.write(other.handle, chunk, kChunkBytes).has_value());
    CHECK(fault(tree.write(other.handle, std::string_view("x"), 2 * kChunkBytes)) == ENOSPC);
    CHECK(fault(tree.allocate(other.handle, 0, 0, 3 * kChunkBytes)) == ENOSPC);
    CHECK(tree.write(handle, std::string_view("reserved"), 0).has_value());  // there is room: it was asked for
    CHECK(fault(tree.allocate(handle, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kChunkBytes, 3 * kChunkBytes)) == 0);
    CHECK(tree.quota().bytes() == 7 * kChunkBytes);
    CHECK(tree.write(other.handle, std::string_view("x"), 2 * kChunkBytes).has_value());
    CHECK(fault(tree.allocate(handle, FALLOC_FL_COLLAPSE_RANGE, 0, kChunkBytes)) == EOPNOTSUPP);
    CHECK(fault(tree.allocate(handle, FALLOC_FL_PUNCH_HOLE, 0, kChunkBytes)) == EOPNOTSUPP);
    CHECK(fault(tree.allocate(handle, 0, 0, 0)) == EINVAL);
    CHECK(store.wrong_drops == 0);
}

TEST_CASE_METHOD(OpenFile, "contents: given holes, when data and holes are looked for, then they are found", "[storage][SB-1]")
{
    REQUIRE(tree.write(handle, std::string_view("x"), 5 * kChunkBytes + 3).has_value());
    CHECK(resize(10 * kChunkBytes) == 0);
    CHECK(tree.seek(handle, 0, SEEK_DATA) == 5 * kChunkBytes);
    CHECK(tree.seek(handle, 0, SEEK_HOLE) == 0u);
    CHECK(tree.seek(handle, 5 * kChunkBytes + 1, SEEK_DATA) == 5 * kChunkBytes + 1);
    CHECK(tree.seek(handle, 5 * kChunkBytes + 1, SEEK_HOLE) == 6 * kChunkBytes);
    CHECK(fault(tree.seek(handle, 6 * kChunkBytes, SEEK_DATA)) == ENXIO);
    CHECK(fault(tree.seek(handle, 10 * kChunkBytes, SEEK_HOLE)) == ENXIO);
    CHECK(fault(tree.seek(handle, 0, SEEK_SET)) == EINVAL);
    CHECK(tree.attributes(node)->st_blocks == static_cast<blkcnt_t>(kChunkBytes / 512));
}

TEST_CASE_METHOD(OpenFile,
    "contents: given a store that takes nothing, when a file is closed, then it is told, and nothing is lost when it takes again",
    "[storage][SB-9]")
{
    REQUIRE(tree.write(handle, std::string_view("kept"), 0).has_value());
    store.fault = ENOSPC;
    CHECK(fault(tree.flush(handle)) == ENOSPC);
    CHECK(fault(tree.flush(handle)) == ENOSPC);
    CHECK(fault(tree.sync(handle, false)) == ENOSPC);
    CHECK(fault(tree.settle()) == ENOSPC);
    CHECK(fault(tree.write(handle, std::string(kChunkBytes, 'x'), kChunkBytes)) == ENOSPC);  // a whole chunk goes there at once
    CHECK(tree.write(handle, std::string_view("!"), 4).has_value());
    tree.release(handle);
    store.fault.reset();
    CHECK(fault(tree.settle()) == 0);
    CHECK(text(node) == "kept!");
    ocu::test::TreeAgain again(store, limits);
    REQUIRE(again.good);
    CHECK(TreeStand::text_of(again.tree, node) == "kept!");
}

TEST_CASE_METHOD(OpenFile,
    "contents: given a store that takes nothing, when the cache is full of what it must take, then writes are refused",
    "[storage][T-06][SB-9]")
{
    store.fault = EIO;
    std::uint64_t written = 0;
    while (tree.write(handle, std::string_view("x"), written * kChunkBytes)) ++written;
    CHECK(written == kCachedChunksMax);
    CHECK(fault(tree.write(handle, std::string_view("x"), written * kChunkBytes)) == EIO);
    CHECK(tree.write(handle, std::string_view("y"), 0).has_value());  // what is there can still be changed
    // Changes of names wait too, and are refused when there is no room for more of them.
    int made = 0;
    for (int refused = 0; refused < 3; ++refused)
        while (tree.make_directory(kMount, kOutputsNode, "d" + std::to_string(made), 0755)) {
            ++made;
            refused = 0;
        }
    CHECK(made > 100);
    CHECK(made < 3'000);
    CHECK(fault(tree.make_directory(kMount, kOutputsNode, "more", 0755)) == EIO);
    store.fault.reset();
    REQUIRE(tree.settle().has_value());
    ocu::test::TreeAgain again(store, limits);
    REQUIRE(again.good);
    CHECK(TreeStand::picture(again.tree) == picture(tree));
}

TEST_CASE_METHOD(OpenFile, "contents: given a chunk that does not open, when it is read or written in part, then EIO and it is said",
    "[storage][SB-3][SB-9]")
{
    int said = 0;
    tree.on_damage([&said] { ++said; });
    REQUIRE(tree.write(handle, std::string(4 * kChunkBytes, 'x'), 0).has_value());
    REQUIRE(tree.flush(handle).has_value());
    store.damaged = true;
    CHECK(text(node) == "fault 5");
    std::string bytes(10, '?');
    CHECK(fault(tree.read(handle, bytes, 3)) == EIO);
    CHECK(fault(tree.write(handle, std::string_view("x"), 3)) == EIO);
    CHECK(resize(10) == EIO);
    CHECK(said == 4);
    CHECK(tree.write(handle, std::string(kChunkBytes, 'y'), 0).has_value());
    store.damaged = false;
    CHECK(text(node).starts_with("yyy"));
    CHECK(size() == 4 * kChunkBytes);
}

TEST_CASE_METHOD(
    OpenFile, "contents: given a file that was unlinked, when it is written and forgotten, then nothing of it is left", "[storage][SB-3]")
{
    REQUIRE(tree.write(handle, std::string(40 * kChunkBytes, 'x'), 5).has_value());
    REQUIRE(tree.remove(kMount, kOutputsNode, "f", false).has_value());
    REQUIRE(tree.write(handle, std::string_view("x"), 50 * kChunkBytes).has_value());
    REQUIRE(tree.flush(handle).has_value());
    tree.release(handle);
    tree.forget(node, 1);
    REQUIRE(tree.settle().has_value());
    CHECK(store.chunks.size() == store.leaving.size());
    CHECK(store.wrong_drops == 0);
    CHECK(tree.quota().bytes() == 0);
}

namespace {

// Beside the tree, the same calls on a string.
struct Churn : OpenFile {
    void write(std::uint64_t offset, std::size_t length, char fill)
    {
        std::string const bytes(length, fill);
        REQUIRE(tree.write(handle, bytes, offset) == length);
        if (length == 0) return;
        if (model.size() < offset + length) model.resize(offset + length);
        model.replace(offset, length, bytes);
    }
    void cut(std::uint64_t to)
    {
        REQUIRE(resize(to) == 0);
        model.resize(to);
    }
    void zero(int mode, std::uint64_t offset, std::uint64_t length)
    {
        REQUIRE(tree.allocate(handle, mode, offset, length).has_value());
        if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && model.size() < offset + length) model.resize(offset + length);
        if (mode == 0 || mode == FALLOC_FL_KEEP_SIZE || offset >= model.size()) return;
        std::fill(model.begin() + static_cast<std::ptrdiff_t>(offset),
            model.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(model.size(), offset + length)), '\0');
    }
    void check(std::uint64_t offset, std::size_t length)
    {
        std::string got(length, '?');
        auto const read = tree.read(handle, got, offset);
        REQUIRE(read.has_value());
        auto const expected = offset < model.size() ? model.substr(offset, length) : std::string();
        REQUIRE(got.substr(0, *read) == expected);
        REQUIRE(size() == model.size());
    }
    std::string model;
};

}  // namespace

TEST_CASE_METHOD(Churn, "contents: given a file that is churned, when it is compared with a model after each step, then they are equal",
    "[storage][SB-1][SB-9]")
{
    for (unsigned seed = 1; seed <= 6; ++seed) {
        std::mt19937_64 random(seed);
        auto const below = [&random](std::uint64_t limit) { return random() % limit; };
        constexpr std::uint64_t kSpan = 12 * kChunkBytes;
        for (int step = 0; step < 600; ++step) {
            auto const offset = below(2) == 0 ? below(kSpan) : below(12) * kChunkBytes;
            auto const length = below(2) == 0 ? below(3 * kChunkBytes) : below(4) * kChunkBytes;
            switch (below(9)) {
            case 0: cut(offset); break;
            case 1: zero(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length + 1); break;
            case 2: zero(FALLOC_FL_ZERO_RANGE, offset, length + 1); break;
            case 3: zero(below(2) == 0 ? 0 : FALLOC_FL_KEEP_SIZE, offset, length + 1); break;
            case 4: REQUIRE(tree.flush(handle).has_value()); break;
            case 5: REQUIRE(tree.settle().has_value()); break;
            default: write(offset, static_cast<std::size_t>(length), static_cast<char>('a' + below(26)));
            }
            check(below(kSpan), static_cast<std::size_t>(below(5 * kChunkBytes)));
        }
        check(0, model.size());
        REQUIRE(tree.settle().has_value());
        ocu::test::TreeAgain again(store, limits);
        REQUIRE(again.good);
        CHECK(TreeStand::text_of(again.tree, node) == model);
        CHECK(again.tree.quota().bytes() == tree.quota().bytes());
        CHECK(store.wrong_drops == 0);
    }
}

}  // namespace test_file_contents
