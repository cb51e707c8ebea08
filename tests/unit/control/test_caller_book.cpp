// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/caller_book. Who is let in: declared, made, revoked, over; and what the file of it is worth.

#include "control/caller_book.h"

#include "base/crypto/crypto.h"
#include "unit/control/control_fixture.h"

namespace test_caller_book {

using namespace ocu;
using namespace ocu::control;
using proto::CallerQuestion;
using proto::Reason;

helper::Caller declared(std::uint64_t id, std::string name, std::string_view key)
{
    helper::Caller caller{CallerId{id}, std::move(name), {}, {}};
    crypto::random_bytes(std::as_writable_bytes(std::span(caller.salt)));
    caller.digest = crypto::Sha256().update(std::as_bytes(std::span(caller.salt))).update(key).finish();
    return caller;
}

struct Book {
    ManualClock clock;
    std::vector<helper::Caller> manifest{declared(1, "dev", "key of dev"), declared(2, "ops", "key of ops")};
    CallerBook book{manifest, {"embedder"}, std::nullopt, clock};

    std::string add(char const* name, std::uint32_t days = 0) { return book.add({name, days, 0}, "root", clock).value().key; }
    std::string rotate(char const* name, std::uint32_t overlap_s = 0) { return book.rotate({name, 0, overlap_s}, "root", clock).value().key; }
    std::string who(std::string_view key) const
    {
        helper::Callers const callers(book.in_force());
        auto const* const found = callers.find(key);
        return found == nullptr ? "nobody" : found->name;
    }
    // As the next start finds it.
    CallerBook again(std::vector<helper::Caller> callers) { return {std::move(callers), {}, book.file(clock), clock}; }
    void begin_again() { book = again(manifest); }
};

TEST_CASE_METHOD(Book, "callers: given one that is made, when its key is shown, then it is let in under its name, also after a new start, and the key is nowhere kept",
    "[control][GW-3]")
{
    auto const key = add("ci");
    CHECK(key.size() == 43);
    CHECK(who(key) == "ci");
    CHECK(who("key of dev") == "dev");
    begin_again();
    CHECK(who(key) == "ci");
    auto const file = book.file(clock);
    CHECK(std::string_view(reinterpret_cast<char const*>(file.data()), file.size()).find(key) == std::string_view::npos);
    CHECK(add("ci2") != key);
}

TEST_CASE_METHOD(Book, "callers: given names that cannot be, when they are made, rotated or revoked, then each is refused with its reason", "[control][GW-3]")
{
    add("ci");
    add("gone");
    REQUIRE(book.revoke("gone", "root", clock));
    CHECK(book.may_add("ci") == Reason::caller_exists);
    CHECK(book.may_add("dev") == Reason::caller_of_manifest);
    CHECK(book.may_add("embedder") == Reason::caller_exists);
    CHECK(book.may_add("gone") == Reason::none);
    for (char const* wrong : {"", ".a", "-a", "a b", "a/b", "a\n"}) CHECK(book.may_add(wrong) == Reason::bad_request);
    CHECK(book.may_add(std::string(64, 'a')) == Reason::bad_request);
    CHECK(book.may_rotate("dev") == Reason::caller_of_manifest);
    CHECK(book.may_rotate("gone") == Reason::caller_over);
    CHECK(book.may_rotate("nobody") == Reason::unknown_caller);
    CHECK(book.may_revoke("nobody") == Reason::unknown_caller);
    CHECK(book.add({"long", proto::kCallerDaysMax + 1, 0}, "root", clock).error() == Reason::bad_request);
    CHECK(book.rotate({"ci", 0, proto::kKeyOverlapSecondsMax + 1}, "root", clock).error() == Reason::bad_request);
}

TEST_CASE_METHOD(Book, "callers: given one that is revoked, when its key is shown, then nobody is let in; made anew, it is another", "[control][GW-3][CT-3]")
{
    auto const key = add("ci");
    auto const id = book.revoke("ci", "root", clock).value();
    CHECK(who(key) == "nobody");
    CHECK(book.denies(id));
    begin_again();
    CHECK(who(key) == "nobody");
    CHECK(book.denies(id));
    auto const fresh = add("ci");
    CHECK(who(key) == "nobody");
    CHECK(who(fresh) == "ci");
    CHECK(book.revoke("ci", "root", clock).value() != id);
}

TEST_CASE_METHOD(Book, "callers: given one of the manifest that is revoked, when the manifest is applied again, then only another key of it is let in", "[control][GW-3][CT-3]")
{
    CHECK(book.revoke("dev", "root", clock).value() == CallerId{1});
    CHECK(who("key of dev") == "nobody");
    CHECK(who("key of ops") == "ops");
    CHECK(book.denies(CallerId{1}));
    CHECK_FALSE(book.denies(CallerId{2}));
    begin_again();
    CHECK(who("key of dev") == "nobody");
    CHECK(book.state().revoked == 1);
    manifest[0] = declared(1, "dev", "another key");
    book = again(manifest);
    CHECK(who("another key") == "dev");
    CHECK(book.state().revoked == 0);
}

TEST_CASE_METHOD(Book, "callers: given a new key, when the one before it has an overlap, then both are good until it ends; without, only the new one", "[control][GW-3]")
{
    auto const first = add("ci");
    auto const second = rotate("ci", 60);
    CHECK(who(first) == "ci");
    CHECK(who(second) == "ci");
    begin_again();
    CHECK(who(first) == "ci");
    clock.advance(std::chrono::seconds(60));
    CHECK(book.pass_time(clock).changed);
    CHECK(who(first) == "nobody");
    CHECK(who(second) == "ci");
    auto const third = rotate("ci");
    CHECK(who(second) == "nobody");
    CHECK(who(third) == "ci");
}

TEST_CASE_METHOD(Book, "callers: given one with days, when they are over, then nobody is let in, whatever the wall clock says then", "[control][GW-3]")
{
    auto const key = add("ci", 1);
    clock.advance(std::chrono::hours(23));
    CHECK_FALSE(book.pass_time(clock).changed);
    CHECK(who(key) == "ci");
    begin_again();
    clock.set_wall(WallTime{});  // set back while it runs, and found so at the next start
    begin_again();
    clock.advance(std::chrono::hours(1));
    auto const turned = book.pass_time(clock);
    REQUIRE(turned.expired.size() == 1);
    CHECK(turned.expired[0].name.view() == "ci");
    CHECK(who(key) == "nobody");
    begin_again();
    CHECK(who(key) == "nobody");
    CHECK(book.pass_time(clock).expired.empty());
}

TEST_CASE_METHOD(Book, "callers: given one whose days pass while the machine is off, when it starts, then it is over, is said to be, and stays so, whatever the clock says later",
    "[control][GW-3]")
{
    auto const key = add("ci", 1);
    auto const before = clock.wall();
    auto const file = book.file(clock);
    clock.advance(std::chrono::hours(24));
    book = CallerBook(manifest, {}, file, clock);
    CHECK(who(key) == "nobody");
    auto const turned = book.pass_time(clock);
    CHECK(turned.changed);
    CHECK(turned.expired.size() == 1);
    CHECK(book.pass_time(clock).expired.empty());
    auto const kept = book.file(clock);
    clock.set_wall(before);
    book = CallerBook(manifest, {}, kept, clock);
    CHECK(who(key) == "nobody");
}

TEST_CASE_METHOD(Book, "callers: given a file that is cut, changed or no file of ours, when it is taken, then nobody is let in until it is begun anew", "[control][GW-3][T-45]")
{
    auto const key = add("ci");
    REQUIRE(book.revoke("dev", "root", clock));
    auto const whole = book.file(clock);
    std::vector<wire::Bytes> damaged{{}, wire::Bytes(whole.begin(), whole.end() - 1), wire::Bytes(kCallersFileBytesMax + 1)};
    for (std::size_t const at : {std::size_t{0}, std::size_t{20}, whole.size() - 1}) {
        damaged.push_back(whole);
        damaged.back()[at] ^= std::byte{1};
    }
    for (auto const& file : damaged) {
        CallerBook taken(manifest, {}, file, clock);
        REQUIRE(taken.damaged());
        CHECK(taken.in_force().empty());
        CHECK(taken.denies(CallerId{1}));
        CHECK(taken.state().damaged);
        CHECK(taken.may_add("x") == Reason::callers_damaged);
        CHECK(taken.may_rotate("ci") == Reason::callers_damaged);
        CHECK(taken.may_revoke("ops") == Reason::callers_damaged);
        taken.reset();
        CHECK(taken.in_force().size() == 2);
    }
    begin_again();
    CHECK(who(key) == "ci");
}

TEST_CASE_METHOD(Book, "callers: given as many as can be kept, when one more is made, then it is refused until one is over, which gives way", "[control][GW-3][T-06]")
{
    for (std::size_t i = 0; i < kCallersKeptMax; ++i) add(("c" + std::to_string(i)).c_str());
    CHECK(book.add({"more", 0, 0}, "root", clock).error() == Reason::too_many_callers);
    REQUIRE(book.revoke("c7", "root", clock));
    auto const key = add("more");
    CHECK(who(key) == "more");
    CHECK(book.may_revoke("c7") == Reason::unknown_caller);
    CHECK(book.file(clock).size() < kCallersFileBytesMax);
    begin_again();
    CHECK(who(key) == "more");
}

TEST_CASE_METHOD(Book, "callers: given a name that the manifest comes to declare, when its keys are shown, then the manifest's counts and the other does not", "[control][GW-3]")
{
    auto const key = add("ci");
    manifest.push_back(declared(3, "ci", "of the manifest"));
    book = again(manifest);
    CHECK(who(key) == "nobody");
    CHECK(who("of the manifest") == "ci");
    CHECK(book.shown().front().second.state == proto::CallerState::shadowed);
}

}  // namespace test_caller_book
