// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/edge/body_watch and withheld_set. What is held back, what is found in a body and in its parts, and what is not looked into.
#include "edge/body_watch.h"

#include <catch2/catch_test_macros.hpp>

#include <deque>

namespace test_body_watch {

using namespace ocu;
using namespace ocu::edge;
using Word = BodyWatch::Word;

std::string const kSecret = "a file of this session that may not leave it\n";

struct BodyWatchTest {
    BodyWatchTest() { know(kSecret); }
    void know(std::string_view bytes)
    {
        proto::WithheldChange change;
        change.more.push({bytes.size(), crypto::sha256(bytes)});
        withheld.change(change);
    }
    BodyWatch watch(BodyForm const& form)
    {
        words.clear();
        *refused = false;
        return {withheld, form, nullptr, refused,
            {[this](std::function<void()> task) { later.push_back(std::move(task)); }, [this](Word word) { words.push_back(word); }}};
    }
    void run()
    {
        while (!later.empty()) {
            auto const task = std::move(later.front());
            later.pop_front();
            task();
        }
    }
    // What comes out of a body that is fed in such pieces, and whether it was refused.
    std::string through(BodyForm const& form, std::string_view body, std::size_t step)
    {
        auto one = watch(form);
        std::string out;
        for (std::size_t at = 0; at <= body.size(); at += step) {
            auto const piece = body.substr(at, step);
            one.feed(piece, at + step > body.size());
            out += one.take(1u << 20);
            run();
        }
        return out + (*refused ? "!" : one.state() == BodyWatch::State::over ? "." : "?");
    }
    static BodyForm form(std::string boundary) { return {std::nullopt, true, std::move(boundary)}; }
    static std::string part(
        std::string const& bytes, std::string const& head = "Content-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n")
    {
        return "--b\r\n" + head + "\r\n" + bytes + "\r\n";
    }

    WithheldSet withheld;
    std::shared_ptr<bool> refused = std::make_shared<bool>(false);
    std::deque<std::function<void()>> later;
    std::vector<Word> words;
};

TEST_CASE_METHOD(
    BodyWatchTest, "body_watch: given a withheld content, when it is a body, then not a byte of it goes on", "[edge][SB-5][T-33]")
{
    for (std::size_t const step : {1u, 7u, 100u}) {
        CHECK(through({kSecret.size()}, kSecret, step) == "!");
        CHECK(words == std::vector{Word::withheld});
        CHECK(through({std::nullopt}, kSecret, step) == "!");
        CHECK(through({kSecret.size()}, std::string(kSecret.size(), 'x'), step) == std::string(kSecret.size(), 'x') + ".");
        CHECK(words == std::vector{Word::may_begin});
        CHECK(through({std::nullopt}, kSecret + "+", step) == kSecret + "+.");
    }
}

TEST_CASE_METHOD(
    BodyWatchTest, "body_watch: given a great body, when it is withheld, then its last bytes never go on", "[edge][SB-5][T-33]")
{
    std::string const great(1u << 20, 'g');
    know(great);
    auto one = watch({great.size()});
    std::size_t out = 0;
    for (std::size_t at = 0; at < great.size(); at += 64u << 10) {
        CHECK(one.room() > 0);
        one.feed(std::string_view(great).substr(at, 64u << 10), at + (64u << 10) == great.size());
        out += one.take(1u << 20).size();
        run();
    }
    CHECK(words == std::vector{Word::may_begin, Word::withheld});
    CHECK(out > 0);
    CHECK(out <= great.size() - kHoldBytes);
    CHECK(one.state() == BodyWatch::State::broken);
    CHECK(one.take(1u << 20).empty());
}

TEST_CASE_METHOD(
    BodyWatchTest, "body_watch: given a small body, when it is not whole yet, then not even its head may go on", "[edge][SB-5][T-33]")
{
    auto one = watch({std::nullopt});
    one.feed(std::string(kHoldBytes, 'x'), false);
    run();
    CHECK(words.empty());
    CHECK(one.take(10).empty());
    one.feed("y", false);
    run();
    CHECK(words == std::vector{Word::may_begin});
    CHECK(one.take(10) == "x");
}

TEST_CASE_METHOD(
    BodyWatchTest, "body_watch: given a form, when one part is withheld, then it does not go, however it is cut", "[edge][SB-5][T-33]")
{
    auto const good = part("something") + part(std::string(300, 'z')) + "--b--\r\n";
    auto const bad = part("something") + part(kSecret) + part("more") + "--b--\r\n";
    auto const bare = part(kSecret, "") + "--b--\r\n";
    auto const related = part("{}", "Content-Type: application/json\r\n") + part(kSecret, "Content-Type: text/plain\r\n") + "--b--";
    for (std::size_t const step : {1u, 5u, 4096u}) {
        CHECK(through(form("b"), good, step) == good + ".");
        for (auto const& each : {bad, bare, related}) CHECK(through(form("b"), each, step) == "!");
    }
    // A part that is withheld ends long before its form does: what was let go by then lacks its end.
    std::string const great(1u << 20, 'g');
    know(great);
    auto one = watch(form("b"));
    std::size_t out = 0;
    auto const body = part(great);
    for (std::size_t at = 0; at < body.size(); at += 16u << 10) {
        one.feed(std::string_view(body).substr(at, 16u << 10), false);
        out += one.take(1u << 20).size();
    }
    one.feed("--b--", true);
    CHECK(*refused);
    CHECK(out < great.size() - kHoldBytes + (16u << 10));
}

TEST_CASE_METHOD(BodyWatchTest, "body_watch: given a form that cannot be read, when it comes, then it does not go", "[edge][T-33]")
{
    for (auto const* const body : {"preamble\r\n--b\r\n\r\nx\r\n--b--", "--b\r\n\r\nno end", "--b\r\nhead", "", "x"})
        CHECK(through(form("b"), body, 4096) == "!");
    CHECK(through(form(""), part("x") + "--b--", 4096) == "!");
}

TEST_CASE_METHOD(BodyWatchTest,
    "body_watch: given what a request says of its body, when it is asked about, then only what could be one is watched", "[edge][T-33]")
{
    wire::RelayRequest request;
    CHECK_FALSE(has_body(request));
    request.body = {wire::Framing::length, kSecret.size()};
    CHECK(has_body(request));
    CHECK(needs_watch(form_of(request), withheld));
    CHECK_FALSE(needs_watch(form_of(request), WithheldSet{}));
    request.body.length = kSecret.size() + 1;
    CHECK_FALSE(needs_watch(form_of(request), withheld));
    request.body = {wire::Framing::chunked, 0};
    CHECK(needs_watch(form_of(request), withheld));
    request.body = {wire::Framing::length, kSecret.size() + 1};
    request.headers = {{"Content-Type", "Multipart/Form-Data; boundary=\"b\""}};
    auto const form = form_of(request);
    CHECK(form.multipart);
    CHECK(form.boundary == "b");
    CHECK(needs_watch(form, withheld));
    request.headers.push_back({"content-type", "text/plain; boundary=c"});
    CHECK(form_of(request).multipart);
    CHECK(form_of(request).boundary.empty());
}

TEST_CASE_METHOD(BodyWatchTest, "body_watch: given many at once, when they hold, then all of them hold a bounded sum, and each something",
    "[edge][T-06]")
{
    std::vector<std::unique_ptr<BodyWatch>> many;
    for (std::size_t i = 0; i < 2 * kHeldBytesMax / kHoldBytes; ++i) {
        many.push_back(std::make_unique<BodyWatch>(
            withheld, BodyForm{}, nullptr, refused, BodyWatch::Calls{[](std::function<void()> const&) {}, [](Word) {}}));
    }
    CHECK(many.front()->room() > kHoldBytes);
    CHECK(many.back()->room() < kHoldBytes);
    many.back()->feed(std::string(kHoldBytesLeast, 'x'), false);
    CHECK(many.back()->take(1).empty());
    many.clear();
    CHECK(watch({}).room() > kHoldBytes);
}

TEST_CASE_METHOD(BodyWatchTest, "body_watch: given nobody who waits any more, when it is let go of, then it says so once", "[edge]")
{
    {
        auto const one = watch({});
    }
    run();
    CHECK(words == std::vector{Word::gone});
}

}  // namespace test_body_watch
