// SPDX-License-Identifier: GPL-3.0-or-later
// The real `time` helper under its real profile against a real NTS server: what it measures, whom it does not believe, and what it cannot
// do. Packets pass through the test, which may alter, repeat, add or lose them.

#include <algorithm>
#include <fstream>
#include <functional>
#include <variant>

#include "clock/helpers.h"
#include "helper/kind.h"
#include "proto/time_to_init.h"
#include "support/helper_process.h"
#include "support/nts_server.h"
#include "time_bench.h"

namespace {

using namespace ocu;
using namespace std::chrono_literals;
using proto::TimeFailure;
using test::Bench;
using Told = std::variant<proto::TimeMeasured, TimeFailure>;
// What becomes of a packet on its way: the packets that go on.
using Way = std::function<std::vector<wire::Bytes>(wire::Bytes)>;

std::vector<wire::Bytes> as_it_is(wire::Bytes packet) { return {std::move(packet)}; }
std::vector<wire::Bytes> lost(wire::Bytes) { return {}; }

std::chrono::nanoseconds unix_minus_monotonic()
{
    return std::chrono::system_clock::now().time_since_epoch() - std::chrono::steady_clock::now().time_since_epoch();
}

std::optional<wire::Bytes> packet_from(int fd)
{
    wire::Bytes packet(4096);
    ssize_t const got = ::recv(fd, packet.data(), packet.size(), MSG_DONTWAIT);
    if (got < 0) return std::nullopt;
    packet.resize(static_cast<std::size_t>(got));
    return packet;
}

// The question in a request, as far as a forger on the way can read it.
clock::NtpQuestion seen_in(wire::Bytes const& request)
{
    clock::NtpQuestion out;
    REQUIRE(request.size() > 84);
    std::copy_n(request.begin() + 40, 8, out.transmit.begin());
    std::copy_n(request.begin() + 52, 32, out.unique_id.begin());
    return out;
}

struct TimeTest {
    Bench& bench = Bench::get();
    proto::TimeConfig config{"ntp.test", test::kLoopback, bench.pem("authority"), 3'000ms, 400ms};
    Way there = as_it_is;
    Way back = as_it_is;
    std::uint16_t wanted_port = 0;

    Told told_by(helper::RawFrame const& frame) const
    {
        if (frame.type == static_cast<std::uint16_t>(proto::Type::time_measured))
            return wire::decode<proto::TimeMeasured>(frame.body).value();
        REQUIRE(frame.type == static_cast<std::uint16_t>(proto::Type::time_failed));
        return wire::decode<proto::TimeFailed>(frame.body).value().why;
    }
    // The helper's whole life. `tcp` is connected or connecting.
    Told measure(UniqueFd tcp)
    {
        test::HelperProcess helper("time", clock::time_main);
        helper.configure(config, {tcp.get()});
        tcp.reset();
        helper.ready();
        auto const first = helper.receive(10s);
        REQUIRE(first.has_value());
        if (first->type != static_cast<std::uint16_t>(proto::Type::time_socket_wanted)) return told_by(*first);
        wanted_port = wire::decode<proto::TimeSocketWanted>(first->body).value().port;
        auto near = test::bound(SOCK_DGRAM);
        auto const far = test::bound(SOCK_DGRAM);
        test::connect_to(near.get(), test::port_of(far.get()));
        test::connect_to(far.get(), test::port_of(near.get()));
        ::fcntl(near.get(), F_SETFL, O_NONBLOCK);
        helper.send(proto::TimeSocket{}, {near.get()});
        near.reset();
        return relay(helper, far.get());
    }
    Told measure() { return measure(test::connecting(SOCK_STREAM, test::kKePort)); }

    Told relay(test::HelperProcess& helper, int near)
    {
        auto const server = test::connecting(SOCK_DGRAM, wanted_port);
        for (int i = 0; i < 2'000; ++i) {
            std::array<pollfd, 2> entries{pollfd{near, POLLIN, 0}, pollfd{server.get(), POLLIN, 0}};
            (void)::poll(entries.data(), entries.size(), 10);
            while (auto packet = packet_from(near))
                for (auto const& each : there(*std::move(packet))) (void)::send(server.get(), each.data(), each.size(), 0);
            while (auto packet = packet_from(server.get()))
                for (auto const& each : back(*std::move(packet))) (void)::send(near, each.data(), each.size(), 0);
            if (auto const frame = helper.receive(1ms)) {
                auto const told = told_by(*frame);
                CHECK(WIFEXITED(helper.wait()));
                return told;
            }
        }
        FAIL("the helper said nothing");
        return TimeFailure::broken;
    }
    static void check_right(Told const& told, unsigned exchanges = 4)
    {
        REQUIRE(std::holds_alternative<proto::TimeMeasured>(told));
        auto const& measured = std::get<proto::TimeMeasured>(told);
        CHECK(std::chrono::abs(measured.unix_minus_monotonic - unix_minus_monotonic()) < 100ms);
        CHECK(measured.delay >= 0ns);
        CHECK(measured.delay < 500ms);
        CHECK(measured.exchanges == exchanges);
        CHECK(measured.stratum == 5);
    }
};

bool is(Told const& told, TimeFailure why) { return std::holds_alternative<TimeFailure>(told) && std::get<TimeFailure>(told) == why; }

}  // namespace

TEST_CASE_METHOD(TimeTest, "time: given a real NTS server, when it is asked, then its time is told", "[clock][T-21][AP-4]")
{
    auto const server = bench.serve("good");
    check_right(measure());
    CHECK(wanted_port == test::kNtpPort);
}

TEST_CASE_METHOD(TimeTest, "time: given a server that names no port, when it is asked, then it is the usual one", "[clock][T-21]")
{
    auto const server = bench.serve("good", 123);
    check_right(measure());
    CHECK(wanted_port == 123);
}

TEST_CASE_METHOD(TimeTest, "time: given certificates that do not do, when they are shown, then nothing is asked", "[clock][T-21]")
{
    SECTION("for another name")
    {
        auto const server = bench.serve("good");
        config.host = "other.test";
        CHECK(is(measure(), TimeFailure::certificate_name));
    }
    SECTION("signed by itself")
    {
        auto const server = bench.serve("stranger");
        CHECK(is(measure(), TimeFailure::untrusted));
    }
    SECTION("expired")
    {
        auto const server = bench.serve("expired");
        CHECK(is(measure(), TimeFailure::certificate_dates));
    }
    SECTION("not valid yet")
    {
        auto const server = bench.serve("future");
        CHECK(is(measure(), TimeFailure::certificate_dates));
    }
    SECTION("by an authority that the manifest does not name")
    {
        auto const server = bench.serve("good");
        config.roots_pem = bench.pem("stranger");
        CHECK(is(measure(), TimeFailure::untrusted));
    }
    SECTION("no authority at all")
    {
        auto const server = bench.serve("good");
        config.roots_pem = "nothing";
        CHECK(is(measure(), TimeFailure::untrusted));
    }
    CHECK(wanted_port == 0);
}

TEST_CASE_METHOD(TimeTest, "time: given packets altered on the way, when they arrive, then they are not believed", "[clock][T-21]")
{
    auto const server = bench.serve("good");
    SECTION("every answer, one bit of its time")
    {
        back = [](wire::Bytes packet) {
            packet[43] ^= std::byte{1};
            return std::vector<wire::Bytes>{packet};
        };
        CHECK(is(measure(), TimeFailure::altered));
    }
    SECTION("the first answer only")
    {
        back = [done = false](wire::Bytes packet) mutable {
            if (!std::exchange(done, true)) packet.back() ^= std::byte{1};
            return std::vector<wire::Bytes>{packet};
        };
        check_right(measure(), 3);
    }
    SECTION("every question: the server itself says that it does not know such keys")
    {
        there = [](wire::Bytes packet) {
            packet[100] ^= std::byte{1};  // in the cookie
            return std::vector<wire::Bytes>{packet};
        };
        CHECK(is(measure(), TimeFailure::keys_refused));
    }
}

TEST_CASE_METHOD(TimeTest, "time: given answers that come again, when they arrive, then only the first counts", "[clock][T-21]")
{
    auto const server = bench.serve("good");
    wire::Bytes first;
    back = [&first](wire::Bytes packet) {
        if (first.empty()) first = packet;
        return std::vector<wire::Bytes>{first};
    };
    check_right(measure(), 1);
}

TEST_CASE_METHOD(TimeTest, "time: given a forger on the way, when it answers first, then it is not heard", "[clock][T-21]")
{
    auto const server = bench.serve("good");
    wire::Bytes request;
    there = [&request](wire::Bytes packet) {
        request = packet;
        return std::vector<wire::Bytes>{packet};
    };
    SECTION("with a kiss of death")
    {
        back = [&request](wire::Bytes packet) {
            return std::vector{test::ntp_head(seen_in(request), {.stratum = 0, .reference_id = 0x4e54534e}), packet};
        };
        check_right(measure());
    }
    SECTION("with a time, unauthenticated")
    {
        back = [&request](wire::Bytes packet) {
            return std::vector{test::ntp_head(seen_in(request), {.received = 1ull << 40, .sent = 1ull << 40}), packet};
        };
        check_right(measure());
    }
    SECTION("with a time, under keys of its own")
    {
        back = [&request](wire::Bytes packet) {
            auto const key = Secret::copy_of(wire::Bytes(crypto::kSivKeyBytes, std::byte{1})).value();
            return std::vector{test::ntp_sealed(test::ntp_head(seen_in(request), {}), key), packet, wire::Bytes(3000), wire::Bytes()};
        };
        check_right(measure());
    }
    SECTION("and nobody else does")
    {
        back = [&request](wire::Bytes) {
            return std::vector<wire::Bytes>{test::ntp_head(seen_in(request), {.stratum = 0, .reference_id = 0x4e54534e})};
        };
        CHECK(is(measure(), TimeFailure::keys_refused));
    }
}

TEST_CASE_METHOD(TimeTest, "time: given packets that are lost, when there is no answer, then it is said", "[clock]")
{
    auto const server = bench.serve("good");
    back = lost;
    CHECK(is(measure(), TimeFailure::silent));
}

TEST_CASE_METHOD(TimeTest, "time: given a server that is none, when it is asked, then it is named", "[clock][T-21]")
{
    auto const listener = test::bound(SOCK_STREAM);
    REQUIRE(::listen(listener.get(), 4) == 0);
    auto tcp = test::connecting(SOCK_STREAM, test::port_of(listener.get()));
    SECTION("it says nothing")
    {
        config.key_exchange_wait = 300ms;
        CHECK(is(measure(std::move(tcp)), TimeFailure::silent));
    }
    SECTION("it says garbage")
    {
        UniqueFd const accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        std::string const garbage(20'000, 'x');
        REQUIRE(::write(accepted.get(), garbage.data(), garbage.size()) > 0);
        CHECK(is(measure(std::move(tcp)), TimeFailure::malformed));
    }
    SECTION("it hangs up")
    {
        UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
        CHECK(is(measure(std::move(tcp)), TimeFailure::malformed));
    }
    SECTION("it is not there") { CHECK(is(measure(test::connecting(SOCK_STREAM, 9)), TimeFailure::unreachable)); }
}

TEST_CASE_METHOD(TimeTest, "time: given a TLS server of another kind, when it is asked, then it is refused", "[clock][T-21]")
{
    auto const tls = [this](std::vector<std::string> more, std::string_view says = {}) {
        auto const path = bench.folder + "/good";
        std::vector<std::string> words{
            "openssl", "s_server", "-accept", "127.0.0.1:4461", "-cert", path + ".pem", "-key", path + ".key", "-quiet"};
        words.insert(words.end(), more.begin(), more.end());
        auto server = std::make_unique<test::Server>(words, bench.write("says", says));
        bench.wait_for_port(4461);
        return server;
    };
    auto const ask = [this] { return measure(test::connecting(SOCK_STREAM, 4461)); };
    config.key_exchange_wait = 1'000ms;
    SECTION("of an older version")
    {
        auto const server = tls({"-tls1_2", "-alpn", "ntske/1"});
        CHECK(is(ask(), TimeFailure::malformed));
    }
    SECTION("for another protocol")
    {
        auto const server = tls({"-tls1_3", "-alpn", "h2"});
        CHECK(is(ask(), TimeFailure::no_time_security));
    }
    SECTION("without a word on protocols")
    {
        auto const server = tls({"-tls1_3"});
        CHECK(is(ask(), TimeFailure::no_time_security));
    }
    SECTION("that only listens")
    {
        auto const server = tls({"-tls1_3", "-alpn", "ntske/1"});
        CHECK((is(ask(), TimeFailure::silent) || is(ask(), TimeFailure::malformed)));
    }
    CHECK(wanted_port == 0);
}

TEST_CASE_METHOD(TimeTest, "time: given a helper at work, when the kernel is asked, then it has nothing but its descriptors",
    "[clock][T-14][T-21][AP-8]")
{
    auto const listener = test::bound(SOCK_STREAM);
    REQUIRE(::listen(listener.get(), 4) == 0);
    auto const tcp = test::connecting(SOCK_STREAM, test::port_of(listener.get()));
    test::HelperProcess helper("time", clock::time_main);
    helper.configure(config, {tcp.get()});
    helper.ready();
    auto const folder = "/proc/" + std::to_string(helper.pid());
    std::ifstream file(folder + "/status");
    std::string const status{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    auto const user = '\t' + std::to_string(884'000 + static_cast<int>(helper::Kind::time));
    std::vector<std::string> const lines{"Uid:" + user + user + user + user + '\n', "CapEff:\t0000000000000000\n",
        "CapBnd:\t0000000000000000\n", "Seccomp:\t2\n", "NoNewPrivs:\t1\n"};
    for (auto const& line : lines)
        CHECK(status.find(line) != std::string::npos);
    std::size_t sockets = 0;
    for (auto const& each : std::filesystem::directory_iterator(folder + "/fd"))
        sockets += std::filesystem::read_symlink(each.path()).string().starts_with("socket:");
    CHECK(sockets == 2);  // its link, and the one connection
    CHECK(std::filesystem::read_symlink(folder + "/ns/net") != std::filesystem::read_symlink("/proc/self/ns/net"));
    CHECK(std::filesystem::read_symlink(folder + "/ns/mnt") != std::filesystem::read_symlink("/proc/self/ns/mnt"));
}

TEST_CASE_METHOD(TimeTest, "time: given a configuration without its connection, when it is heard, then the helper ends", "[clock][T-14]")
{
    test::HelperProcess helper("time", clock::time_main);
    helper.configure(config);
    CHECK(WEXITSTATUS(helper.wait()) == 1);
}
