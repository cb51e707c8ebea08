// SPDX-License-Identifier: GPL-3.0-or-later
// The real helper, confined, in a network namespace of the test's own, with a world beyond a cable: a real resolver, one that lies, and
// listeners at addresses of every kind. Needs dnsmasq.

#include "uplink_world.h"

using namespace test_uplink_process;

TEST_CASE_METHOD(
    UplinkProcess, "uplink: given a real resolver, when names are dialled, then what they lead to decides", "[edge][T-05][EG-3][EG-4]")
{
    bench.start_in_world(
        {"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--user=root",
            "--listen-address=11.0.0.2", "--bind-interfaces", "--local=/example/", "--host-record=public.example,11.1.1.1",
            "--host-record=private.example,10.9.9.9", "--cname=good.example,public.example", "--cname=bad.example,private.example"},
        "/dev/null");
    begin({"11.0.0.2"});
    for (int tries = 0; tries < 40 && ask_word(to("public.example")) == "resolver_failed"; ++tries) ::poll(nullptr, 0, 50);
    CHECK(ask_word(to("good.example")) == "11.1.1.1");
    CHECK(arrived() == 2);
    CHECK(ask_word(to("bad.example")) == "denied");
    CHECK(ask_word(to("private.example")) == "denied");
    CHECK(ask_word(to("never.example")) == "no_such_name");
    CHECK(ask_word(to("elsewhere.org")) == "resolver_failed");
    CHECK(arrived() == 0);
    CHECK(ask_word(to("bad.example", {"10.9.0.0/16"})) == "10.9.9.9");
    CHECK(ask_word(to("public.example", {"10.9.0.0/16"})) == "denied");
    CHECK(arrived() == 1);
}

TEST_CASE_METHOD(UplinkProcess, "uplink: given a dial, when it succeeds, then a connected socket as it should be", "[edge][EG-4]")
{
    begin();
    auto const out = ask(to("public.test"));
    REQUIRE(out.dialled);
    CHECK(out.dialled->address.view() == "11.1.1.1");
    CHECK(peer_of(out.socket.get()) == "11.1.1.1");
    CHECK((::fcntl(out.socket.get(), F_GETFL) & O_NONBLOCK) != 0);
    int on = 0;
    socklen_t size = sizeof on;
    CHECK(::getsockopt(out.socket.get(), IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, &size) == 0);
    CHECK(on != 0);
    CHECK(ask_word(to("six.test")) == "2a00:2::1");
    CHECK(ask_word(to("11.1.1.2")) == "11.1.1.2");
    CHECK(ask_word(to("2a00:2::1")) == "2a00:2::1");
}

TEST_CASE_METHOD(UplinkProcess, "uplink: given a resolver that lies, when names lead inwards, then denied and nothing is sent there",
    "[edge][T-05][EG-3][EG-4]")
{
    begin();
    for (auto const* name :
        {"private.test", "metadata.test", "zero.test", "mapped.test", "translated.test", "chain.test", "own.test", "many.test"}) {
        INFO(name);
        auto const out = ask(to(name));
        REQUIRE(out.failed);
        CHECK(name_of(out.failed->failure) == "denied");
        CHECK_FALSE(out.failed->address.empty());
    }
    CHECK(ask(to("chain.test")).failed->address.view() == "10.9.9.9");
    for (auto const* address : {"10.9.9.9", "169.254.169.254", "127.0.0.1", "::1", "::ffff:10.9.9.9", "0.0.0.0", "2002:a09:909::"}) {
        INFO(address);
        CHECK(ask_word(to(address)) == "denied");
    }
    CHECK(ask_word(to("metadata.test", {"169.254.0.0/16"})) == "denied");
    CHECK(arrived() == 0);
}

TEST_CASE_METHOD(UplinkProcess,
    "uplink: given addresses of both kinds, when a name is dialled, then the permitted ones alone, one after another", "[edge][T-05][EG-3]")
{
    begin();
    CHECK(ask_word(to("mixed.test")) == "11.1.1.1");
    CHECK(arrived() == 1);
    CHECK(ask_word(to("fallback.test", {}, kSecondOnly)) == "11.1.1.2");
    CHECK(ask_word(to("fallback.test", {}, kNowhere)) == "unreachable");
}

TEST_CASE_METHOD(UplinkProcess, "uplink: given a name that is bound anew, when it is dialled, then each dial is judged by its own answer",
    "[edge][T-05][EG-4]")
{
    begin();
    auto const first = ask(to("rebind.test"));
    REQUIRE(first.dialled);
    CHECK(peer_of(first.socket.get()) == "11.1.1.1");
    CHECK(arrived() == 1);
    CHECK(ask_word(to("rebind.test")) == "denied");
    CHECK(arrived() == 0);
}

TEST_CASE_METHOD(
    UplinkProcess, "uplink: given this machine's own address, when it is dialled, then only if a range is exactly it", "[edge][T-05][EG-3]")
{
    auto const here = listener("::", kEverywhere);
    begin();
    CHECK(ask_word(to("own.test")) == "denied");
    CHECK(ask_word(to("11.0.0.1")) == "denied");
    CHECK(ask_word(to("2a00:1::1")) == "denied");
    CHECK(ask_word(to("own.test", {"11.0.0.0/24"})) == "denied");
    CHECK(ask_word(to("127.0.0.1", {"127.0.0.0/8"})) == "denied");
    CHECK_FALSE(UniqueFd(::accept4(here.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    CHECK(ask_word(to("own.test", {"11.0.0.1/32"})) == "11.0.0.1");
    CHECK(ask_word(to("127.0.0.1", {"127.0.0.1"})) == "127.0.0.1");
}

TEST_CASE_METHOD(UplinkProcess, "uplink: given answers that are none, when names are dialled, then each fails in its way within the wait",
    "[edge][T-05][T-06][EG-4]")
{
    begin();
    std::map<std::string, std::string> const expected{{"empty", "no_such_name"}, {"missing", "no_such_name"},
        {"failing", "resolver_failed"}, {"refusing", "resolver_failed"}, {"garbage", "resolver_failed"}, {"short", "resolver_failed"},
        {"cut", "resolver_failed"}, {"bomb", "resolver_failed"}, {"stranger", "resolver_failed"}, {"silent", "resolver_failed"}};
    std::map<RequestId, std::string> asked;
    for (auto const& [label, word] : expected) {
        auto const dial = to(label + ".test");
        asked[dial.request] = label;
        helper.send(dial);
    }
    auto const looped = to("loop.test");
    helper.send(looped);
    auto const started = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i <= expected.size(); ++i) {
        auto const out = answer();
        REQUIRE(out.failed);
        if (out.failed->request == looped.request) continue;  // nothing is at its end: that is all that matters
        INFO(asked.at(out.failed->request));
        CHECK(name_of(out.failed->failure) == expected.at(asked.at(out.failed->request)));
    }
    CHECK(std::chrono::steady_clock::now() - started < edge::kDialWait + std::chrono::seconds(2));
    // It is none the worse for it.
    CHECK(ask_word(to("public.test")) == "11.1.1.1");
}

TEST_CASE_METHOD(UplinkProcess, "uplink: given text that is no name, when it is dialled, then no question leaves", "[edge][T-05][EG-4]")
{
    begin();
    for (auto const* name : {"127.1", "0x7f000001", "2130706433", "a..test", "public.test.", "Public.test", "a b.test"}) {
        INFO(name);
        CHECK(ask_word(to(name)) == "no_such_name");
    }
}

TEST_CASE_METHOD(UplinkProcess,
    "uplink: given a dial that is not to connect, when it is answered, then each address is judged and nothing is sent", "[edge][EG-3]")
{
    begin();
    auto dial = to("mixed.test");
    dial.connect = false;
    auto const judged = [&](proto::Dial const& asked) {
        helper.send(asked);
        auto frame = helper.receive(std::chrono::seconds(20));
        REQUIRE(frame);
        REQUIRE(frame->type == static_cast<std::uint16_t>(proto::Type::dial_judged));
        CHECK(frame->descriptors.empty());
        auto told = wire::decode<proto::DialJudged>(frame->body).value();
        CHECK(told.request == asked.request);
        return told.addresses.items();
    };
    auto const mixed = judged(dial);
    CHECK(mixed.size() > 1);
    for (auto const& each : mixed) {
        INFO(each.address.view());
        CHECK(each.permitted == each.what.empty());
        CHECK((each.address.view() == "11.1.1.1") == each.permitted);
    }
    auto inwards = to("private.test");
    inwards.connect = false;
    auto const closed = judged(inwards);
    REQUIRE(closed.size() == 1);
    CHECK(closed[0].what.view() == "private");
    CHECK_FALSE(closed[0].permitted);
    auto nowhere = to("no-such-name-at-all.test");
    nowhere.connect = false;
    CHECK_FALSE(ask(nowhere).dialled);
    CHECK(arrived() == 0);
}

TEST_CASE_METHOD(UplinkProcess,
    "uplink: given more dials than it takes, when they are asked, then over_limit; and room again once one is cancelled", "[edge][T-06]")
{
    begin();
    for (std::size_t i = 0; i < edge::kDialsMax; ++i) helper.send(to("silent.test"));
    CHECK(ask_word(to("public.test")) == "over_limit");
    helper.send(proto::DialCancel{RequestId{1}});
    helper.send(proto::DialCancel{RequestId{1}});
    CHECK(ask_word(to("11.1.1.1")) == "11.1.1.1");
    // All the others are answered, the cancelled one is not.
    std::set<RequestId> failed;
    for (std::size_t i = 1; i < edge::kDialsMax; ++i) failed.insert(answer().failed.value().request);
    CHECK(failed.size() == edge::kDialsMax - 1);
    CHECK_FALSE(failed.contains(RequestId{1}));
}

TEST_CASE_METHOD(UplinkProcess, "uplink: given a dial that cannot be meant, when it arrives, then the helper ends", "[edge][T-14]")
{
    begin();
    auto dial = to("public.test");
    SECTION("no port") { dial.port = 0; }
    SECTION("name and address") { dial.address = "11.1.1.1"; }
    SECTION("neither") { dial.name = {}; }
    SECTION("the number of one under way")
    {
        dial.name = "silent.test";
        helper.send(dial);
    }
    helper.send(dial);
    CHECK(WIFEXITED(helper.wait()));
}

TEST_CASE_METHOD(UplinkProcess, "uplink: given its link closes, when dials are under way, then it ends in order", "[edge][T-13]")
{
    begin();
    helper.send(to("silent.test"));
    int const status = helper.end();
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE_METHOD(UplinkProcess, "uplink: given a resolver that is no address, when it starts, then it does not", "[edge][T-14]")
{
    proto::UplinkConfig config;
    config.resolvers.push("resolver.example");
    helper.configure(config);
    CHECK(WEXITSTATUS(helper.wait()) == 1);
}
