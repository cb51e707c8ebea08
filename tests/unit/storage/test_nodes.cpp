// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/nodes. A number leads to its own file through every rename, and to nothing once the file is gone.
#include <catch2/catch_test_macros.hpp>

#include "storage/limits.h"
#include "storage/nodes.h"

namespace test_nodes {

using namespace ocu::storage;

struct NodesTest {
    Nodes nodes;
    NodeId directory = nodes.learn(kOutputsNode, "d", 10);
    NodeId file = nodes.learn(directory, "f", 11);
};

TEST_CASE_METHOD(NodesTest, "nodes: given entries, when their paths are asked, then they begin at the session's directory", "[storage]")
{
    CHECK(nodes.path(kTopNode) == ".");
    CHECK(nodes.path(kUploadsNode) == "uploads");
    CHECK(nodes.path(file) == "outputs/d/f");
    CHECK(nodes.find(file)->area == Area::outputs);
    CHECK(nodes.find(nodes.learn(kUploadsNode, "u", 12))->area == Area::uploads);
}

TEST_CASE_METHOD(NodesTest, "nodes: given a directory that moves, when a file in it is asked, then its path has moved along", "[storage]")
{
    nodes.moved(kOutputsNode, "d", kOutputsNode, "e");
    CHECK(nodes.path(file) == "outputs/e/f");
    CHECK(nodes.child(kOutputsNode, "e") == directory);
    CHECK_FALSE(nodes.child(kOutputsNode, "d").has_value());
}

TEST_CASE_METHOD(NodesTest, "nodes: given a removed file, when its path is asked, then there is none, and its successor has another number",
    "[storage][T-08]")
{
    nodes.removed(directory, "f");
    CHECK_FALSE(nodes.path(file).has_value());
    REQUIRE(nodes.find(file) != nullptr);
    CHECK(nodes.find(file)->removed);
    CHECK(nodes.learn(directory, "f", 11) != file);
}

TEST_CASE_METHOD(
    NodesTest, "nodes: given a file renamed over another, when both are asked, then the other has lost its name", "[storage][T-08]")
{
    auto const other = nodes.learn(directory, "g", 12);
    nodes.moved(directory, "f", directory, "g");
    CHECK(nodes.path(file) == "outputs/d/g");
    CHECK_FALSE(nodes.path(other).has_value());
}

TEST_CASE_METHOD(NodesTest, "nodes: given two entries exchanged, when they are asked, then each has the other's name", "[storage]")
{
    nodes.exchanged(directory, "f", kOutputsNode, "d2");  // the second was never looked up
    CHECK(nodes.path(file) == "outputs/d2");
    auto const other = nodes.learn(directory, "x", 13);
    nodes.exchanged(kOutputsNode, "d2", directory, "x");
    CHECK(nodes.path(file) == "outputs/d/x");
    CHECK(nodes.path(other) == "outputs/d2");
}

TEST_CASE_METHOD(NodesTest,
    "nodes: given what the kernel forgets, when nothing else holds it, then it is gone and parents outlive children", "[storage][T-06]")
{
    auto const before = nodes.size();
    nodes.forget(directory, 1);
    CHECK(nodes.path(file) == "outputs/d/f");
    nodes.forget(file, 1);
    CHECK(nodes.size() == before - 2);
    CHECK(nodes.find(directory) == nullptr);
    nodes.forget(kOutputsNode, 1'000);
    nodes.forget(12'345, 1);
    CHECK(nodes.path(kOutputsNode) == "outputs");
}

TEST_CASE_METHOD(NodesTest, "nodes: given an open file without a name, when it is closed and forgotten, then it is gone", "[storage][T-06]")
{
    nodes.opened(file);
    nodes.removed(directory, "f");
    nodes.forget(file, 1);
    REQUIRE(nodes.find(file) != nullptr);
    nodes.closed(file);
    CHECK(nodes.find(file) == nullptr);
}

TEST_CASE_METHOD(NodesTest, "nodes: given another stored file under a known name, when it is looked up, then it gets a number of its own",
    "[storage][T-08]")
{
    auto const again = nodes.learn(directory, "f", 11);
    CHECK(again == file);
    auto const successor = nodes.learn(directory, "f", 99);
    CHECK(successor != file);
    CHECK_FALSE(nodes.path(file).has_value());
    CHECK(nodes.path(successor) == "outputs/d/f");
}

TEST_CASE_METHOD(NodesTest, "nodes: given a path longer than the limit, when it is asked, then there is none", "[storage][T-08]")
{
    auto at = directory;
    for (std::size_t i = 0; i * 201 < kTreePathBytesMax; ++i) at = nodes.learn(at, std::string(200, 'n'), 100 + i);
    CHECK_FALSE(nodes.path(at).has_value());
    CHECK(nodes.path(file) == "outputs/d/f");
}

}  // namespace test_nodes
