// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/session_tree (names, links, times, attributes, refusals). Bytes are test_file_contents.cpp, the store test_tree_store.cpp.
#include <catch2/catch_test_macros.hpp>

#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "support/tree_stand.h"

namespace test_session_tree {

using namespace ocu::storage;
using ocu::test::kTreeLimits;
using ocu::test::TreeStand;

namespace {

constexpr auto kMount = Face::mount;

struct SmallTree : TreeStand {
    SmallTree() : TreeStand({1u << 20, 1u << 20, 3, 2}) {}
};

std::vector<std::string> names(SessionTree& tree, NodeId node)
{
    std::vector<std::string> out;
    auto const handle = tree.open_directory(node).value();
    (void)tree.list(handle, 0, [&out](SessionTree::Listed const& listed) {
        out.emplace_back(listed.name);
        return true;
    });
    tree.release(handle);
    return out;
}

}  // namespace

TEST_CASE_METHOD(
    TreeStand, "session_tree: given a new tree, when it is looked at, then it has two halves of its owner's", "[storage][SB-1]")
{
    CHECK(names(tree, kTopNode) == std::vector<std::string>{".", "..", "uploads", "outputs"});
    auto const outputs = tree.lookup(kTopNode, "outputs").value();
    CHECK(outputs.node == kOutputsNode);
    CHECK(outputs.attributes.st_uid == ocu::test::kOwner);
    CHECK(outputs.attributes.st_nlink == 2);
    CHECK(tree.attributes(kTopNode)->st_nlink == 4);
}

TEST_CASE_METHOD(TreeStand,
    "session_tree: given the mount's face, when anything in uploads or at the top is changed, then EROFS; the files face may",
    "[storage][T-08][SB-1][SB-5]")
{
    auto const given = tree.create(Face::files, kUploadsNode, "given", 0644, O_WRONLY).value();
    REQUIRE(tree.write(given.handle, std::string_view("given"), 0).has_value());
    tree.release(given.handle);
    auto const node = given.entry.node;
    auto const own = file("own");
    for (auto const parent : {kTopNode, kUploadsNode}) {
        CHECK(fault(tree.create(kMount, parent, "n", 0644, O_WRONLY)) == EROFS);
        CHECK(fault(tree.make_directory(kMount, parent, "n", 0755)) == EROFS);
        CHECK(fault(tree.make_link(kMount, parent, "n", "t")) == EROFS);
        CHECK(fault(tree.make_node(kMount, parent, "n", S_IFREG)) == EROFS);
        CHECK(fault(tree.link(kMount, own, parent, "n")) == EROFS);
        CHECK(fault(tree.remove(kMount, parent, "given", false)) == EROFS);
        CHECK(fault(tree.rename(kMount, parent, "given", kOutputsNode, "n", 0)) == EROFS);
        CHECK(fault(tree.rename(kMount, kOutputsNode, "own", parent, "n", 0)) == EROFS);
        CHECK(fault(tree.set_label(kMount, parent, "user.x", "y", 0)) == EROFS);
        CHECK(fault(tree.remove_label(kMount, parent, "user.x")) == EROFS);
        CHECK(fault(tree.change(kMount, parent, {}, {.mode = 0700, .user = {}, .group = {}, .size = {}, .times = {}})) == EROFS);
    }
    CHECK(fault(tree.open(kMount, node, O_WRONLY)) == EROFS);
    CHECK(fault(tree.open(kMount, node, O_RDONLY | O_TRUNC)) == EROFS);
    CHECK(fault(tree.change(kMount, node, {}, {.mode = {}, .user = {}, .group = {}, .size = 0, .times = {}})) == EROFS);
    CHECK(fault(tree.link(kMount, node, kOutputsNode, "same")) == EXDEV);
    CHECK(fault(tree.rename(Face::files, kUploadsNode, "given", kOutputsNode, "moved", 0)) == EXDEV);
    CHECK(fault(tree.create(Face::files, kTopNode, "n", 0644, O_WRONLY)) == EROFS);
    CHECK(text(node) == "given");
}

TEST_CASE_METHOD(TreeStand, "session_tree: given kinds and modes, when they are asked for, then only files, directories and links exist",
    "[storage][T-04][T-08]")
{
    for (mode_t const kind : {S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK})
        CHECK(fault(tree.make_node(kMount, kOutputsNode, "n", kind | 0644)) == EPERM);
    CHECK(tree.create(kMount, kOutputsNode, "s", 06755, O_WRONLY)->entry.attributes.st_mode == (S_IFREG | 0755));
    auto const node = file("f");
    auto const mode_of = [this, node](mode_t mode) {
        return tree.change(kMount, node, {}, {.mode = mode, .user = {}, .group = {}, .size = {}, .times = {}})->st_mode;
    };
    CHECK(mode_of(07000) == S_IFREG);
    CHECK(mode_of(0640) == (S_IFREG | 0640));
    CHECK(tree.make_directory(kMount, kOutputsNode, "d", 03777)->attributes.st_mode == (S_IFDIR | 01777));
    CHECK(fault(tree.change(kMount, node, {}, {.mode = {}, .user = 0, .group = {}, .size = {}, .times = {}})) == EPERM);
    CHECK(fault(tree.change(kMount, node, {}, {.mode = {}, .user = {}, .group = 0, .size = {}, .times = {}})) == EPERM);
    CHECK(fault(tree.change(kMount, node, {}, {.mode = {}, .user = ocu::test::kOwner, .group = {}, .size = {}, .times = {}})) == 0);
    CHECK(fault(tree.change(kMount, kOutputsNode, {}, {.mode = 0, .user = {}, .group = {}, .size = {}, .times = {}})) == EPERM);
    CHECK(fault(tree.make_link(kMount, kOutputsNode, "l", "")) == ENOENT);
    CHECK(fault(tree.make_link(kMount, kOutputsNode, "l", std::string(4096, 'x'))) == ENAMETOOLONG);
    auto const link = tree.make_link(kMount, kOutputsNode, "l", "../../../etc/passwd").value();
    CHECK(*tree.link_target(link.node) == "../../../etc/passwd");
    CHECK(fault(tree.open(kMount, link.node, O_RDONLY)) == ELOOP);
    CHECK(fault(tree.lookup(link.node, "x")) == ENOTDIR);
    CHECK(fault(tree.link_target(node)) == EINVAL);
}

TEST_CASE_METHOD(TreeStand, "session_tree: given names, when they are made twice, removed wrongly or odd, then the errno of a disk",
    "[storage][T-08][SB-1]")
{
    auto const d = folder("d");
    file("f", "x", d);
    CHECK(fault(tree.make_directory(kMount, kOutputsNode, "d", 0755)) == EEXIST);
    CHECK(fault(tree.create(kMount, d, "f", 0644, O_WRONLY | O_EXCL)) == EEXIST);
    CHECK(fault(tree.create(kMount, kOutputsNode, "d", 0644, O_WRONLY)) == EISDIR);
    CHECK(fault(tree.remove(kMount, kOutputsNode, "d", true)) == ENOTEMPTY);
    CHECK(fault(tree.remove(kMount, kOutputsNode, "d", false)) == EISDIR);
    CHECK(fault(tree.remove(kMount, d, "f", true)) == ENOTDIR);
    CHECK(fault(tree.remove(kMount, d, "none", false)) == ENOENT);
    CHECK(fault(tree.lookup(d, "..")) == EPERM);
    CHECK(fault(tree.make_directory(kMount, d, "a/b", 0755)) == EINVAL);
    CHECK(fault(tree.make_directory(kMount, d, std::string(256, 'n'), 0755)) == ENAMETOOLONG);
    CHECK(fault(tree.lookup(999, "x")) == ESTALE);
    CHECK(fault(tree.attributes(999)) == ESTALE);
    CHECK(fault(tree.open(kMount, 999, O_RDONLY)) == ESTALE);
    CHECK(fault(tree.read(999, {}, 0)) == EBADF);
    CHECK(fault(tree.flush(999)) == EBADF);
}

TEST_CASE_METHOD(TreeStand, "session_tree: given hard links, when names come and go, then the file lives as long as one", "[storage][SB-1]")
{
    auto const node = file("a", "text");
    auto const d = folder("d");
    CHECK(tree.link(kMount, node, d, "b")->attributes.st_nlink == 2);
    tree.forget(node, 1);
    CHECK(fault(tree.link(kMount, node, d, "b")) == EEXIST);
    CHECK(fault(tree.link(kMount, d, kOutputsNode, "e")) == EPERM);
    CHECK(fault(tree.link(kMount, 999, kOutputsNode, "e")) == ESTALE);
    CHECK(fault(tree.rename(kMount, kOutputsNode, "a", d, "b", 0)) == 0);  // two names of one file: nothing happens
    CHECK(tree.attributes(node)->st_nlink == 2);
    REQUIRE(tree.remove(kMount, kOutputsNode, "a", false).has_value());
    CHECK(text(node) == "text");
    CHECK(tree.attributes(node)->st_nlink == 1);
    CHECK(tree.quota().bytes() == 4);
    REQUIRE(tree.remove(kMount, d, "b", false).has_value());
    CHECK(fault(tree.attributes(node)) == ESTALE);
    CHECK(tree.quota().bytes() == 0);
    CHECK(tree.quota().entries() == 1);
}

TEST_CASE("session_tree: given a file of many names, when one more is asked for, then EMLINK", "[storage][T-06]")
{
    TreeStand stand({1u << 20, 1u << 20, 100'000, 8});
    auto const node = stand.file("f");
    for (std::uint32_t i = 1; i < kHardLinksMax; ++i) {
        if (!stand.tree.link(kMount, node, kOutputsNode, std::to_string(i))) FAIL("refused too early");
    }
    CHECK(TreeStand::fault(stand.tree.link(kMount, node, kOutputsNode, "more")) == EMLINK);
}

TEST_CASE_METHOD(TreeStand, "session_tree: given an unlinked file, when it is open or remembered, then its bytes stay and count",
    "[storage][SB-1][SB-8]")
{
    auto const made = tree.create(kMount, kOutputsNode, "u", 0600, O_RDWR).value();
    REQUIRE(tree.write(made.handle, std::string_view("before"), 0).has_value());
    REQUIRE(tree.remove(kMount, kOutputsNode, "u", false).has_value());
    CHECK(fault(tree.lookup(kOutputsNode, "u")) == ENOENT);
    CHECK(tree.attributes(made.entry.node)->st_nlink == 0);
    CHECK(tree.write(made.handle, std::string_view("still"), 6).has_value());
    CHECK(fault(tree.link(kMount, made.entry.node, kOutputsNode, "back")) == ENOENT);
    CHECK(fault(tree.sync(made.handle, false)) == 0);
    std::string bytes(16, '?');
    CHECK(tree.read(made.handle, bytes, 0) == 11u);
    CHECK(bytes.starts_with("beforestill"));
    CHECK(tree.quota().bytes() == 11);
    tree.release(made.handle);
    CHECK(tree.quota().bytes() == 11);
    tree.forget(made.entry.node, 1);
    CHECK(tree.quota().bytes() == 0);
    CHECK(tree.nodes() == 3);
}

TEST_CASE_METHOD(TreeStand, "session_tree: given renames, when they are asked for, then what a disk would say", "[storage][T-08][SB-1]")
{
    auto const a = folder("a");
    auto const b = folder("b", a);
    auto const one = file("one", "1");
    auto const two = file("two", "2");
    CHECK(fault(tree.rename(kMount, kOutputsNode, "a", b, "in", 0)) == EINVAL);
    CHECK(fault(tree.rename(kMount, kOutputsNode, "a", a, "in", 0)) == EINVAL);
    CHECK(fault(tree.rename(kMount, a, "b", kOutputsNode, "a", RENAME_EXCHANGE)) == EINVAL);
    CHECK(fault(tree.rename(kMount, a, "b", kOutputsNode, "a", 0)) == ENOTEMPTY);
    CHECK(fault(tree.rename(kMount, kOutputsNode, "none", a, "x", 0)) == ENOENT);
    CHECK(fault(tree.rename(kMount, kOutputsNode, "one", a, "none", RENAME_EXCHANGE)) == ENOENT);
    CHECK(fault(tree.rename(kMount, kOutputsNode, "one", kOutputsNode, "two", RENAME_NOREPLACE)) == EEXIST);
    CHECK(fault(tree.rename(kMount, kOutputsNode, "one", a, "b", 0)) == EISDIR);
    CHECK(fault(tree.rename(kMount, a, "b", kOutputsNode, "one", 0)) == ENOTDIR);
    CHECK(fault(tree.rename(kMount, kOutputsNode, "one", kOutputsNode, "x", RENAME_WHITEOUT)) == EINVAL);
    CHECK(tree.attributes(a)->st_nlink == 3);
    // Over an open file: who has it open goes on reading it.
    auto const handle = tree.open(kMount, two, O_RDONLY).value();
    REQUIRE(tree.rename(kMount, kOutputsNode, "one", kOutputsNode, "two", 0).has_value());
    std::string byte(1, '?');
    CHECK(tree.read(handle, byte, 0) == 1u);
    CHECK(byte == "2");
    CHECK(tree.lookup(kOutputsNode, "two")->node == one);
    tree.release(handle);
    CHECK(fault(tree.attributes(two)) == ESTALE);
    // Directories take their count with them.
    REQUIRE(tree.rename(kMount, a, "b", kOutputsNode, "b", 0).has_value());
    CHECK(tree.attributes(a)->st_nlink == 2);
    CHECK(tree.attributes(kOutputsNode)->st_nlink == 4);
    REQUIRE(tree.rename(kMount, kOutputsNode, "b", kOutputsNode, "two", RENAME_EXCHANGE).has_value());
    CHECK(tree.lookup(kOutputsNode, "two")->node == b);
    CHECK(tree.lookup(kOutputsNode, "b")->node == one);
    CHECK(fault(tree.rename(kMount, kOutputsNode, "a", kOutputsNode, "two", 0)) == 0);  // an empty directory gives way
    CHECK(tree.lookup(kOutputsNode, "two")->node == a);
}

TEST_CASE_METHOD(
    TreeStand, "session_tree: given operations, when times are read, then they are those of POSIX to the nanosecond", "[storage][SB-1]")
{
    auto const node = file("f", "x");
    auto const born = now.tv_sec;
    auto const is = [this](NodeId id) { return tree.attributes(id).value(); };
    tick();
    REQUIRE(tree.change(kMount, node, {}, {.mode = 0600, .user = {}, .group = {}, .size = {}, .times = {}}).has_value());
    CHECK(is(node).st_mtim.tv_sec == born);
    CHECK(is(node).st_ctim.tv_sec == born + 1);
    CHECK(is(node).st_ctim.tv_nsec == 5);
    tick();
    CHECK(text(node) == "x");
    CHECK(is(node).st_atim.tv_sec == born + 2);
    tick();
    CHECK(text(node) == "x");
    CHECK(is(node).st_atim.tv_sec == born + 2);  // seen since it changed: not again today
    REQUIRE(tree.rename(kMount, kOutputsNode, "f", kOutputsNode, "g", 0).has_value());
    CHECK(is(node).st_ctim.tv_sec == born + 3);
    CHECK(is(node).st_mtim.tv_sec == born);
    CHECK(is(kOutputsNode).st_mtim.tv_sec == born + 3);
    tick();
    std::array const times{timespec{7, 8}, timespec{0, UTIME_OMIT}};
    REQUIRE(tree.change(kMount, node, {}, {.mode = {}, .user = {}, .group = {}, .size = {}, .times = times}).has_value());
    CHECK(is(node).st_atim.tv_sec == 7);
    CHECK(is(node).st_atim.tv_nsec == 8);
    CHECK(is(node).st_mtim.tv_sec == born);
    CHECK(is(node).st_ctim.tv_sec == born + 4);
    tick();
    std::array const touch{timespec{0, UTIME_OMIT}, timespec{0, UTIME_NOW}};
    REQUIRE(tree.change(kMount, node, {}, {.mode = {}, .user = {}, .group = {}, .size = {}, .times = touch}).has_value());
    CHECK(is(node).st_mtim.tv_sec == born + 5);
}

TEST_CASE_METHOD(
    TreeStand, "session_tree: given a listing, when the directory changes meanwhile, then what stays is listed once", "[storage][SB-1]")
{
    for (int i = 0; i < 50; ++i) file("f" + std::to_string(i));
    auto const handle = tree.open_directory(kOutputsNode).value();
    std::map<std::string, int> seen;
    std::uint64_t at = 0;
    for (int round = 0;; ++round) {
        int taken = 0;
        std::uint64_t const from = at;
        REQUIRE(
            tree.list(handle, from,
                    [&](SessionTree::Listed const& listed) {
                        if (taken == 3) return false;
                        ++taken;
                        ++seen[std::string(listed.name)];
                        at = listed.next;
                        return true;
                    })
                .has_value());
        if (taken == 0) break;
        // Half of them go while they are listed, and others come.
        (void)tree.remove(kMount, kOutputsNode, "f" + std::to_string(2 * round), false);
        if (round < 10) file("new" + std::to_string(round));
    }
    for (int i = 1; i < 50; i += 2) CHECK(seen["f" + std::to_string(i)] == 1);
    for (auto const& [name, count] : seen) CHECK(count == 1);
    tree.release(handle);
    CHECK(fault(tree.list(handle, 0, [](auto const&) { return true; })) == EBADF);
}

TEST_CASE_METHOD(
    TreeStand, "session_tree: given extended attributes, when they are used, then user's are kept and bounded", "[storage][T-06][SB-1]")
{
    auto const node = file("f");
    CHECK(fault(tree.label(kMount, node, "user.a")) == ENODATA);
    CHECK(fault(tree.set_label(kMount, node, "user.a", "1", XATTR_REPLACE)) == ENODATA);
    CHECK(fault(tree.set_label(kMount, node, "user.a", "1", XATTR_CREATE)) == 0);
    CHECK(fault(tree.set_label(kMount, node, "user.a", "2", XATTR_CREATE)) == EEXIST);
    CHECK(fault(tree.set_label(kMount, node, "user.a", "", 0)) == 0);
    CHECK(tree.label(kMount, node, "user.a") == "");
    CHECK(fault(tree.set_label(kMount, node, "security.x", "1", 0)) == EOPNOTSUPP);
    CHECK(fault(tree.set_label(kMount, node, "user.big", std::string(65'537, 'x'), 0)) == E2BIG);
    CHECK(fault(tree.set_label(kMount, node, "user.big", std::string(65'536, 'x'), 0)) == 0);
    CHECK(fault(tree.set_label(kMount, node, "user.more", std::string(65'536, 'x'), 0)) == ENOSPC);
    CHECK(fault(tree.remove_label(kMount, node, "user.big")) == 0);
    CHECK(fault(tree.remove_label(kMount, node, "user.big")) == ENODATA);
    // The files face's own is not the guest's to see, set or take away.
    CHECK(fault(tree.set_label(Face::files, node, "ocu.downloadable", "no", 0)) == 0);
    CHECK(fault(tree.label(kMount, node, "ocu.downloadable")) == EOPNOTSUPP);
    CHECK(fault(tree.remove_label(kMount, node, "ocu.downloadable")) == EOPNOTSUPP);
    CHECK(tree.label_names(kMount, node) == std::string("user.a\0", 7));
    auto const text = tree.quota().text();
    REQUIRE(tree.remove(kMount, kOutputsNode, "f", false).has_value());
    CHECK(tree.quota().text() == 0);
    CHECK(text == 1 + 6 + 18);
}

TEST_CASE_METHOD(SmallTree, "session_tree: given ceilings of names and handles, when they are reached, then refused, and room comes back",
    "[storage][T-06][SB-8]")
{
    auto const node = file("1");
    folder("2");
    REQUIRE(tree.make_link(kMount, kOutputsNode, "3", "x").has_value());
    CHECK(fault(tree.create(kMount, kOutputsNode, "4", 0644, O_WRONLY)) == ENOSPC);
    CHECK(fault(tree.make_directory(kMount, kOutputsNode, "4", 0755)) == ENOSPC);
    CHECK(fault(tree.make_link(kMount, kOutputsNode, "4", "x")) == ENOSPC);
    CHECK(fault(tree.make_node(kMount, kOutputsNode, "4", S_IFREG)) == ENOSPC);
    CHECK(fault(tree.link(kMount, node, kOutputsNode, "4")) == ENOSPC);
    auto const one = tree.open(kMount, node, O_RDONLY).value();
    auto const two = tree.open_directory(kOutputsNode).value();
    CHECK(fault(tree.open(kMount, node, O_RDONLY)) == ENFILE);
    CHECK(fault(tree.open_directory(kOutputsNode)) == ENFILE);
    CHECK(fault(tree.create(kMount, kOutputsNode, "1", 0644, O_RDONLY)) == ENFILE);
    tree.release(one);
    tree.release(two);
    REQUIRE(tree.remove(kMount, kOutputsNode, "2", true).has_value());
    CHECK(fault(tree.make_directory(kMount, kOutputsNode, "4", 0755)) == 0);
}

TEST_CASE("session_tree: given link targets without end, when the tree's own memory is at its bound, then ENOSPC", "[storage][T-06]")
{
    TreeStand stand({1u << 20, 1u << 20, kEntriesMax, 8});
    std::string const target(4'095, 't');
    int made = 0;
    while (stand.tree.make_link(kMount, kOutputsNode, std::to_string(made), target)) ++made;
    CHECK(stand.tree.quota().text() <= kTreeTextBytesMax);
    CHECK(stand.tree.quota().text() + 5'000 > kTreeTextBytesMax);
    CHECK(TreeStand::fault(stand.tree.make_link(kMount, kOutputsNode, "more", target)) == ENOSPC);
    CHECK(TreeStand::fault(stand.tree.rename(kMount, kOutputsNode, "0", kOutputsNode, std::string(255, 'n'), 0)) == 0);
}

TEST_CASE_METHOD(TreeStand,
    "session_tree: given a change by the files face, when it is made, then the mount is told, and a lost name is stale", "[storage][SB-5]")
{
    std::vector<NodeId> told;
    tree.on_foreign_change([&told](NodeId node) { told.push_back(node); });
    auto const node = file("f", "x");
    CHECK(told.empty());
    REQUIRE(tree.lookup(kOutputsNode, "f").has_value());  // the kernel remembers it
    REQUIRE(tree.remove(Face::files, kOutputsNode, "f", false).has_value());
    CHECK(told == std::vector{kOutputsNode, node});
    CHECK(fault(tree.attributes(node)) == ESTALE);
    CHECK(fault(tree.open(kMount, node, O_RDONLY)) == ESTALE);
    tree.forget(node, 1);
    CHECK(tree.nodes() == 3);
}

}  // namespace test_session_tree
