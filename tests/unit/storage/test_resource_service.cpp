// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/resource_service over a real tree: which files are told over MCP, whole or not at all.
#include "storage/resource_service.h"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>

#include "support/memory_chunk_store.h"

namespace test_resource_service {

using namespace ocu;
using namespace ocu::storage;
using proto::ResourceOutcome;
using proto::ResourceVerb;

struct ResourceServiceTest {
    void guest_writes(std::string_view name, std::string_view bytes)
    {
        auto const made = tree.create(Face::mount, kOutputsNode, name, 0644, O_WRONLY);
        REQUIRE(made.has_value());
        REQUIRE(tree.write(made->handle, bytes, 0).has_value());
        tree.release(made->handle);
    }
    proto::ResourceAnswer ask(ResourceVerb verb, std::string path = {}) { return answer_resource(files, {verb, path}); }

    test::MemoryChunkStore store;
    SessionTree tree{store, 1000, {8u << 20, 32u << 20, 10'000, 100}, [] { return timespec{1'790'000'000, 0}; }};
    ManualClock clock;
    Withholding withholding{tree, clock, {}};
    FileService files{tree, withholding};
};

TEST_CASE_METHOD(
    ResourceServiceTest, "resource_service: given files, when they are listed, then page after page has each once", "[storage][GW-10]")
{
    for (int i = 0; i < 250; ++i) guest_writes("f" + std::to_string(i), "x");
    REQUIRE(tree.make_link(Face::mount, kOutputsNode, "link", "/etc/passwd").has_value());
    std::set<std::string> seen;
    std::string after;
    for (int pages = 1;; ++pages) {
        auto const page = ask(ResourceVerb::list, after);
        REQUIRE(page.outcome == ResourceOutcome::done);
        for (auto const& entry : page.entries.items()) CHECK(seen.insert(after = entry.path.str()).second);
        if (page.more) continue;
        CHECK(pages == 3);
        break;
    }
    CHECK(seen.size() == 250);
    CHECK_FALSE(seen.contains("outputs/link"));
}

TEST_CASE_METHOD(
    ResourceServiceTest, "resource_service: given a file, when it is read, then all of it, or the reason", "[storage][GW-10][SB-5][T-08]")
{
    std::string bytes(200'000, 'a');
    bytes[123'456] = '\0';
    guest_writes("f", bytes);
    CHECK(ask(ResourceVerb::read, "outputs/f").body.view() == bytes);
    CHECK(ask(ResourceVerb::read, "outputs/f").media_type.view() == "text/plain");  // by its first bytes
    CHECK(ask(ResourceVerb::list).entries.items().at(0).media_type.view() == "text/plain");
    REQUIRE(tree.make_link(Face::mount, kOutputsNode, "link", "f").has_value());
    for (auto const* const path : {"outputs/link", "outputs/none", "outputs", "outputs/../outputs/f", "outputs/f/g", "/outputs/f", ""})
        CHECK(ask(ResourceVerb::read, path).outcome == ResourceOutcome::no_such);
    guest_writes("fits", std::string(proto::kResourceBytesMax, 'x'));
    CHECK(ask(ResourceVerb::read, "outputs/fits").body.size() == proto::kResourceBytesMax);
    guest_writes("large", std::string(proto::kResourceBytesMax + 1, 'x'));
    CHECK(ask(ResourceVerb::read, "outputs/large").outcome == ResourceOutcome::too_large);
    store.damaged = true;
    CHECK(ask(ResourceVerb::read, "outputs/f").outcome == ResourceOutcome::failed);
}

TEST_CASE_METHOD(ResourceServiceTest, "resource_service: given a file that is not to be downloaded, when it is read, then it is withheld",
    "[storage][SB-5][GW-10]")
{
    auto upload = files.begin(proto::kAllIntents, proto::FileBegin{"uploads/s", 0, proto::Downloadable::no}, 100).value();
    REQUIRE(files.write(upload, "secret").has_value());
    REQUIRE(files.seal(upload).has_value());
    REQUIRE(files.commit(upload).has_value());
    CHECK(ask(ResourceVerb::read, "uploads/s").outcome == ResourceOutcome::withheld);
    CHECK(ask(ResourceVerb::read, "uploads/s").body.empty());
}

TEST_CASE_METHOD(ResourceServiceTest,
    "resource_service: given a kind that is not given out, when it is listed, then with why, and it is not read",
    "[storage][SB-5][SB-7][GW-10]")
{
    proto::TypeLists outputs;
    outputs.deny.push("text/html");
    FileService typed(tree, withholding, {TypeRules(), TypeRules(outputs)});
    guest_writes("page.html", "<html>");
    guest_writes("note.txt", "words");
    auto const listed = answer_resource(typed, {ResourceVerb::list, {}});
    REQUIRE(listed.entries.items().size() == 2);
    CHECK(listed.entries.items()[0].withheld == proto::Reason::none);
    CHECK(listed.entries.items()[1].withheld == proto::Reason::type_denied);
    CHECK(answer_resource(typed, {ResourceVerb::read, "outputs/page.html"}).outcome == ResourceOutcome::type_denied);
    CHECK(answer_resource(typed, {ResourceVerb::read, "outputs/note.txt"}).outcome == ResourceOutcome::done);
}

}  // namespace test_resource_service
