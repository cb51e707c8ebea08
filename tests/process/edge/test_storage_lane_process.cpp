// SPDX-License-Identifier: GPL-3.0-or-later
// The real storage-lane: it connects where its configuration says and nowhere else, for as long as its channels are there.

#include "support/lane_stand.h"

#include <thread>

#include "storage/lane_client.h"

namespace test_storage_lane_process {

using namespace ocu;
using proto::LaneDeed;
using proto::LaneFailure;
using std::chrono::milliseconds;

struct LaneProcessTest : test::StoreStand {
    LaneProcessTest() { give(1); }
    // Another channel for the asker.
    void give(std::uint64_t lane_id)
    {
        auto const end = lane.open(lane_id);
        int const number = end.get();
        REQUIRE(helper::write_frame(supply.ours.get(), static_cast<std::uint16_t>(proto::Type::lane_channel), {}, {&number, 1}));
    }

    test::LaneProcess lane{port};
    SocketPair supply = make_socket_pair().value();
    storage::LaneClient client{std::move(supply.theirs), milliseconds(5'000)};
};

std::string received(UniqueFd const& fd, std::size_t size)
{
    std::string out(size, '\0');
    REQUIRE(::recv(fd.get(), out.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size));
    return out;
}

bool has_ended(UniqueFd const& fd)
{
    pollfd entry{fd.get(), POLLIN | POLLRDHUP, 0};
    char byte = 0;
    return ::poll(&entry, 1, 5'000) == 1 && ::recv(fd.get(), &byte, 1, 0) <= 0;
}

TEST_CASE("storage_lane: given no destination, when started, then it serves its link until that closes", "[edge][T-14][T-31]")
{
    test::HelperProcess helper("storage-lane", edge::storage_lane_main);
    helper.configure(proto::StorageLaneConfig{});
    auto const report = wire::decode<proto::StorageLaneReport>(helper.ready());
    REQUIRE(report);
    CHECK(report->destinations == 0);
    CHECK(helper.end() == 0);
}

TEST_CASE("storage_lane: given a destination that is no address, or no port, when started, then it refuses to serve", "[edge][T-14][T-31]")
{
    test::HelperProcess helper("storage-lane", edge::storage_lane_main);
    proto::StorageLaneConfig config{{{}, 443, false}, {{}, 443, false}};
    SECTION("no port")
    {
        config.store.port = 0;
        config.store.addresses.push("10.0.0.1");
    }
    SECTION("a name") { config.store.addresses.push("store.example"); }
    SECTION("a name for the cold tier") { config.cold.addresses.push("store.example"); }
    helper.configure(config);
    CHECK(WEXITSTATUS(helper.wait()) == 1);
}

TEST_CASE_METHOD(LaneProcessTest,
    "storage_lane: given a channel, when a connection is asked for, then bytes go to the store and back, and it is reported",
    "[edge][T-31][SB-4]")
{
    auto stream = client.connect();
    REQUIRE(stream);
    auto far = accept();
    std::string const large(3u << 20, 'u');
    std::thread writer([&] { (void)::send(stream->get(), large.data(), large.size(), 0); });
    CHECK(received(far, large.size()) == large);
    writer.join();
    REQUIRE(::send(far.get(), "answer", 6, 0) == 6);
    CHECK(received(*stream, 6) == "answer");
    auto const opened = lane.helper.expect<proto::LaneConnection>();
    CHECK(opened.deed == LaneDeed::opened);
    stream->reset();
    far.reset();
    auto const closed = lane.helper.expect<proto::LaneConnection>();
    CHECK(closed.deed == LaneDeed::closed);
    CHECK(closed.connection == opened.connection);
    CHECK(closed.bytes_up == large.size());
    CHECK(closed.bytes_down == 6);
}

TEST_CASE_METHOD(LaneProcessTest,
    "storage_lane: given a session that is over, when its channel is closed, then the store sees the end of its connections",
    "[edge][T-31][T-13]")
{
    auto const stream = client.connect();
    REQUIRE(stream);
    auto const far = accept();
    lane.helper.send(proto::LaneClose{proto::LaneId{1}});
    CHECK(has_ended(far));
    CHECK(has_ended(*stream));
    CHECK(lane.helper.expect<proto::LaneConnection>().deed == LaneDeed::opened);
    CHECK(lane.helper.expect<proto::LaneConnection>().failure == LaneFailure::cut);
    CHECK(lane.helper.expect<proto::LaneGone>().lane == proto::LaneId{1});
}

TEST_CASE_METHOD(LaneProcessTest,
    "storage_lane: given an asker that asks for more than it may, when asked, then there is none, and no connection", "[edge][T-31][T-06]")
{
    std::vector<UniqueFd> held;
    for (int i = 0; i < 8; ++i) {
        auto stream = client.connect();
        REQUIRE(stream);
        held.push_back(std::move(*stream));
        held.push_back(accept());
    }
    CHECK(client.connect().error() == EIO);
    CHECK(has_nobody());
}

TEST_CASE_METHOD(test::StoreStand,
    "storage_lane: given this machine's own address without leave, when a connection is asked for, then it is not made",
    "[edge][T-31][EG-3]")
{
    test::LaneProcess lane(port, false);
    auto const end = lane.open(1);
    auto const body = wire::encode(proto::LaneConnect{RequestId{1}});
    REQUIRE(helper::write_frame(end.get(), static_cast<std::uint16_t>(proto::Type::lane_connect), body, {}));
    auto const report = lane.helper.expect<proto::LaneConnection>();
    CHECK(report.deed == LaneDeed::failed);
    CHECK(report.failure == LaneFailure::own_address);
    CHECK(has_nobody());
}

TEST_CASE_METHOD(LaneProcessTest, "storage_lane: given a lane that is killed, when a new one has given a channel, then the asker goes on",
    "[edge][T-31][SB-9]")
{
    auto const before = client.connect();
    REQUIRE(before);
    auto const far = accept();
    ::kill(lane.helper.pid(), SIGKILL);
    CHECK(has_ended(*before));
    CHECK(has_ended(far));
    test::LaneProcess next(port);
    auto const end = next.open(1);
    int const number = end.get();
    REQUIRE(helper::write_frame(supply.ours.get(), static_cast<std::uint16_t>(proto::Type::lane_channel), {}, {&number, 1}));
    CHECK(client.connect().has_value());
    CHECK(accept());
}

}  // namespace test_storage_lane_process
