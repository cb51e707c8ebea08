// SPDX-License-Identifier: GPL-3.0-or-later
// The real helper with a customer's proxy, a good one and hostile ones. What would be reachable without it hears nothing, whatever it does.

#include "hostile_proxy.h"
#include "uplink_world.h"

namespace test_uplink_proxy {

using namespace ocu;
using namespace test_uplink_process;

struct ProxyProcess : UplinkProcess {
    ProxyProcess() : listening(bench.in_world([] { return listener("::", kProxyPort); }))
    {
        int pair[2];
        REQUIRE(::pipe2(pair, O_CLOEXEC | O_NONBLOCK) == 0);
        lines = UniqueFd(pair[0]);
        UniqueFd const theirs(pair[1]);
        server = ::fork();
        REQUIRE(server >= 0);
        if (server == 0) serve_proxy(listening.get(), theirs.get());
    }
    ~ProxyProcess() { stop_proxy(); }
    void stop_proxy()
    {
        if (server < 0) return;
        ::kill(server, SIGKILL);
        ::waitpid(server, nullptr, 0);
        server = -1;
        listening.reset();
    }
    void begin_with(proto::ChainedProxy proxy) { begin({"11.0.0.2:5300"}, std::move(proxy)); }
    static proto::ChainedProxy numeric()
    {
        proto::ChainedProxy proxy;
        proxy.address = "11.0.0.2";
        proxy.port = kProxyPort;
        return proxy;
    }
    // What the proxy was asked for since the last time.
    std::string asked_for()
    {
        char text[4096];
        ssize_t const got = ::read(lines.get(), text, sizeof text);
        return std::string(text, got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    std::string word(std::string const& name, std::uint16_t port, std::vector<char const*> const& ranges = {})
    {
        auto const out = ask(to(name, ranges, port));
        if (out.dialled) return out.dialled->address.str();
        auto const status = out.failed->status;
        return std::string(name_of(out.failed->failure)) + (status == 0 ? "" : " " + std::to_string(status));
    }

    UniqueFd listening;
    UniqueFd lines;
    pid_t server = -1;
};

}  // namespace test_uplink_proxy

using namespace test_uplink_proxy;

TEST_CASE_METHOD(ProxyProcess,
    "uplink proxy: given a good one, when names and addresses are dialled, then it is told what was judged, and no more",
    "[edge][T-05][EG-4][EG-9]")
{
    begin_with(numeric());
    auto const out = ask(to("public.test"));
    REQUIRE(out.dialled);
    CHECK(out.dialled->address.view() == "11.1.1.1");
    CHECK(peer_of(out.socket.get()) == "11.0.0.2");
    CHECK(asked_for() == "11.1.1.1:7000 ");
    // Not a byte behind the head is lost, and none of the head is left.
    pollfd entry{out.socket.get(), POLLIN, 0};
    CHECK(::poll(&entry, 1, 5000) == 1);
    char text[64];
    ssize_t const got = ::read(out.socket.get(), text, sizeof text);
    CHECK(std::string(text, got > 0 ? static_cast<std::size_t>(got) : 0) == "220 ready\n");
    CHECK(word("six.test", kEverywhere) == "2a00:2::1");
    CHECK(asked_for() == "[2a00:2::1]:7000 ");
    for (auto const* denied : {"private.test", "metadata.test", "own.test", "mapped.test", "10.9.9.9", "127.0.0.1"}) {
        INFO(denied);
        CHECK(word(denied, kEverywhere) == "denied");
    }
    CHECK(word("mixed.test", kEverywhere) == "11.1.1.1");
    CHECK(word("private.test", kEverywhere, {"10.9.0.0/16"}) == "10.9.9.9");
    CHECK(asked_for() == "11.1.1.1:7000 10.9.9.9:7000 ");
    // Of each machine its own: named exactly, this machine's is meant, and the proxy's would be reached.
    CHECK(word("127.0.0.1", kEverywhere, {"127.0.0.1"}) == "denied");
    CHECK(word("metadata.test", kEverywhere, {"169.254.169.254"}) == "denied");
    CHECK(asked_for().empty());
    CHECK(arrived() == 0);
}

TEST_CASE_METHOD(ProxyProcess,
    "uplink proxy: given it resolves names, when they are dialled, then it is told them where a rule has no addresses",
    "[edge][T-05][EG-9]")
{
    auto proxy = numeric();
    proxy.resolves = true;
    begin_with(proxy);
    CHECK(word("no-such-name-here.test", kEverywhere).empty());
    CHECK(asked_for() == "no-such-name-here.test:7000 ");
    CHECK(word("private.test", kEverywhere, {"10.9.0.0/16"}) == "10.9.9.9");
    CHECK(asked_for() == "10.9.9.9:7000 ");
    CHECK(word("public.test", kEverywhere, {"10.9.0.0/16"}) == "denied");
    CHECK(word("127.1", kEverywhere) == "no_such_name");
    CHECK(word("11.1.1.1", kEverywhere) == "11.1.1.1");
    CHECK(asked_for() == "11.1.1.1:7000 ");
    CHECK(arrived() == 0);
}

TEST_CASE_METHOD(ProxyProcess, "uplink proxy: given one that is named, when it is dialled, then where the name leads", "[edge][T-05][EG-9]")
{
    auto proxy = numeric();
    proxy.address = {};
    std::string expected = "proxy_unreachable";
    auto const here = listener("::", kProxyPort);
    SECTION("private")
    {
        proxy.name = "private.test";  // 10.9.9.9, which is the world's
        expected = "11.1.1.1";
    }
    SECTION("this machine") { proxy.name = "own.test"; }
    SECTION("the machine's credentials") { proxy.name = "metadata.test"; }
    SECTION("nowhere") { proxy.name = "missing.test"; }
    begin_with(proxy);
    CHECK(word("public.test", kEverywhere) == expected);
    CHECK_FALSE(UniqueFd(::accept4(here.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    CHECK(arrived() == 0);
}

TEST_CASE_METHOD(
    ProxyProcess, "uplink proxy: given what goes without it, when it is dialled, then directly, and the rest by it", "[edge][EG-9]")
{
    auto proxy = numeric();
    proxy.direct.push(edge::parse_range("10.9.0.0/16").value());
    begin_with(proxy);
    auto const out = ask(to("private.test", {"10.9.0.0/16"}));
    REQUIRE(out.dialled);
    CHECK(peer_of(out.socket.get()) == "10.9.9.9");
    CHECK(arrived() == 1);
    auto own_server = to("11.1.1.1");
    own_server.direct = true;
    CHECK(peer_of(ask(own_server).socket.get()) == "11.1.1.1");
    CHECK(arrived() == 1);
    CHECK(asked_for().empty());
    CHECK(peer_of(ask(to("public.test")).socket.get()) == "11.0.0.2");
    CHECK(arrived() == 0);
}

TEST_CASE_METHOD(ProxyProcess,
    "uplink proxy: given hostile ones, when they answer, then each failure in its way, in time, and nothing goes without them",
    "[edge][T-02][T-06][EG-9]")
{
    begin_with(numeric());
    std::map<RequestId, std::string> expected;
    auto const begun = std::chrono::steady_clock::now();
    for (auto const& [port, what] : std::map<std::uint16_t, std::string>{{kRefuses407, "proxy_refused 407"},
             {kRefuses403, "proxy_refused 403"}, {kGarbage, "proxy_malformed"}, {kCloses, "proxy_unreachable"},
             {kEndless, "proxy_malformed"}, {kSilent, "timed_out"}, {kSlow, "timed_out"}}) {
        auto const dial = to("11.1.1.1", {}, port);
        expected[dial.request] = what;
        helper.send(dial);
    }
    auto const cancelled = to("11.1.1.1", {}, kSilent);
    helper.send(cancelled);
    helper.send(proto::DialCancel{cancelled.request});
    CHECK(expected.size() == 7);
    while (!expected.empty()) {
        auto const failed = answer().failed.value();
        REQUIRE(expected.contains(failed.request));
        auto const text = std::string(name_of(failed.failure)) + (failed.status == 0 ? "" : " " + std::to_string(failed.status));
        CHECK(text == expected.at(failed.request));
        expected.erase(failed.request);
    }
    CHECK(std::chrono::steady_clock::now() - begun < edge::kDialWait);
    // Interim answers, and a length that is none of the tunnel's.
    CHECK(word("11.1.1.1", kInterim) == "11.1.1.1");
    CHECK(word("11.1.1.1", kWithLength) == "11.1.1.1");
    CHECK(arrived() == 0);
}

TEST_CASE_METHOD(ProxyProcess,
    "uplink proxy: given a name with several addresses, when the proxy cannot reach one, then it is asked for the next", "[edge][EG-9]")
{
    begin_with(numeric());
    (void)asked_for();
    CHECK(word("fallback.test", kFirstFails) == "11.1.1.2");
    CHECK(asked_for() == "11.1.1.1:8010 11.1.1.2:8010 ");
    CHECK(word("fallback.test", kRefuses403) == "proxy_refused 403");
    CHECK(asked_for() == "11.1.1.1:8002 ");
}

TEST_CASE_METHOD(ProxyProcess, "uplink proxy: given it is down, when anything is dialled, then nothing is", "[edge][T-05][EG-9][EG-12]")
{
    stop_proxy();
    begin_with(numeric());
    CHECK(word("public.test", kEverywhere) == "proxy_unreachable");
    CHECK(word("mixed.test", kEverywhere) == "proxy_unreachable");
    CHECK(word("11.1.1.1", kEverywhere) == "proxy_unreachable");
    CHECK(arrived() == 0);
}
