// SPDX-License-Identifier: GPL-3.0-or-later
// The broker and the sweeper where the store is elsewhere: with a stand-in for the engine, everything else being real, the storage lane and its
// store among it. The stand-in keeps segments in memory and has the store answer for each write.

#include "process/broker/broker_fixture.h"

#include <poll.h>
#include <sys/socket.h>

#include "helper/handed_secret.h"
#include "proto/sweeper_to_storage.h"
#include "storage/engine.h"
#include "support/lane_stand.h"
#include "support/memory_segments.h"

namespace test_remote_broker {

using namespace broker_test;
using std::chrono::milliseconds;

constexpr std::string_view kCredential = "AKID:secret";

bool is_credential(Secret const& credential) { return std::ranges::equal(credential.bytes(), std::as_bytes(std::span(kCredential))); }

// A write counts when the store has said so.
class ToldSegments final : public storage::Segments {
public:
    explicit ToldSegments(storage::S3Connect connect) : connect_(std::move(connect)) {}

    storage::Answer<std::vector<Found>> list() override { return kept_.list(); }
    storage::Answer<void> make(storage::SegmentNumber segment) override { return kept_.make(segment); }
    storage::Answer<void> append(storage::SegmentNumber segment, std::uint64_t offset, std::span<std::byte const> bytes) override
    {
        if (auto const told = tell(); !told) return told;
        return kept_.append(segment, offset, bytes);
    }
    storage::Answer<std::size_t> read(storage::SegmentNumber segment, std::uint64_t offset, std::span<std::byte> into) override
    {
        return kept_.read(segment, offset, into);
    }
    storage::Answer<void> cut(storage::SegmentNumber segment, std::uint64_t bytes) override { return kept_.cut(segment, bytes); }
    storage::Answer<void> settle() override { return kept_.settle(); }
    storage::Answer<void> sync() override { return kept_.sync(); }
    storage::Answer<void> remove(storage::SegmentNumber segment) override { return kept_.remove(segment); }
    bool give_up_spare() override { return false; }
    void keep_spare() override {}

private:
    storage::Answer<void> tell()
    {
        auto const stream = connect_();
        if (!stream) return storage::refuse(stream.error());
        char byte = 'w';
        iovec part{&byte, 1};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (::sendmsg(stream->get(), &message, MSG_NOSIGNAL) != 1 || ::recvmsg(stream->get(), &message, 0) != 1)
            return storage::refuse(EIO);
        return {};
    }

    storage::S3Connect connect_;
    storage::MemoryDisk disk_;
    storage::MemorySegments kept_{disk_};
};

Result<std::unique_ptr<storage::Segments>> told_engine(storage::S3Place place, Secret credential, storage::S3Connect connect)
{
    if (!is_credential(credential) || place.prefix != "one/r-0/s-1/" || place.bucket != "files")
        return fail(Fault::denied, "told otherwise");
    return std::make_unique<ToldSegments>(std::move(connect));
}

Result<void> broker_with_stand_in(helper::Helper& helper) { return storage::serve_broker(helper, told_engine); }

// The store: answers each byte with one, on as many connections as there are.
class Answering {
public:
    explicit Answering(int listener)
    {
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ != 0) return;
        for (;;) {
            UniqueFd const stream(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
            char byte = 0;
            while (::recv(stream.get(), &byte, 1, 0) == 1 && ::send(stream.get(), &byte, 1, MSG_NOSIGNAL) == 1) {
            }
        }
    }
    ~Answering()
    {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }

private:
    pid_t child_ = -1;
};

struct Remote {
    Remote()
    {
        config.owner = kGuest;
        config.file_bytes_max = 1u << 30;
        config.session_bytes_max = 1u << 30;
        config.place = place();
    }
    static proto::StorePlace place() { return {"https://store.example", "eu", "files", "one/r-0/s-1/", true, "pem"}; }
    void hand(std::string_view credential = kCredential)
    {
        REQUIRE(helper::send_secret(custody.ours.get(), Secret::copy_of(std::as_bytes(std::span(credential))).value()));
        custody.ours.reset();
    }
    void give(test::LaneProcess& lane, std::uint64_t id)
    {
        auto const end = lane.open(id);
        int const number = end.get();
        REQUIRE(helper::write_frame(supply.ours.get(), static_cast<std::uint16_t>(proto::Type::lane_channel), {}, {&number, 1}));
    }

    proto::BrokerConfig config;
    SocketPair supply = make_socket_pair().value();
    SocketPair custody = make_socket_pair().value();
};

// Begun before there is a supply, of which it would keep an end.
struct AnsweringStore : test::StoreStand {
    Answering answering{listener.get()};
};

struct RemoteBrokerTest : AnsweringStore, BrokerTest, Remote {
    RemoteBrokerTest() : BrokerTest(Broker::not_yet) {}

    void start_broker()
    {
        start(config, {supply.theirs.get(), custody.theirs.get()}, broker_with_stand_in);
        supply.theirs.reset();
        custody.theirs.reset();
    }

    test::LaneProcess lane{port};
};

TEST_CASE_METHOD(RemoteBrokerTest,
    "broker: given a store elsewhere, when a guest writes and reads, then by way of the lane, and nothing lies on the disk",
    "[storage][T-31][SB-4][SB-1]")
{
    hand();
    give(lane, 1);
    start_broker();
    CHECK(shell("head -c 3000000 /dev/urandom > outputs/f; sync outputs/f; cp outputs/f outputs/g; cmp outputs/f outputs/g") == 0);
    CHECK(lane.helper.expect<proto::LaneConnection>().deed == proto::LaneDeed::opened);
    CHECK_FALSE(std::filesystem::exists(base + "/store"));
    CHECK(broker_lives());
}

TEST_CASE_METHOD(RemoteBrokerTest,
    "broker: given a lane that is killed, when another has begun, then the guest's writes go on without an error", "[storage][T-31][SB-9]")
{
    hand();
    give(lane, 1);
    start_broker();
    REQUIRE(shell("echo one > outputs/f; sync outputs/f") == 0);
    ::kill(lane.helper.pid(), SIGKILL);
    test::LaneProcess next(port);
    pid_t const guest = ::fork();
    if (guest == 0) ::_exit(shell("echo two > outputs/g; sync outputs/g; test \"$(cat outputs/f outputs/g | tr '\\n' ' ')\" = 'one two '"));
    give(next, 1);
    int status = 0;
    REQUIRE(::waitpid(guest, &status, 0) == guest);
    CHECK(status == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(RemoteBrokerTest,
    "broker: given no lane at all, when a guest writes, then an ordinary error in time, and what was read can be read",
    "[storage][T-31][SB-9]")
{
    hand();
    give(lane, 1);
    start_broker();
    REQUIRE(shell("echo one > outputs/f; sync outputs/f") == 0);
    lane.helper.send(proto::LaneClose{proto::LaneId{1}});
    supply.ours.reset();
    CHECK(shell("echo two > outputs/g; sync outputs/g") != 0);
    CHECK(shell("test \"$(cat outputs/f)\" = one") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(
    RemoteBrokerTest, "broker: given no credential, or another, when it is started, then it does not serve", "[storage][T-31][T-12]")
{
    give(lane, 1);
    SECTION("custody has none to give") { custody.ours.reset(); }
    SECTION("it is another") { hand("AKID:other"); }
    begin(config, {supply.theirs.get(), custody.theirs.get()}, broker_with_stand_in);
    custody.theirs.reset();
    CHECK_FALSE(helper::read_frame(link.get(), 64, std::chrono::seconds(5)));
    int status = 0;
    REQUIRE(::waitpid(broker, &status, 0) == broker);
    broker = -1;
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 1);
}

TEST_CASE_METHOD(RemoteBrokerTest,
    "broker: given a place and a directory, or too few descriptors, when it is started, then it does not serve", "[storage][T-31]")
{
    SECTION("a place with one descriptor") { begin(config, {supply.theirs.get()}, broker_with_stand_in); }
    SECTION("no place with two")
    {
        config.place = {};
        begin(config, {supply.theirs.get(), custody.theirs.get()}, broker_with_stand_in);
    }
    CHECK_FALSE(helper::read_frame(link.get(), 64, std::chrono::seconds(5)));
}

// From inside: what a broker that was taken over can do about its one way out.
enum class Attempt { socket, local_socket, pair, connect, bind, open, another_network, duplicate_elsewhere };

Result<std::unique_ptr<storage::Segments>> attempting(Attempt attempt, storage::S3Connect const& connect)
{
    auto const stream = connect();
    if (!stream) return fail(Fault::unavailable, "the lane gives a connection");
    int both[2];
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(9);
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto const* const address = reinterpret_cast<sockaddr const*>(&there);
    switch (attempt) {
    case Attempt::socket: (void)::socket(AF_INET, SOCK_STREAM, 0); break;
    case Attempt::local_socket: (void)::socket(AF_UNIX, SOCK_STREAM, 0); break;
    case Attempt::pair: (void)::socketpair(AF_UNIX, SOCK_STREAM, 0, both); break;
    case Attempt::connect: (void)::connect(stream->get(), address, sizeof there); break;
    case Attempt::bind: (void)::bind(stream->get(), address, sizeof there); break;
    case Attempt::open: (void)::open("/etc/hosts", O_RDONLY | O_CLOEXEC); break;
    case Attempt::another_network: (void)::setns(stream->get(), CLONE_NEWNET); break;
    case Attempt::duplicate_elsewhere: {
        // A datagram to a place that it names, over the stream that it was given: the one call with an address that it may make.
        bool const sent = ::sendto(stream->get(), "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL, address, sizeof there) == 1;
        if (sent) return fail(Fault::denied, "it can name a destination");
        return fail(Fault::malformed, "it cannot");
    }
    }
    return fail(Fault::denied, "it can");
}

template <Attempt kAttempt>
Result<void> broker_attempting(helper::Helper& helper)
{
    auto const served =
        storage::serve_broker(helper, [](storage::S3Place, Secret, storage::S3Connect connect) { return attempting(kAttempt, connect); });
    ::_exit(served.error().fault == Fault::malformed ? 2 : served.error().fault == Fault::denied ? 3 : 4);
}

TEST_CASE_METHOD(RemoteBrokerTest,
    "broker: given one that was taken over, when it makes, connects or opens anything, then it is killed or refused, and the store "
    "alone is reached",
    "[storage][T-31][T-14]")
{
    struct Row {
        char const* what;
        BrokerTest::Main main;
    };
    constexpr Row kRows[]{
        {"socket", broker_attempting<Attempt::socket>},
        {"local socket", broker_attempting<Attempt::local_socket>},
        {"socket pair", broker_attempting<Attempt::pair>},
        {"connect", broker_attempting<Attempt::connect>},
        {"bind", broker_attempting<Attempt::bind>},
        {"open", broker_attempting<Attempt::open>},
        {"another network", broker_attempting<Attempt::another_network>},
        {"name a destination", broker_attempting<Attempt::duplicate_elsewhere>},
    };
    std::uint64_t id = 10;
    for (auto const& row : kRows) {
        INFO(row.what);
        Remote each;
        each.hand();
        each.give(lane, ++id);
        begin(each.config, {each.supply.theirs.get(), each.custody.theirs.get()}, row.main);
        each.supply.theirs.reset();
        int status = 0;
        REQUIRE(::waitpid(broker, &status, 0) == broker);
        broker = -1;
        bool const killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
        bool const refused = WIFEXITED(status) && WEXITSTATUS(status) == 2;
        CHECK((killed || refused));
        ::umount2(mnt.c_str(), MNT_DETACH);
    }
}

// What the sweeper is built with here: says what it found under which place.
storage::Answer<storage::SweepCount> counting(storage::S3Place place, Secret credential, storage::S3Connect connect)
{
    if (!is_credential(credential) || place.prefix != "one/r-0/s-1/") return storage::refuse(EIO);
    auto const stream = connect();
    if (!stream) return storage::refuse(stream.error());
    return storage::SweepCount{3, 99};
}

Result<void> sweeper_with_stand_in(helper::Helper& helper) { return storage::serve_sweeper(helper, counting); }

struct SlotAndSweep {
    std::uint32_t slot = 0;
    proto::SweeperConfig config;

    static void fields(auto& wire, auto& m) { wire(m.slot, m.config); }
};

struct SweeperTest : test::StoreStand, Remote {
    SweeperTest()
    {
        auto const empty = UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        helper.configure(SlotAndSweep{0, {place()}}, {empty.get(), supply.theirs.get(), custody.theirs.get()});
        supply.theirs.reset();
        custody.theirs.reset();
    }
    test::LaneProcess lane{port};
    test::HelperProcess helper{"sweeper", sweeper_with_stand_in};
};

TEST_CASE_METHOD(SweeperTest, "sweeper: given a place, a way and a credential, when it has swept, then it says what was there, and ends",
    "[storage][T-31][T-13]")
{
    hand();
    give(lane, 1);
    (void)helper.ready();
    auto const done = helper.expect<proto::SweepDone>();
    CHECK(done.good);
    CHECK(done.objects == 3);
    CHECK(done.bytes == 99);
    CHECK(helper.wait() == 0);
}

TEST_CASE_METHOD(
    SweeperTest, "sweeper: given no credential or no way, when it is started, then it says so, or nothing", "[storage][T-31][SB-9]")
{
    SECTION("no credential")
    {
        custody.ours.reset();
        CHECK_FALSE(helper.receive());
        CHECK(WEXITSTATUS(helper.wait()) == 1);
    }
    SECTION("no way")
    {
        hand();
        supply.ours.reset();
        (void)helper.ready();
        CHECK_FALSE(helper.expect<proto::SweepDone>().good);
    }
}

}  // namespace test_remote_broker
