// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/files_access. Who may ask for files, with what, and for how long.
#include <catch2/catch_test_macros.hpp>

#include "storage/files_access.h"
#include "storage/limits.h"

namespace test_files_access {

using namespace ocu;
using namespace ocu::storage;
using namespace std::chrono_literals;
using proto::FilesShown;
using proto::Reason;

helper::Caller caller(std::uint64_t id, std::string name, std::string_view key)
{
    helper::Caller out{CallerId{id}, std::move(name), {}, {}};
    out.digest = crypto::Sha256().update(std::as_bytes(std::span(out.salt))).update(key).finish();
    return out;
}

struct FilesAccessTest {
    proto::FilesAsk by_key(std::string_view key, proto::Intents intents = proto::kReadIntent)
    {
        proto::FilesAsk ask;
        ask.shown = FilesShown::bearer;
        ask.secret = key;
        ask.chat = "c";
        ask.intents = intents;
        return ask;
    }
    proto::FilesAsk by_cookie(FilesAccess::Browser const& browser, proto::Intents intents = proto::kReadIntent)
    {
        proto::FilesAsk ask;
        ask.shown = FilesShown::cookie;
        ask.secret = browser.cookie;
        ask.csrf = browser.csrf;
        ask.intents = intents;
        return ask;
    }
    FilesAccess::Browser browser(proto::Intents intents = proto::kAllIntents)
    {
        auto const who = access.judge(by_key("key-a")).value();
        auto const token = access.make_token(who, intents).value();
        FilesCaller begun;
        return access.begin(token.token, begun).value();
    }
    Reason refused(proto::FilesAsk const& ask)
    {
        auto const who = access.judge(ask);
        return who ? Reason::none : who.error().reason;
    }

    ManualClock clock;
    FilesAccess access{clock, {caller(1, "alice", "key-a"), caller(2, "bob", "key-b")},
        {EmbedKey{caller(1ull << 32, "portal", "key-p"), {"alice"}}}, {100}};
};

TEST_CASE_METHOD(
    FilesAccessTest, "files_access: given keys, when one is shown, then whose it is, and of a wrong one nobody's", "[storage][T-01]")
{
    CHECK(access.judge(by_key("key-a"))->name == "alice");
    CHECK(access.judge(by_key("key-b"))->name == "bob");
    CHECK(refused(by_key("key-c")) == Reason::unauthorized);
    CHECK(refused(by_key("")) == Reason::unauthorized);
    auto token = by_key("key-a");
    token.shown = FilesShown::embed_token;
    CHECK(refused(token) == Reason::unauthorized);
}

TEST_CASE_METHOD(
    FilesAccessTest, "files_access: given a token, when it is used, then once, and only within its time", "[storage][SB-6][T-01]")
{
    auto const who = access.judge(by_key("key-a")).value();
    auto const token = access.make_token(who, proto::kReadIntent).value();
    FilesCaller begun;
    CHECK(access.begin(token.token, begun).has_value());
    CHECK(begun.name == "alice");
    CHECK(begun.chat == "c");
    CHECK(access.begin(token.token, begun).error().reason == Reason::unauthorized);
    auto const late = access.make_token(who, proto::kReadIntent).value();
    clock.advance(kEmbedTokenLife);
    CHECK(access.begin(late.token, begun).error().reason == Reason::unauthorized);
    CHECK(kEmbedTokenLife <= 120s);
}

TEST_CASE_METHOD(FilesAccessTest, "files_access: given a cookie, when a change comes without its CSRF token, then it is refused",
    "[storage][SB-6][T-02]")
{
    auto const mine = browser();
    auto const other = browser();
    auto change = by_cookie(mine, proto::kWriteIntent);
    change.changes = true;
    CHECK(refused(change) == Reason::none);
    change.csrf = other.csrf;
    CHECK(refused(change) == Reason::forbidden);
    change.csrf = "";
    CHECK(refused(change) == Reason::forbidden);
    change.changes = false;
    CHECK(refused(change) == Reason::none);
}

TEST_CASE_METHOD(
    FilesAccessTest, "files_access: given a cookie for reading, when it is used for more, then it is refused", "[storage][SB-5]")
{
    auto const mine = browser(proto::kReadIntent);
    CHECK(refused(by_cookie(mine, proto::kReadIntent)) == Reason::none);
    CHECK(refused(by_cookie(mine, proto::kPreviewIntent)) == Reason::forbidden);
    CHECK(refused(by_cookie(mine, proto::kWriteIntent)) == Reason::forbidden);
    CHECK(access.make_token(access.judge(by_cookie(mine)).value(), proto::kAllIntents).error().reason == Reason::forbidden);
}

TEST_CASE_METHOD(
    FilesAccessTest, "files_access: given a cookie, when it is ended or its time is over, then it is nobody's", "[storage][SB-6]")
{
    auto const mine = browser();
    auto const other = browser();
    CHECK(access.show(mine.cookie)->csrf == mine.csrf);
    access.end(mine.cookie);
    CHECK(refused(by_cookie(mine)) == Reason::unauthorized);
    CHECK(refused(by_cookie(other)) == Reason::none);
    clock.advance(kBrowserLife - 1s);
    CHECK(access.show(other.cookie)->expires_in == 1s);
    clock.advance(1s);
    CHECK(refused(by_cookie(other)) == Reason::unauthorized);
    CHECK_FALSE(access.show(other.cookie).has_value());
}

TEST_CASE_METHOD(FilesAccessTest,
    "files_access: given a wall clock that jumps by years, when time passes, then tokens, browsers and rates live as long as they do",
    "[storage][SB-6]")
{
    for (auto const jump : {std::chrono::hours(24 * 3'650), std::chrono::hours(-24 * 3'650)}) {
        auto const mine = browser();
        auto const who = access.judge(by_key("key-a")).value();
        auto const token = access.make_token(who, proto::kReadIntent).value();
        clock.set_wall(clock.wall() + jump);
        CHECK(refused(by_cookie(mine)) == Reason::none);
        CHECK(access.show(mine.cookie)->expires_in == kBrowserLife);
        FilesCaller begun;
        CHECK(access.begin(token.token, begun).has_value());
        clock.advance(kBrowserLife);
        CHECK(refused(by_cookie(mine)) == Reason::unauthorized);
    }
}

TEST_CASE_METHOD(FilesAccessTest,
    "files_access: given a caller at its rate, when it asks on, then it waits, its browsers too, and nobody else", "[storage][T-06]")
{
    auto const mine = browser();
    Reason last = Reason::none;
    for (int i = 0; i < 200 && last == Reason::none; ++i) last = refused(by_key("key-a"));
    CHECK(last == Reason::rate_exceeded);
    CHECK(refused(by_cookie(mine)) == Reason::rate_exceeded);
    CHECK(refused(by_key("key-b")) == Reason::none);
    clock.advance(60s);
    CHECK(refused(by_key("key-a")) == Reason::none);
}

TEST_CASE_METHOD(
    FilesAccessTest, "files_access: given tokens that nobody uses, when more are made, then their number has an end", "[storage][T-06]")
{
    auto const who = access.judge(by_key("key-a")).value();
    std::size_t made = 0;
    while (made < 1000 && access.make_token(who, proto::kReadIntent)) ++made;
    CHECK(made == kEmbedTokensPerCallerMax);
    clock.advance(kEmbedTokenLife);
    CHECK(access.make_token(who, proto::kReadIntent).has_value());
}

TEST_CASE_METHOD(FilesAccessTest,
    "files_access: given an embedding application's key, when it asks, then it makes tokens for the callers that it names and nothing else",
    "[storage][T-01][T-30][SB-6]")
{
    auto ask = by_key("key-p");
    for (auto const want : {proto::FilesWant::channel, proto::FilesWant::show_session, proto::FilesWant::end_session}) {
        ask.want = want;
        ask.caller = "alice";
        CHECK(refused(ask) == Reason::forbidden);
    }
    ask.want = proto::FilesWant::embed_token;
    for (auto const* const other : {"", "bob", "portal", "nobody"}) {
        ask.caller = other;
        CHECK(refused(ask) == Reason::forbidden);
    }
    ask.caller = "alice";
    auto const who = access.judge(ask);
    REQUIRE(who.has_value());
    CHECK(who->caller == CallerId{1});
    CHECK(who->name == "alice");
    CHECK(who->chat == "c");
    CHECK(who->maker == "portal");
    auto const token = access.make_token(*who, proto::kReadIntent);
    REQUIRE(token.has_value());
    FilesCaller begun;
    auto const browser = access.begin(token->token, begun);
    REQUIRE(browser.has_value());
    CHECK(begun.name == "alice");
    CHECK(begun.maker.empty());
    auto const seen = access.judge(by_cookie(*browser));
    REQUIRE(seen.has_value());
    CHECK(seen->caller == CallerId{1});
    CHECK(refused(by_cookie(*browser, proto::kWriteIntent)) == Reason::forbidden);
}

TEST_CASE_METHOD(FilesAccessTest,
    "files_access: given a caller's own key, when it asks for a token in another caller's name, then it has none", "[storage][T-01][T-30]")
{
    auto ask = by_key("key-a");
    ask.want = proto::FilesWant::embed_token;
    ask.caller = "bob";
    CHECK(refused(ask) == Reason::forbidden);
    ask.caller = "alice";
    CHECK(access.judge(ask).has_value());
}

TEST_CASE_METHOD(FilesAccessTest, "files_access: given an application that asks too often, when it is refused, then its callers are not",
    "[storage][T-06][T-30]")
{
    auto ask = by_key("key-p");
    ask.want = proto::FilesWant::embed_token;
    ask.caller = "alice";
    for (int i = 0; i < 100; ++i) CHECK(access.judge(ask).has_value());
    CHECK(refused(ask) == Reason::rate_exceeded);
    CHECK(access.judge(by_key("key-a")).has_value());
}

TEST_CASE_METHOD(FilesAccessTest, "files_access: given callers that are told anew, when one is gone, then so are its key, its browsers and its tokens, and another comes",
    "[storage][GW-3][CT-3][T-46]")
{
    auto const open = browser();
    auto const token = access.make_token(access.judge(by_key("key-a")).value(), proto::kReadIntent).value();
    access.callers_are({caller(2, "bob", "key-b"), caller(3, "carol", "key-c")});
    CHECK(refused(by_key("key-a")) == Reason::unauthorized);
    CHECK(refused(by_cookie(open)) == Reason::unauthorized);
    FilesCaller begun;
    CHECK(access.begin(token.token, begun).error().reason == Reason::unauthorized);
    CHECK(refused(by_key("key-b")) == Reason::none);
    CHECK(access.judge(by_key("key-c"))->name == "carol");
    auto portal = by_key("key-p");
    portal.want = proto::FilesWant::embed_token;
    portal.caller = "alice";
    CHECK(refused(portal) == Reason::forbidden);
}

}  // namespace test_files_access
