// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: the audit thread against a writer that the test plays, and audit/writer against a real directory.

#include "audit/audit.h"
#include "audit/limits.h"
#include "audit/writer.h"
#include "support/role_peer.h"
#include "unit/audit/support.h"

namespace test_audit_thread {

using namespace ocu;
using audit::kInFlightMax;

struct AuditTest {
    AuditTest()
    {
        to_custody.on_message(
            [this](proto::AuditToCustody::Message message) { wanted.push_back(std::get<proto::SignatureWanted>(message)); });
        to_control.on_message([this](proto::AuditToControl::Message message) {
            if (auto const* const state = std::get_if<proto::RetentionState>(&message)) told.push_back(*state);
        });
    }
    ~AuditTest() { loop.finish(); }
    void writer_up()
    {
        core_in.send(proto::HelperUp{helper::Kind::audit_writer, peer.connect(), wire::encode(proto::LogOpened{5, {}, 0, 0})});
        loop.settle();
    }
    void record(proto::Recorder& pen, std::string trace = "t")
    {
        proto::Event event;
        event.trace = std::move(trace);
        pen.record(event, [this](Result<EventNumber> result) { results.push_back(result); });
    }
    Fault fault(std::size_t at) const { return results[at].error().fault; }

    test::LoopThread loop;
    ManualClock clock;
    proto::CoreToRole core_in{loop};
    proto::CustodyToAudit custody_in{loop};
    proto::AuditToCustody to_custody{loop};
    proto::EdgeToAudit edge_in{loop};
    proto::AuditToEdge to_edge{loop};
    proto::AuditToControl to_control{loop};
    test::Spawner spawner;
    test::HelperPeer peer;
    std::vector<proto::SignatureWanted> wanted;
    std::vector<proto::RetentionState> told;
    std::vector<Result<EventNumber>> results;
    bool stopped = false;
    audit::Audit audit{loop, clock, {"box", 4, {}}, {},
        {core_in, custody_in, edge_in, to_custody, to_edge, to_control, spawner, [this] { stopped = true; }}};
    proto::Recorder& gateway = audit.recorder_for(proto::Source::gateway, loop);
    proto::Recorder& edge = audit.recorder_for(proto::Source::edge, loop);
};

TEST_CASE_METHOD(AuditTest, "audit: given no writer, when an event is recorded, then it is refused at once", "[audit][T-10][EG-12]")
{
    record(gateway);
    loop.settle();
    REQUIRE(results.size() == 1);
    CHECK(fault(0) == Fault::unavailable);
}

TEST_CASE_METHOD(AuditTest, "audit: given a writer, when it acknowledges, then the asker is told, and not before", "[audit][T-10][AU-3]")
{
    writer_up();
    record(gateway, "one");
    record(edge, "two");
    loop.settle();
    auto const first = peer.take<proto::Append>();
    auto const second = peer.take<proto::Append>();
    CHECK(first.source == proto::Source::gateway);
    CHECK(first.event.trace.view() == "one");
    CHECK(first.time_ms == clock.wall().time_since_epoch().count());
    CHECK(second.source == proto::Source::edge);
    CHECK(results.empty());
    peer.send(proto::Appended{second.request, 2, 5});
    loop.settle();
    REQUIRE(results.size() == 2);
    CHECK(*results[0] == EventNumber{6});
    CHECK(*results[1] == EventNumber{7});
}

TEST_CASE_METHOD(
    AuditTest, "audit: given events in flight, when the writer dies or its log fails, then all waiting are told", "[audit][T-10]")
{
    writer_up();
    record(gateway);
    record(edge);
    loop.settle();
    SECTION("the helper is down") { core_in.send(proto::HelperDown{helper::Kind::audit_writer}); }
    SECTION("the link closes") { peer.close(); }
    SECTION("the disk is full") { peer.send(proto::AppendFailed{ENOSPC}); }
    loop.settle();
    record(gateway);
    loop.settle();
    REQUIRE(results.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) CHECK(fault(i) == Fault::unavailable);
    CHECK(spawner.violations.empty());
}

TEST_CASE_METHOD(AuditTest, "audit: given a source over its share, when it records more, then it alone is refused", "[audit][T-06][AU-5]")
{
    writer_up();
    for (int i = 0; i < 6; ++i) record(gateway);
    record(edge);
    loop.settle();
    REQUIRE(results.size() == 2);
    CHECK(fault(0) == Fault::over_limit);
    CHECK(fault(1) == Fault::over_limit);
    std::vector<proto::Append> sent;
    for (int i = 0; i < 5; ++i) sent.push_back(peer.take<proto::Append>());
    CHECK(sent.back().source == proto::Source::edge);
    peer.send(proto::Appended{sent.back().request, 5, 5});
    loop.settle();
    record(gateway);
    loop.settle();
    CHECK(peer.take<proto::Append>().source == proto::Source::gateway);
}

TEST_CASE_METHOD(AuditTest,
    "audit: given a writer that acknowledges what it was not given, when heard, then it is a violation and nobody is told yes",
    "[audit][T-14]")
{
    writer_up();
    record(gateway);
    loop.settle();
    auto const sent = peer.take<proto::Append>();
    SECTION("too many") { peer.send(proto::Appended{sent.request, 2, 5}); }
    SECTION("none") { peer.send(proto::Appended{sent.request, 0, 5}); }
    SECTION("another one") { peer.send(proto::Appended{RequestId{sent.request.value + 1}, 1, 5}); }
    SECTION("not a message of its") { peer.send_raw(static_cast<std::uint16_t>(proto::Type::append), {}); }
    SECTION("not decodable") { peer.send_raw(static_cast<std::uint16_t>(proto::Type::appended), wire::Bytes(3)); }
    loop.settle();
    CHECK(spawner.violations == std::vector{helper::Kind::audit_writer});
    REQUIRE(results.size() == 1);
    CHECK(fault(0) == Fault::unavailable);
}

TEST_CASE_METHOD(AuditTest,
    "audit: given a writer whose report does not decode, when it comes up, then a violation and events stay refused", "[audit][T-14]")
{
    core_in.send(proto::HelperUp{helper::Kind::audit_writer, peer.connect(), wire::Bytes(3)});
    loop.settle();
    CHECK(spawner.violations == std::vector{helper::Kind::audit_writer});
    record(gateway);
    loop.settle();
    CHECK(fault(0) == Fault::unavailable);
}

TEST_CASE_METHOD(
    AuditTest, "audit: given a checkpoint to sign, when custody answers, then the writer gets signature and key", "[audit][AU-2]")
{
    writer_up();
    peer.send(proto::CheckpointWanted{RequestId{9}, 5, "text"});
    loop.settle();
    REQUIRE(wanted.size() == 1);
    CHECK(wanted[0].note.view() == "text");
    custody_in.send(proto::SignatureMade{RequestId{wanted[0].request.value + 1}, true, {}});  // to nobody's question
    custody_in.send(proto::SignatureMade{wanted[0].request, true, {3}});                      // before the keys are known
    loop.settle();
    CHECK_FALSE(peer.take<proto::CheckpointSignature>().good);
    custody_in.send(proto::CustodyKeys{{7}, {8}});
    custody_in.send(proto::SignatureMade{wanted[0].request, true, {3}});
    loop.settle();
    auto const signature = peer.take<proto::CheckpointSignature>();
    CHECK(signature.good);
    CHECK(signature.request == RequestId{9});
    CHECK(signature.signature[0] == 3);
    CHECK(signature.public_key[0] == 7);
    CHECK(peer.has_nothing());
}

TEST_CASE_METHOD(AuditTest, "audit: given nothing to wait for, when stopped, then it says so and refuses what comes after", "[audit][T-13]")
{
    core_in.send(proto::StopRole{});
    loop.settle();
    CHECK(stopped);
    record(gateway);
    loop.settle();
    CHECK(fault(0) == Fault::unavailable);
}

// Works until it is told to be full.
class FillingDisk final : public audit::SystemDisk {
public:
    Result<void> sync(int file) override
    {
        if (!full) return SystemDisk::sync(file);
        errno = ENOSPC;
        return fail_os("the test's disk");
    }
    std::atomic<bool> full = false;
};

// The writer's own half, with the test as the audit thread.
struct WriterTest {
    ~WriterTest() { loop.finish(); }
    void start()
    {
        auto log = audit_support::open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        loop_ref().post([this, moved = std::make_shared<audit::Log>(std::move(*log)), link = std::make_shared<UniqueFd>(peer.connect())] {
            writer = std::make_unique<audit::Writer>(loop_ref(), std::move(*moved), std::move(*link), clock);
        });
        loop.settle();
    }
    wire::Loop& loop_ref() { return loop; }

    audit_support::Folder folder;
    audit_support::Signer signer;
    ManualClock clock;  // moved on the loop's thread only
    FillingDisk disk;
    test::HelperPeer peer;
    test::LoopThread loop;
    std::unique_ptr<audit::Writer> writer;  // goes before its loop
};

TEST_CASE_METHOD(WriterTest,
    "writer: given events and a signature, when handled, then they are acknowledged, on disk and under a checkpoint",
    "[audit][T-10][AU-2][AU-3]")
{
    start();
    auto const one = audit_support::entry(1);
    for (std::uint64_t i = 1; i <= 3; ++i)
        peer.send(proto::Append{RequestId{i}, one.source, one.time.time_since_epoch().count(), one.event});
    // What one read of the link took is one batch, so there are one to three acknowledgements; the checkpoint comes after a pause.
    std::uint64_t acknowledged = 0;
    while (acknowledged < 3) {
        auto const message = peer.take<proto::Appended>();
        CHECK(message.first_index == 1 + acknowledged);
        acknowledged += message.count;
        CHECK(message.last.value == acknowledged);
    }
    auto const wanted = peer.take<proto::CheckpointWanted>();
    peer.send(proto::CheckpointSignature{wanted.request, true, signer.sign(wanted.note.str()), signer.key});
    loop.settle();
    auto const report = audit_support::check(folder);
    CHECK(report.good());
    CHECK(report.records == 4);
    CHECK(report.checkpoint->size == 4);
}

TEST_CASE_METHOD(
    WriterTest, "writer: given a signature that does not verify, when it comes, then no checkpoint is written", "[audit][T-09]")
{
    start();
    auto const wanted = peer.take<proto::CheckpointWanted>();
    auto signature = signer.sign(wanted.note.str());
    signature[0] ^= 1;
    peer.send(proto::CheckpointSignature{wanted.request, true, signature, signer.key});
    loop.settle();
    CHECK_FALSE(std::filesystem::exists(folder.path() / "checkpoint"));
}

TEST_CASE_METHOD(WriterTest,
    "writer: given a disk that fails, when events come, then the core is told so, and none is acknowledged any more", "[audit][T-10][AU-7]")
{
    start();
    (void)peer.take<proto::CheckpointWanted>();
    disk.full = true;
    auto const one = audit_support::entry(1);
    peer.send(proto::Append{RequestId{1}, one.source, one.time.time_since_epoch().count(), one.event});
    CHECK(peer.take<proto::AppendFailed>().os_errno == ENOSPC);
    disk.full = false;
    peer.send(proto::Append{RequestId{2}, one.source, one.time.time_since_epoch().count(), one.event});
    CHECK(peer.has_nothing());
}

TEST_CASE_METHOD(
    WriterTest, "writer: given custody that cannot sign, when it says so, then events go on and it is asked again", "[audit][AU-2][EG-12]")
{
    start();
    auto const wanted = peer.take<proto::CheckpointWanted>();
    loop_ref().post([this] { clock.advance(std::chrono::hours(1)); });
    peer.send(proto::CheckpointSignature{wanted.request, false, {}, {}});
    CHECK(peer.take<proto::CheckpointWanted>().request.value > wanted.request.value);
}

TEST_CASE_METHOD(WriterTest, "writer: given an answer to an earlier question, when it comes, then the one under way is still waited for",
    "[audit][AU-2]")
{
    start();
    auto const wanted = peer.take<proto::CheckpointWanted>();
    auto const signature = signer.sign(wanted.note.str());
    peer.send(proto::CheckpointSignature{RequestId{wanted.request.value + 1}, true, signature, signer.key});
    peer.send(proto::CheckpointSignature{RequestId{wanted.request.value - 1}, false, {}, {}});
    loop.settle();
    CHECK_FALSE(std::filesystem::exists(folder.path() / "checkpoint"));
    peer.send(proto::CheckpointSignature{wanted.request, true, signature, signer.key});
    loop.settle();
    CHECK(audit_support::check(folder).good());
}

}  // namespace test_audit_thread
