// SPDX-License-Identifier: GPL-3.0-or-later
// The S3 engine against servers that others wrote.
#include <fcntl.h>
#include <sys/wait.h>

#include "storage/sealed_log.h"
#include "storage/session_tree.h"
#include "support/tree_stand.h"
#include "s3_fixture.h"

namespace ocu::test_s3 {

TEST_CASE("s3: what is settled is there for whoever comes next [SB-4]", "[SB-4]")
{
    Store store;
    auto const first = bytes_of(1, 100);
    auto const second = bytes_of(2, 70'000);
    {
        auto const engine = store.engine();
        REQUIRE(engine->list().value().empty());
        REQUIRE(engine->make(1).has_value());
        CHECK(engine->make(1).error() == EIO);
        REQUIRE(engine->append(1, 0, first).has_value());
        CHECK(engine->append(1, 99, first).error() == EIO);
        CHECK(engine->append(2, 0, first).error() == ENOENT);
        CHECK(read_all(*engine, 1, 100) == first);  // from memory
        REQUIRE(engine->settle().has_value());
        REQUIRE(engine->append(1, 100, second).has_value());
        REQUIRE(engine->sync().has_value());
        REQUIRE(engine->make(7).has_value());
        REQUIRE(engine->append(7, 0, second).has_value());
        REQUIRE(engine->settle().has_value());
    }
    auto const engine = store.engine();
    auto const found = engine->list().value();
    REQUIRE(found.size() == 2);
    CHECK((found[0].number == 1 && found[0].bytes == 70'100));
    CHECK((found[1].number == 7 && found[1].bytes == 70'000));
    auto whole = first;
    whole.insert(whole.end(), second.begin(), second.end());
    CHECK(read_all(*engine, 1, 70'100) == whole);
    CHECK(read_all(*engine, 1, 70'100, 999) == whole);
    CHECK(engine->make(7).error() == EIO);
    std::byte one{};
    CHECK(engine->read(9, 0, std::span(&one, 1)).error() == ENOENT);
    CHECK(engine->read(7, 70'000, std::span(&one, 1)).value() == 0);
    REQUIRE(engine->remove(1).has_value());
    CHECK(engine->read(1, 0, std::span(&one, 1)).error() == ENOENT);
    CHECK(store.engine()->list().value().size() == 1);
}

TEST_CASE("s3: a large segment goes out as parts while it comes in, and comes back in ranges [SB-4]", "[SB-4]")
{
    Store store;
    constexpr std::size_t kMany = 23'000'000;
    auto const bytes = bytes_of(3, kMany);
    {
        auto const engine = store.engine();
        REQUIRE(engine->make(1).has_value());
        for (std::size_t at = 0; at < kMany; at += 1u << 20)
            REQUIRE(engine->append(1, at, std::span(bytes).subspan(at, std::min<std::size_t>(1u << 20, kMany - at))).has_value());
        std::vector<std::byte> early(5'000);
        REQUIRE(engine->settle().has_value());
        REQUIRE(engine->read(1, 12'345'678, early).value() == early.size());
        CHECK(std::ranges::equal(early, std::span(bytes).subspan(12'345'678, early.size())));
    }
    auto const engine = store.engine();
    REQUIRE(engine->list().value().front().bytes == kMany);
    CHECK(read_all(*engine, 1, kMany) == bytes);
    std::mt19937 random(4);
    std::vector<std::byte> into(16u << 10);
    for (int i = 0; i < 20; ++i) {
        auto const at = random() % (kMany - into.size());
        REQUIRE(engine->read(1, at, into).value() == into.size());
        CHECK(std::ranges::equal(into, std::span(bytes).subspan(at, into.size())));
    }
    auto const swept = store.sweep();
    CHECK(swept.value().objects == 1);  // one object, of five parts
    CHECK(store.engine()->list().value().empty());
}

TEST_CASE("s3: a read of what went out and is not whole yet makes it whole [SB-4]", "[SB-4]")
{
    Store store;
    constexpr std::size_t kMany = 30u << 20;  // more than is kept in memory
    auto const bytes = bytes_of(5, kMany);
    auto const engine = store.engine();
    REQUIRE(engine->make(1).has_value());
    for (std::size_t at = 0; at < kMany; at += 1u << 20) REQUIRE(engine->append(1, at, std::span(bytes).subspan(at, 1u << 20)).has_value());
    CHECK(read_all(*engine, 1, kMany) == bytes);
}

TEST_CASE("s3: many small pieces [SB-4]", "[SB-4]")
{
    Store store;
    auto const kPieces = static_cast<std::size_t>(std::stoi("0" + setting("OCU_S3_PIECES")));
    constexpr std::size_t kBytes = 700;
    auto const bytes = bytes_of(6, kPieces * kBytes);
    {
        auto const engine = store.engine();
        REQUIRE(engine->make(3).has_value());
        for (std::size_t i = 0; i < kPieces; ++i) {
            REQUIRE(engine->append(3, i * kBytes, std::span(bytes).subspan(i * kBytes, kBytes)).has_value());
            REQUIRE(engine->settle().has_value());
        }
    }
    auto const engine = store.engine();
    REQUIRE(engine->list().value().front().bytes == bytes.size());
    CHECK(read_all(*engine, 3, bytes.size()) == bytes);
    REQUIRE(engine->remove(3).has_value());
    for (int i = 0; i < 20 && store.engine()->list().value().size() + 1 > 1; ++i) REQUIRE(engine->settle().has_value());
    CHECK(store.engine()->list().value().empty());
}

TEST_CASE("s3: a cut takes away what is beyond it, within a piece and behind it [SB-4]", "[SB-4]")
{
    Store store;
    auto const bytes = bytes_of(7, 3'000);
    {
        auto const engine = store.engine();
        REQUIRE(engine->make(1).has_value());
        for (std::size_t at = 0; at < bytes.size(); at += 1'000) {
            REQUIRE(engine->append(1, at, std::span(bytes).subspan(at, 1'000)).has_value());
            REQUIRE(engine->settle().has_value());
        }
    }
    {
        auto const engine = store.engine();
        REQUIRE(engine->list().has_value());
        REQUIRE(engine->cut(1, 1'500).has_value());
        REQUIRE(engine->append(1, 1'500, std::span(bytes).first(10)).has_value());
        REQUIRE(engine->settle().has_value());
    }
    auto const engine = store.engine();
    REQUIRE(engine->list().value().front().bytes == 1'510);
    std::vector<std::byte> wanted(bytes.begin(), bytes.begin() + 1'500);
    wanted.insert(wanted.end(), bytes.begin(), bytes.begin() + 10);
    CHECK(read_all(*engine, 1, 1'510) == wanted);
}

TEST_CASE("s3: a wrong secret is refused at once, and nothing of it is said [SB-4]", "[SB-4][T-12]")
{
    Store store;
    auto const begun = std::chrono::steady_clock::now();
    S3Segments engine(store.place, store.credential("x"), store.connect, store.clock);
    CHECK(engine.list().error() == EIO);
    CHECK(seconds_since(begun) < 5);  // 403 is not tried again
}

TEST_CASE("s3: the signature is for the region that the store has [SB-4]", "[SB-4][strict]")
{
    Store store;
    store.place.region = "eu-north-9";
    CHECK(store.engine()->list().error() == EIO);
    store.place.region = setting("OCU_S3_REGION");
}

TEST_CASE("s3: a sweep takes everything beneath the prefix, uploads that were never completed too, and nothing else [SB-4]", "[SB-4][T-13]")
{
    Store store;
    Store other;
    auto const engine = store.engine();
    auto const beside = other.engine();
    REQUIRE(beside->make(1).has_value());
    REQUIRE(beside->append(1, 0, bytes_of(8, 10)).has_value());
    REQUIRE(beside->settle().has_value());
    REQUIRE(engine->make(1).has_value());
    auto const bytes = bytes_of(9, 6u << 20);
    REQUIRE(engine->append(1, 0, std::span(bytes).first(10)).has_value());
    REQUIRE(engine->settle().has_value());
    {
        S3Requests requests(store.place, store.credential(), store.connect, store.clock, {});
        auto const begun = requests.ask({.method = "POST", .key = store.place.prefix + "00000002/0000000000", .query = "uploads="},
            store.clock.now() + std::chrono::seconds(10));
        REQUIRE(begun.fault == 0);
    }
    auto const swept = store.sweep().value();
    CHECK(swept.objects == 1);
    CHECK(swept.uploads_aborted == 1);
    CHECK(beside->list().value().size() == 1);
    store.place.prefix = "";
    CHECK(store.sweep().error() == EINVAL);
}

namespace {

timespec at_birth() { return test::kBorn; }

constexpr std::size_t kFiles = 30;

std::string text_of_file(std::size_t number) { return std::string(100 + 3'000 * number, static_cast<char>('a' + number % 26)); }

// Closes files until the parent has seen enough, and dies.
[[noreturn]] void write_and_die(Store& store)
{
    auto opened = SealedLog::open(store.engine(), log_key(), [](auto) -> Answer<void> { return refuse(EIO); });
    if (!opened) ::_exit(1);
    SessionTree tree(*opened->log, test::kOwner, test::kTreeLimits, at_birth);
    for (std::size_t i = 0; i < kFiles; ++i) {
        auto const made = tree.create(Face::mount, kOutputsNode, "f" + std::to_string(i), 0644, O_RDWR);
        if (!made || !tree.write(made->handle, text_of_file(i), 0) || !tree.flush(made->handle)) ::_exit(2);
        tree.release(made->handle);
    }
    // Not closed: it may be there or not.
    auto const open = tree.create(Face::mount, kOutputsNode, "open", 0644, O_RDWR);
    (void)tree.write(open->handle, std::string(200'000, 'z'), 0);
    ::_exit(0);
}

struct Reopened {
    std::unique_ptr<SealedLog> log;
    std::unique_ptr<SessionTree> tree;
};

// As the broker's would: the journal is applied to a tree over the log that is being opened.
std::expected<SealedLog::Opened, SealedLog::Damage> reopen(Store& store, std::vector<std::vector<std::byte>>& batches)
{
    return SealedLog::open(store.engine(), log_key(), [&batches](std::span<std::byte const> batch) -> Answer<void> {
        batches.emplace_back(batch.begin(), batch.end());
        return {};
    });
}

}  // namespace

TEST_CASE("s3: every file that was closed is there after the process died [SB-9]", "[SB-4][SB-9]")
{
    Store store;
    auto const child = ::fork();
    if (child == 0) write_and_die(store);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    std::vector<std::vector<std::byte>> batches;
    auto opened = reopen(store, batches);
    REQUIRE(opened.has_value());
    SessionTree tree(*opened->log, test::kOwner, test::kTreeLimits, at_birth);
    for (auto const& each : batches) REQUIRE(tree.apply(each).has_value());
    for (std::size_t i = 0; i < kFiles; ++i) {
        auto const found = tree.lookup(kOutputsNode, "f" + std::to_string(i));
        REQUIRE(found.has_value());
        CHECK(test::TreeStand::text_of(tree, found->node) == text_of_file(i));
    }
}

TEST_CASE("s3: a tail that is not there is cut, and what is before it is whole [SB-9]", "[SB-4][SB-9]")
{
    Store store;
    auto const child = ::fork();
    if (child == 0) write_and_die(store);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    S3Requests requests(store.place, store.credential(), store.connect, store.clock, {});
    auto const until = [&] { return store.clock.now() + std::chrono::seconds(10); };
    auto const listed = requests.ask(
        {.method = "GET", .query = "list-type=2&prefix=" + std::string(store.place.prefix), .answer_bytes_max = kS3ListBytesMax}, until());
    auto const text = std::string(reinterpret_cast<char const*>(listed.body.data()), listed.body.size());
    std::vector<std::string> keys;
    for (auto at = text.find("<Key>"); at != std::string::npos; at = text.find("<Key>", at + 1))
        keys.push_back(text.substr(at + 5, text.find("</Key>", at) - at - 5));
    REQUIRE(keys.size() >= kFiles);
    REQUIRE(requests.ask({.method = "DELETE", .key = keys.back()}, until()).fault == 0);
    std::vector<std::vector<std::byte>> batches;
    auto const opened = reopen(store, batches);
    REQUIRE(opened.has_value());
    SessionTree tree(*opened->log, test::kOwner, test::kTreeLimits, at_birth);
    for (auto const& each : batches) REQUIRE(tree.apply(each).has_value());
    CHECK(tree.lookup(kOutputsNode, "f0").has_value());
    CHECK_FALSE(tree.lookup(kOutputsNode, "f" + std::to_string(kFiles - 1)).has_value());
}

}  // namespace ocu::test_s3
