// SPDX-License-Identifier: GPL-3.0-or-later
// The S3 engine and a server between which something breaks what passes (tests/support/s3_faults.py): nothing is corrupt, no errno is odd,
// nobody waits for thirty seconds.
#include <catch2/generators/catch_generators.hpp>

#include <fstream>

#include "storage/sealed_log.h"
#include "s3_fixture.h"

namespace ocu::test_s3 {

namespace {

constexpr double kPatienceSeconds = 29;

// Impatient: the tests' time is short, and limits.h holds the relation between the product's own.
S3Segments::Rules soon()
{
    using namespace std::chrono_literals;
    return {.append_time = 2s, .operation_time = 5s, .down_time = 1s, .times = {.attempt = 2s, .connect = 1s, .stall = 2s}};
}

struct Broken : Store {
    Broken()
    {
        say("none");
        connect = to_port(port_of("OCU_S3_FAULTS_PORT"));
    }
    ~Broken() { say("none"); }
    static void say(std::string const& mode)
    {
        auto const path = setting("OCU_S3_FAULTS");
        std::ofstream(path + ".new") << mode;
        (void)::rename((path + ".new").c_str(), path.c_str());
    }
};

// Everything that was taken is there, byte for byte, once nothing is broken any more.
void check_whole(Broken& store, SegmentNumber segment, std::vector<std::byte> const& bytes)
{
    Broken::say("none");
    auto const engine = store.engine();
    auto const found = engine->list();
    REQUIRE(found.has_value());
    CHECK(std::ranges::find(*found, segment, &Segments::Found::number)->bytes == bytes.size());
    CHECK(read_all(*engine, segment, bytes.size()) == bytes);
}

}  // namespace

TEST_CASE("s3: connections that are cut at any byte cost another attempt [SB-9]", "[SB-9][faults]")
{
    Broken store;
    struct Cut {
        char const* what;
        std::size_t after;
    };
    auto const [what, after] = GENERATE(Cut{"cut_up", 1}, Cut{"cut_up", 300}, Cut{"cut_up", 900}, Cut{"cut_up", 40'000},
        Cut{"cut_up", 3'000'000}, Cut{"cut_down", 1}, Cut{"cut_down", 30}, Cut{"cut_down", 250}, Cut{"cut_down", 100'000});
    CAPTURE(what, after);
    auto const bytes = bytes_of(after, 11u << 20);
    auto const engine = store.engine();
    REQUIRE(engine->make(1).has_value());
    Broken::say(std::string(what) + " " + std::to_string(after) + " 4");
    auto const begun = std::chrono::steady_clock::now();
    REQUIRE(engine->append(1, 0, std::span(bytes).first(1'000)).has_value());
    REQUIRE(engine->settle().error_or(0) == 0);
    for (std::size_t at = 1'000; at < bytes.size();) {
        auto const part = std::min<std::size_t>(1u << 20, bytes.size() - at);
        REQUIRE(engine->append(1, at, std::span(bytes).subspan(at, part)).has_value());
        at += part;
    }
    REQUIRE(engine->settle().error_or(0) == 0);
    CHECK(seconds_since(begun) < kPatienceSeconds);
    auto const reader = store.engine();
    REQUIRE(reader->list().has_value());
    Broken::say(std::string(what) + " " + std::to_string(after) + " 3");
    CHECK(read_all(*reader, 1, bytes.size()) == bytes);
    check_whole(store, 1, bytes);
}

TEST_CASE("s3: a burst of refusals is waited out [SB-9]", "[SB-9][faults]")
{
    Broken store;
    auto const* const said = GENERATE("status 503 5", "status 500 4", "status 429 4");
    auto const bytes = bytes_of(1, 5'000);
    auto const engine = store.engine();
    REQUIRE(engine->make(1).has_value());
    Broken::say(said);
    REQUIRE(engine->append(1, 0, bytes).has_value());
    REQUIRE(engine->settle().has_value());
    check_whole(store, 1, bytes);
}

// What a machine meets whose clock jumped: signatures carry the time, and stores believe a quarter of an hour.
TEST_CASE("s3: a store that believes no signature for a while is an error at once, and nothing is lost by it [SB-9]", "[SB-9][faults]")
{
    Broken store;
    auto const bytes = bytes_of(4, 9'000'000);
    auto const engine = store.engine();
    REQUIRE(engine->make(1).has_value());
    REQUIRE(engine->append(1, 0, std::span(bytes).first(1'000)).has_value());
    REQUIRE(engine->settle().has_value());
    Broken::say("status 403 1000");
    auto const begun = std::chrono::steady_clock::now();
    REQUIRE(engine->append(1, 1'000, std::span(bytes).subspan(1'000, 200)).has_value());
    CHECK(engine->settle().error() == EIO);
    CHECK(seconds_since(begun) < 5);
    Broken::say("none");
    REQUIRE(engine->append(1, 1'200, std::span(bytes).subspan(1'200)).has_value());
    REQUIRE(engine->settle().has_value());
    check_whole(store, 1, bytes);
}

TEST_CASE("s3: a full store is ENOSPC, and takes what waited once it has room [SB-9]", "[SB-9][faults]")
{
    Broken store;
    auto const bytes = bytes_of(2, 5'000);
    auto const engine = store.engine();
    REQUIRE(engine->make(1).has_value());
    Broken::say("status 507 1000");
    REQUIRE(engine->append(1, 0, bytes).has_value());
    CHECK(engine->settle().error() == ENOSPC);
    CHECK(engine->settle().error() == ENOSPC);
    Broken::say("none");
    CHECK(engine->settle().has_value());
    check_whole(store, 1, bytes);
}

TEST_CASE("s3: a store that says nothing, or a byte a second, or hangs up, is an error in time, and nothing is lost by it [SB-9]",
    "[SB-9][faults]")
{
    Broken store;
    auto const* const said = GENERATE("stall", "slow", "refuse");
    auto const bytes = bytes_of(3, 5'000);
    auto const engine = store.engine(soon());
    REQUIRE(engine->make(1).has_value());
    Broken::say(said);
    auto const begun = std::chrono::steady_clock::now();
    REQUIRE(engine->append(1, 0, bytes).has_value());
    CHECK(engine->settle().error() == EIO);
    CHECK(seconds_since(begun) < 7);
    // While it is down nobody waits that long again.
    auto const again = std::chrono::steady_clock::now();
    CHECK(engine->settle().error() == EIO);
    std::byte one{};
    CHECK(engine->read(1, 0, std::span(&one, 1)).value() == 1);
    CHECK(seconds_since(again) < 2.5);
    Broken::say("none");
    CHECK(engine->settle().has_value());
    check_whole(store, 1, bytes);
}

TEST_CASE("s3: a store that hangs while one reads is ETIMEDOUT, which is no damage [SB-9]", "[SB-9][faults]")
{
    Broken store;
    auto const bytes = bytes_of(4, 300'000);
    {
        auto const engine = store.engine(soon());
        REQUIRE(engine->make(1).has_value());
        REQUIRE(engine->append(1, 0, bytes).has_value());
        REQUIRE(engine->settle().has_value());
    }
    auto const engine = store.engine(soon());
    REQUIRE(engine->list().has_value());
    Broken::say("refuse");
    std::vector<std::byte> into(1'000);
    auto const begun = std::chrono::steady_clock::now();
    CHECK(engine->read(1, 0, into).error() == ETIMEDOUT);
    CHECK(seconds_since(begun) < 7);
    Broken::say("none");
    CHECK(engine->read(1, 0, into).value() == into.size());
    Broken::say("short");
    CHECK(store.engine(soon())->read(1, 0, into).error() == ENOENT);  // nothing is known before it was listed
}

TEST_CASE("s3: what comes back altered does not open, and what comes back short is no answer [SB-9]", "[SB-9][T-28][faults]")
{
    Broken store;
    auto opened = SealedLog::open(store.engine(), log_key(), [](auto) -> Answer<void> { return {}; });
    REQUIRE(opened.has_value());
    auto& log = *opened->log;
    auto const bytes = bytes_of(5, 3u << 20);  // larger than what is kept from writing
    std::vector<ChunkPlace> places;
    for (std::size_t at = 0; at < bytes.size(); at += 1u << 20) {
        auto const more = log.append(1, at / kChunkBytes, std::span(bytes).subspan(at, 1u << 20)).value();
        places.insert(places.end(), more.begin(), more.end());
    }
    REQUIRE(log.settle().has_value());
    std::vector<std::byte> into(kChunkBytes);
    auto const* const said = GENERATE("garble", "short");
    Broken::say(said);
    CHECK(log.read(1, 0, std::span(places).first(1), into).error() == EIO);
}

TEST_CASE("s3: the certificate is the endpoint's, by the authorities that were given, or nothing is said [T-31]", "[T-31][tls]")
{
    Store store;
    auto const port = setting("OCU_S3_TLS_PORT");
    auto const pem = [](char const* stem) {
        std::ifstream file(setting("OCU_S3_CERTIFICATES") + "/" + stem + ".pem");
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    auto const plain = store.place;
    store.place.endpoint = "https://s3.test:" + port;
    store.connect = to_port(port_of("OCU_S3_TLS_PORT"));
    // A store that answers another name's request says EIO too: so who ended it is asked as well.
    auto const ended_by = [&store] {
        wire::HttpClientRules rules;
        rules.connect = [&store] { return store.connect().value_or(UniqueFd{}); };
        rules.ca_pem = store.place.ca_pem;
        wire::HttpClient client(std::move(rules));
        return client.ask({.method = "GET", .url = store.place.endpoint + "/"}).failure;
    };
    auto const begun = std::chrono::steady_clock::now();
    SECTION("right")
    {
        store.place.ca_pem = pem("right");
        CHECK(ended_by() == wire::HttpFailure::none);
        auto const bytes = bytes_of(6, 12u << 20);
        auto const engine = store.engine();
        REQUIRE(engine->make(1).has_value());
        for (std::size_t at = 0; at < bytes.size(); at += 1u << 20)
            REQUIRE(engine->append(1, at, std::span(bytes).subspan(at, 1u << 20)).has_value());
        REQUIRE(engine->settle().has_value());
        auto const reader = store.engine();
        REQUIRE(reader->list().has_value());
        CHECK(read_all(*reader, 1, bytes.size()) == bytes);
    }
    SECTION("another authority")
    {
        store.place.ca_pem = pem("other");
        CHECK(ended_by() != wire::HttpFailure::none);
        CHECK(store.engine()->list().error() == EIO);
        CHECK(seconds_since(begun) < 5);
    }
    SECTION("another name")
    {
        store.place.endpoint = "https://elsewhere.test:" + port;
        store.place.ca_pem = pem("right");
        CHECK(ended_by() == wire::HttpFailure::tls);
        CHECK(store.engine()->list().error() == EIO);
        CHECK(seconds_since(begun) < 5);
    }
    SECTION("no authority") { CHECK(store.engine()->list().error() == EIO); }
    store.place = plain;
}

}  // namespace ocu::test_s3
