// SPDX-License-Identifier: GPL-3.0-or-later
// The role's thread, for credentials that a source is asked for: from the asking to the end. The source is a socket of the test's own, the
// process that asks and the helper that keeps are played.

#include <catch2/generators/catch_generators.hpp>

#include <sys/socket.h>
#include <sys/un.h>

#include "custody/limits.h"
#include "support/custody_stand.h"

namespace test_lending_fetched {

using namespace ocu;
using namespace std::chrono_literals;
using proto::SourceFailure;

// A socket that listens, in the test's own folder.
struct Listening {
    Listening()
    {
        char pattern[] = "/tmp/ocu-source.XXXXXX";
        REQUIRE(::mkdtemp(pattern) != nullptr);
        folder = pattern;
        path = folder + "/s";
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, path.size());
        fd = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::listen(fd.get(), 64) == 0);
    }
    ~Listening()
    {
        ::unlink(path.c_str());
        ::rmdir(folder.c_str());
    }
    std::string folder, path;
    UniqueFd fd;
};

custody::Config config_of(std::string const& path)
{
    proto::SecretSource near, far;
    near.unix_path = path;
    far.host = "secrets.example";
    far.port = 8300;
    far.ranges = {proto::AddressRange{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0}, 104}};
    far.ca_pem = "roots";
    far.client = "us";
    return {"box", {{"near", near, false}, {"far", far, true}}};
}

struct FetchedTest : Listening, test_custody_thread::CustodyTest {
    FetchedTest() : CustodyTest(config_of(path)) { helper_up(); }

    void want(std::uint64_t request, std::uint64_t session = 5, char const* rule = "near", char const* destination = "api.example.com")
    {
        edge_in.send(proto::LeaseWanted{RequestId{request}, SessionId{session}, rule, "api-key", destination, 443});
        loop.settle();
    }
    // The helper's side of a question: its lease, once it has the channel.
    std::uint64_t channel()
    {
        std::vector<UniqueFd> ends;
        auto const opened = peer.take<proto::OpenSourceChannel>(&ends);
        CHECK(ends.size() == 1);
        return opened.lease;
    }
    void held(std::uint64_t lease, std::chrono::seconds expires, char const* version = "")
    {
        peer.send(proto::SourceHeld{lease, SourceFailure::none, 200, expires, version});
        loop.settle();
    }
    void failed(std::uint64_t lease, SourceFailure why, std::uint16_t status = 0)
    {
        peer.send(proto::SourceHeld{lease, why, status, {}, {}});
        loop.settle();
    }
    // From the channel to a lease that can be redeemed.
    proto::GrantLease grant(std::chrono::seconds expires)
    {
        auto const lease = channel();
        held(lease, expires);
        auto const granted = peer.take<proto::GrantLease>();
        CHECK(granted.lease == lease);
        CHECK(granted.fetched);
        peer.send(proto::LeaseHeld{lease});
        loop.settle();
        return granted;
    }
    std::string last_detail() const { return recorder.events.back().detail.str(); }
    std::string label() const { return "unix:" + path; }
};

TEST_CASE_METHOD(FetchedTest,
    "fetched lease: given a rule with a source, when a lease is wanted, then asked, on record, granted, and only then lent",
    "[custody][EG-1][CU-2][T-26]")
{
    recorder.held = true;
    want(9);
    REQUIRE(spawner.asked.size() == 1);
    auto const& asked = spawner.asked[0];
    CHECK(asked.kind == helper::Kind::secret_source);
    CHECK(asked.descriptors.size() == 2);
    CHECK(asked.config.credential.view() == "api-key");
    CHECK(asked.config.rule.view() == "near");
    CHECK(asked.config.host.view() == "api.example.com");
    CHECK(asked.config.port == 443);
    CHECK(asked.config.session.view() == "s-0000000000000005");
    CHECK(asked.config.authority.view() == "localhost");
    CHECK(asked.config.server_name.empty());
    CHECK_FALSE(asked.config.basic);
    UniqueFd const accepted(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    CHECK(accepted);  // what the process was handed leads to the source
    auto const lease = channel();
    CHECK(recorder.events.empty());
    clock.advance(1s);
    held(lease, 600s, "v-2");
    REQUIRE(recorder.count(proto::What::lease_granted) == 1);
    CHECK(last_detail() == "credential=api-key rule=near source=" + label() + " version=v-2");
    CHECK(recorder.events[0].number == 599);  // counted from when it was asked
    CHECK(peer.has_nothing());                // invariant 7
    recorder.waiting.front()(EventNumber{1});
    auto const granted = peer.take<proto::GrantLease>();
    CHECK(granted.fetched);
    CHECK(granted.ends == (clock.now() + 599s).time_since_epoch());
    loop.settle();
    CHECK(leases.empty());
    peer.send(proto::LeaseHeld{lease});
    loop.settle();
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == proto::Reason::none);
    CHECK(leases[0].lease == lease);
    CHECK(leases[0].life == 599s);
    control_in.send(proto::LeasesWanted{RequestId{1}});
    loop.settle();
    REQUIRE(listed.back().leases.items().size() == 1);
    CHECK(listed.back().leases.items()[0].source.view() == label());
}

TEST_CASE_METHOD(FetchedTest,
    "fetched lease: given many requests, when they need the same, then the source is asked once, and by each session for itself",
    "[custody][EG-1][CU-2][T-26]")
{
    want(1);
    want(2);
    want(3);
    CHECK(spawner.asked.size() == 1);
    auto const first = grant(600s);
    REQUIRE(leases.size() == 3);
    for (auto const& each : leases) CHECK(each.lease == first.lease);
    want(4);
    CHECK(leases.back().lease == first.lease);
    CHECK(spawner.asked.size() == 1);
    want(5, 6);
    want(6, 5, "near", "other.example.com");
    REQUIRE(spawner.asked.size() == 3);
    CHECK(spawner.asked[1].slot != spawner.asked[2].slot);  // each a user of its own
    CHECK(leases.size() == 4);
    CHECK(recorder.count(proto::What::lease_granted) == 1);
}

TEST_CASE_METHOD(FetchedTest,
    "fetched lease: given its last quarter, when wanted, then lent at once and asked for anew, and what comes is lent from then on",
    "[custody][EG-1][CU-2]")
{
    want(1);
    auto const first = grant(100s);
    clock.advance(75s - 1ms);
    want(2);
    CHECK(spawner.asked.size() == 1);
    clock.advance(1ms);
    want(3);
    CHECK(leases.back().lease == first.lease);
    CHECK(leases.back().life == 25s);
    REQUIRE(spawner.asked.size() == 2);
    want(4);  // while it is asked: neither waits nor asks again
    CHECK(leases.back().lease == first.lease);
    CHECK(spawner.asked.size() == 2);
    auto const second = grant(100s);
    CHECK(second.lease != first.lease);
    CHECK(leases.size() == 4);
    want(5);
    CHECK(leases.back().lease == second.lease);
    CHECK(leases.back().life == 100s);
    CHECK(recorder.count(proto::What::lease_granted) == 2);
}

TEST_CASE_METHOD(FetchedTest, "fetched lease: given the source fails when asked ahead, when wanted, then lent to its end and not beyond",
    "[custody][EG-1][CU-2]")
{
    want(1);
    auto const first = grant(100s);
    clock.advance(80s);
    want(2);
    failed(channel(), SourceFailure::timed_out);
    (void)peer.take<proto::RevokeLease>();
    CHECK(leases.back().lease == first.lease);
    CHECK(recorder.count(proto::What::lease_refused) == 1);
    want(3);
    CHECK(leases.back().lease == first.lease);
    CHECK(spawner.asked.size() == 2);  // it backs off
    clock.advance(18s);
    want(4);  // 2 s: the last moment
    CHECK(leases.back().lease == first.lease);
    (void)channel();
    clock.advance(1ms);
    auto const before = leases.size();
    want(5);
    CHECK(leases.size() == before);  // waits for what is being asked
    CHECK(spawner.asked.size() == 3);
}

TEST_CASE_METHOD(FetchedTest, "fetched lease: given an answer that lasts for days, or for no time, when it is lent, then 15 min, or not",
    "[custody][EG-1][CU-2]")
{
    want(1);
    auto const granted = grant(86'400s);
    CHECK(granted.ends == (clock.now() + 15min).time_since_epoch());
    clock.advance(14min);
    want(2);
    CHECK(leases.back().lease == granted.lease);
    CHECK(spawner.asked.size() == 2);  // the last minute
    want(3, 6);
    (void)channel();
    auto const lease = channel();
    held(lease, 1s);
    CHECK(peer.take<proto::RevokeLease>().lease == lease);
    CHECK(leases.back().reason == proto::Reason::credential_unavailable);
    CHECK(last_detail().ends_with(" why=expired"));
}

TEST_CASE_METHOD(FetchedTest,
    "fetched lease: given a source that fails, when wanted, then refused with the reason on record, and not asked again at once",
    "[custody][EG-1][EG-12][T-26][T-06]")
{
    want(1);
    want(2);
    auto const lease = channel();
    failed(lease, SourceFailure::status, 503);
    CHECK(peer.take<proto::RevokeLease>().lease == lease);
    REQUIRE(leases.size() == 2);
    for (auto const& each : leases) CHECK(each.reason == proto::Reason::credential_unavailable);
    REQUIRE(recorder.count(proto::What::lease_refused) == 1);
    CHECK(last_detail() == "credential=api-key rule=near source=" + label() + " why=status status=503");
    want(3);
    CHECK(leases.back().reason == proto::Reason::credential_unavailable);
    CHECK(last_detail().ends_with(" why=backing_off"));
    CHECK(spawner.asked.size() == 1);
    want(4, 6);  // a neighbour is not held up
    CHECK(spawner.asked.size() == 2);
    clock.advance(1s);
    want(5);
    CHECK(spawner.asked.size() == 3);
    CHECK(recorder.count(proto::What::lease_granted) == 0);
}

TEST_CASE_METHOD(FetchedTest, "fetched lease: given nobody at the socket, or no process that can be made, when wanted, then refused",
    "[custody][EG-1][EG-12]")
{
    bool const gone = GENERATE(true, false);
    if (gone)
        fd.reset();
    else
        spawner.broken = true;
    want(1);
    CHECK(peer.take<proto::RevokeLease>().lease != 0);
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == proto::Reason::credential_unavailable);
    CHECK(last_detail().ends_with(gone ? " why=unreachable" : " why=lost"));
}

TEST_CASE_METHOD(FetchedTest, "fetched lease: given it takes back, when 404, then this session's for there, and when 410, then everybody's",
    "[custody][EG-1][CU-2][T-26]")
{
    bool const everybody = GENERATE(false, true);
    want(1);
    auto const mine = grant(100s);
    want(2, 6);
    auto const other = grant(600s);
    clock.advance(80s);
    want(3);
    auto const asked = channel();
    failed(asked, everybody ? SourceFailure::gone : SourceFailure::not_found, everybody ? 410 : 404);
    std::vector<std::uint64_t> revoked;
    for (int i = 0; i < (everybody ? 3 : 2); ++i) revoked.push_back(peer.take<proto::RevokeLease>().lease);
    CHECK(revoked[0] == asked);
    CHECK(std::ranges::contains(revoked, mine.lease));
    CHECK(std::ranges::contains(revoked, other.lease) == everybody);
    CHECK(recorder.count(proto::What::lease_revoked) == (everybody ? 2 : 1));
    CHECK(last_detail().ends_with(everybody ? " why=gone" : " why=not_found"));
    want(4);
    CHECK(leases.back().reason == proto::Reason::credential_unavailable);
}

TEST_CASE_METHOD(FetchedTest,
    "fetched lease: given a session that is severed while its source is asked, when the answer comes, then nothing is lent",
    "[custody][CU-2][T-13][T-26]")
{
    want(1);
    auto const lease = channel();
    control_in.send(proto::SessionSever{SessionId{5}});
    loop.settle();
    (void)peer.take<proto::RevokeSession>();
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == proto::Reason::session_denied);
    char byte = 0;
    CHECK(::recv(spawner.asked[0].link.get(), &byte, 1, MSG_DONTWAIT) == 0);  // and the process that asks is let go
    held(lease, 600s);
    CHECK(peer.has_nothing());
    CHECK(leases.size() == 1);
    CHECK(recorder.count(proto::What::lease_granted) == 0);
    CHECK(spawner.violations.empty());
}

TEST_CASE_METHOD(FetchedTest, "fetched lease: given a source that is silent, when 4 s have passed, then refused, and its process is let go",
    "[custody][EG-1][EG-12][T-26]")
{
    want(1);
    auto const lease = channel();
    clock.advance(proto::kSourceWait);
    CHECK(peer.take<proto::RevokeLease>().lease == lease);
    loop.settle();
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == proto::Reason::credential_unavailable);
    CHECK(last_detail().ends_with(" why=timed_out"));
    char byte = 0;
    CHECK(::recv(spawner.asked[0].link.get(), &byte, 1, MSG_DONTWAIT) == 0);
    held(lease, 600s);
    CHECK(peer.has_nothing());
}

TEST_CASE_METHOD(FetchedTest, "fetched lease: given its record cannot be written, when it was answered, then what is held is revoked",
    "[custody][CU-2][T-10][T-26]")
{
    want(1);
    auto const lease = channel();
    recorder.broken = true;
    held(lease, 600s);
    CHECK(peer.take<proto::RevokeLease>().lease == lease);
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == proto::Reason::audit_unavailable);
    CHECK(peer.has_nothing());
}

TEST_CASE_METHOD(FetchedTest,
    "fetched lease: given custody ends while a source is asked, when it does, then refused, and the next one asks anew",
    "[custody][EG-12][T-26]")
{
    want(1);
    (void)channel();
    core_in.send(proto::HelperDown{helper::Kind::custody});
    loop.settle();
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == proto::Reason::credential_unavailable);
    want(2);
    CHECK(leases.back().reason == proto::Reason::credential_unavailable);
    CHECK(spawner.asked.size() == 1);
    helper_up();
    want(3);
    CHECK(spawner.asked.size() == 2);
    (void)grant(600s);
    CHECK(leases.back().reason == proto::Reason::none);
}

TEST_CASE_METHOD(FetchedTest,
    "fetched lease: given an endpoint, when wanted, then dialled where the manifest says, and asked over that connection",
    "[custody][EG-1][EG-3][T-26]")
{
    want(1, 5, "far");
    REQUIRE(dials.size() == 1);
    CHECK(dials[0].name.view() == "secrets.example");
    CHECK(dials[0].address.empty());
    CHECK(dials[0].port == 8300);
    CHECK(dials[0].ranges.items() == config.sources[1].source.ranges);
    CHECK(spawner.asked.empty());
    auto pair = make_socket_pair().value();
    edge_in.send(proto::SourceDialled{dials[0].request, std::move(pair.theirs)});
    loop.settle();
    REQUIRE(spawner.asked.size() == 1);
    auto const& asked = spawner.asked[0].config;
    CHECK(asked.authority.view() == "secrets.example:8300");
    CHECK(asked.server_name.view() == "secrets.example");
    CHECK(asked.ca_pem.view() == "roots");
    CHECK(asked.basic);
    auto const opened = peer.take<proto::OpenSourceChannel>();
    CHECK(opened.client.view() == "us");
    CHECK(opened.session == SessionId{5});
    edge_in.send(proto::SourceDialled{dials[0].request, {}});  // nothing is answered twice
    loop.settle();
    CHECK(leases.empty());
}

TEST_CASE_METHOD(FetchedTest,
    "fetched lease: given an endpoint that cannot be dialled, or whose session ends first, when it is known, then refused",
    "[custody][EG-1][EG-12]")
{
    want(1, 5, "far");
    bool const severed = GENERATE(true, false);
    if (severed)
        control_in.send(proto::SessionSever{SessionId{5}});
    else
        edge_in.send(proto::SourceDialled{dials[0].request, {}});
    loop.settle();
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == (severed ? proto::Reason::session_denied : proto::Reason::credential_unavailable));
    CHECK(cancels.size() == (severed ? 1 : 0));
    auto pair = make_socket_pair().value();
    edge_in.send(proto::SourceDialled{dials[0].request, std::move(pair.theirs)});
    loop.settle();
    CHECK(spawner.asked.empty());
}

}  // namespace test_lending_fetched
