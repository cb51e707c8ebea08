// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/files_desk over real links to a front and a broker that the test plays: who gets a channel, whose deeds a broker may report, and
// under which name they stand on record.
#include "support/role_peer.h"

#include "storage/files_desk.h"
#include "storage/limits.h"

namespace test_files_desk {

using namespace ocu;
using namespace ocu::storage;
using proto::FilesWant;
using proto::Reason;
using proto::What;

constexpr SessionId kSession{7};

struct FilesDeskTest {
    FilesDeskTest()
    {
        std::promise<void> built;
        static_cast<wire::Loop&>(loop).post([this, &built] {
            control.on_message([this](auto message) { wanted.push_back(std::get<proto::FilesSessionWanted>(message)); });
            helper::Caller alice{CallerId{1}, "alice", {}, {}};
            alice.digest = crypto::Sha256().update(std::as_bytes(std::span(alice.salt))).update("key-a").finish();
            FilesDeskConfig config;
            config.callers = {alice};
            helper::Caller portal{CallerId{1ull << 32}, "portal", {}, {}};
            portal.digest = crypto::Sha256().update(std::as_bytes(std::span(portal.salt))).update("key-p").finish();
            config.embed_keys = {{portal, {"alice"}}};
            config.transfers_per_caller_max = 3;
            desk.emplace(loop, clock, std::move(config),
                FilesDesk::Wires{control, recorder, [this](SessionId id) { return id == kSession ? broker_link.get() : nullptr; },
                    [this] { ++violations; },
                    [this](SessionId session, proto::FilesCheck const& asked) { checks.emplace_back(session, asked); }});
            desk->front_up(front.connect());
            broker_link = std::make_unique<wire::Link>(
                loop, broker.connect(), wire::Link::Options{proto::kBrokerMaySend},
                [this](wire::Link::Frame frame) { good = desk->broker_said(kSession, frame) && good; }, [](wire::Lost) {});
            built.set_value();
        });
        built.get_future().wait();
    }
    ~FilesDeskTest()
    {
        std::promise<void> gone;
        static_cast<wire::Loop&>(loop).post([this, &gone] {
            desk.reset();
            broker_link.reset();
            gone.set_value();
        });
        gone.get_future().wait();
        loop.finish();
    }
    void ask(std::uint64_t request, std::string_view key = "key-a", bool makes = false)
    {
        proto::FilesAsk asked;
        asked.request = RequestId{request};
        asked.secret = key;
        asked.chat = "c";
        asked.intents = proto::kReadIntent;
        asked.makes = makes;
        asked.trace = "t";
        front.send(asked);
        loop.settle();
    }
    void grant(SessionId session = kSession)
    {
        static_cast<wire::Loop&>(loop).post([this, session] { desk->granted({wanted.back().request, session}); });
        loop.settle();
    }
    // The channel's number, as the broker is told it.
    proto::FilesChannelId open(std::uint64_t request)
    {
        ask(request);
        grant();
        CHECK(front.take<proto::FilesOpened>().request == RequestId{request});
        auto const told = broker.take<proto::FilesChannel>();
        CHECK(told.intents == proto::kReadIntent);
        return told.channel;
    }

    test::LoopThread loop;
    ManualClock clock;
    proto::StorageToControl control{loop};
    test::Recorder recorder;
    test::HelperPeer front;
    test::HelperPeer broker;
    std::optional<FilesDesk> desk;
    std::unique_ptr<wire::Link> broker_link;
    std::vector<proto::FilesSessionWanted> wanted;
    std::vector<std::pair<SessionId, proto::FilesCheck>> checks;
    int violations = 0;
    bool good = true;
};

TEST_CASE_METHOD(FilesDeskTest, "files_desk: given a stranger, when it asks, then control hears nothing of it and it is on record",
    "[storage][T-01][T-30]")
{
    ask(1, "key-b");
    CHECK(front.take<proto::FilesAnswer>().reason == Reason::unauthorized);
    CHECK(wanted.empty());
    REQUIRE(recorder.events.size() == 1);
    CHECK(recorder.events[0].what == What::caller_refused);
    CHECK(recorder.events[0].actor.view() == "unknown");
    ask(2, "key-b");
    CHECK(recorder.events.size() == 1);  // folded
}

TEST_CASE_METHOD(FilesDeskTest,
    "files_desk: given a caller, when its session is there, then a channel of its own, and deeds under its name", "[storage][SB-8][T-30]")
{
    auto const channel = open(1);
    CHECK(wanted[0].if_missing == proto::IfMissing::refuse);
    CHECK(wanted[0].chat.view() == "c");
    broker.send(proto::FilesNote{channel, proto::FileDeed::download, Reason::none, "uploads/a", 5, {}});
    loop.settle();
    REQUIRE(recorder.events.size() == 1);
    CHECK(recorder.events[0].what == What::file_download);
    CHECK(recorder.events[0].actor.view() == "alice");
    CHECK(recorder.events[0].session == kSession);
    CHECK(recorder.events[0].resource.view() == "uploads/a");
    broker.send(proto::FilesRecord{channel, proto::FileDeed::upload, "uploads/b", 9, "sha256:x"});
    loop.settle();
    CHECK(broker.take<proto::FilesRecorded>().good);
    CHECK(recorder.events[1].what == What::file_upload);
    CHECK(good);
}

TEST_CASE_METHOD(FilesDeskTest, "files_desk: given a broker, when it reports for a channel that is not its own, then it broke the grammar",
    "[storage][T-14][T-30]")
{
    auto const channel = open(1);
    broker.send(proto::FilesNote{proto::FilesChannelId{channel.value + 1}, proto::FileDeed::download, Reason::none, "uploads/a", 5, {}});
    loop.settle();
    CHECK_FALSE(good);
    CHECK(recorder.events.empty());
}

TEST_CASE_METHOD(FilesDeskTest,
    "files_desk: given a caller with all its transfers under way, when it asks on, then it waits until one ends", "[storage][SB-8][T-06]")
{
    auto const first = open(1);
    (void)open(2);
    (void)open(3);
    ask(4);
    CHECK(front.take<proto::FilesAnswer>().reason == Reason::too_many_calls);
    broker.send(proto::FilesClosed{first});
    loop.settle();
    (void)open(5);
    CHECK(good);
}

TEST_CASE_METHOD(
    FilesDeskTest, "files_desk: given a session whose broker is not there, when it is granted, then no channel", "[storage][T-13]")
{
    ask(1);
    grant(SessionId{8});
    CHECK(front.take<proto::FilesAnswer>().reason == Reason::role_unavailable);
}

TEST_CASE_METHOD(FilesDeskTest,
    "files_desk: given an upload that is an archive, when its broker asks, then it is looked into once at a time",
    "[storage][T-14][T-32][SB-7]")
{
    auto const channel = open(1);
    broker.send(proto::FilesCheck{channel, 77});
    loop.settle();
    REQUIRE(checks.size() == 1);
    CHECK(checks[0].first == kSession);
    CHECK(checks[0].second.bytes == 77);
    auto const answer = [&](Reason reason) {
        static_cast<wire::Loop&>(loop).post([this, channel, reason] {
            desk->checked(kSession, channel, reason, {.rule = proto::ArchiveRule::path});
            desk->checked(SessionId{9}, channel, reason, {});
        });
        loop.settle();
    };
    answer(Reason::archive_refused);
    auto const told = broker.take<proto::FilesChecked>();
    CHECK(told.reason == Reason::archive_refused);
    CHECK(told.verdict.rule == proto::ArchiveRule::path);
    CHECK(broker.has_nothing());
    broker.send(proto::FilesCheck{channel, 78});
    loop.settle();
    CHECK(checks.size() == 2);
    CHECK(good);
    broker.send(proto::FilesCheck{channel, 78});
    loop.settle();
    CHECK(checks.size() == 2);
    CHECK_FALSE(good);
}

TEST_CASE_METHOD(FilesDeskTest, "files_desk: given a check, when it asks for a channel that is not its own, then it broke the grammar",
    "[storage][T-14][T-32]")
{
    auto const channel = open(1);
    broker.send(proto::FilesCheck{proto::FilesChannelId{channel.value + 1}, 1});
    loop.settle();
    CHECK_FALSE(good);
    CHECK(checks.empty());
}

TEST_CASE_METHOD(
    FilesDeskTest, "files_desk: given a refused archive, when its broker notes it, then the rule is on record", "[storage][T-32][SB-8]")
{
    auto const channel = open(1);
    broker.send(proto::FilesNote{channel, proto::FileDeed::refused, Reason::archive_refused, "uploads/a.zip", 0, "overlap"});
    loop.settle();
    REQUIRE(recorder.events.size() == 1);
    CHECK(recorder.events[0].what == What::file_refused);
    CHECK(recorder.events[0].reason == Reason::archive_refused);
    CHECK(recorder.events[0].detail.view() == "overlap");
    CHECK(recorder.events[0].resource.view() == "uploads/a.zip");
}

TEST_CASE_METHOD(FilesDeskTest,
    "files_desk: given an embedding application, when it makes a token, then that is on record under its own name", "[storage][T-30][SB-8]")
{
    proto::FilesAsk asked;
    asked.request = RequestId{1};
    asked.want = FilesWant::embed_token;
    asked.secret = "key-p";
    asked.intents = proto::kReadIntent;
    asked.chat = "c";
    asked.caller = "alice";
    front.send(asked);
    loop.settle();
    auto const answer = front.take<proto::FilesAnswer>();
    CHECK(answer.reason == Reason::none);
    CHECK_FALSE(answer.secret.empty());
    REQUIRE(recorder.events.size() == 1);
    CHECK(recorder.events[0].what == What::embed_token_made);
    CHECK(recorder.events[0].actor.view() == "portal");
    CHECK(recorder.events[0].detail.view() == "alice/c");
    ask(2, "key-p");
    CHECK(front.take<proto::FilesAnswer>().reason == Reason::forbidden);
    CHECK(wanted.empty());
    CHECK(recorder.events[1].actor.view() == "portal");
}

TEST_CASE_METHOD(
    FilesDeskTest, "files_desk: given a record that cannot be written, when a token is made, then none is told", "[storage][CT-6]")
{
    struct Failing final : proto::Recorder {
        void record(proto::Event, Done done) override { done(fail(Fault::unavailable, "no record")); }
    } failing;
    std::promise<void> built;
    static_cast<wire::Loop&>(loop).post([&] {
        helper::Caller alice{CallerId{1}, "alice", {}, {}};
        alice.digest = crypto::Sha256().update(std::as_bytes(std::span(alice.salt))).update("key-a").finish();
        FilesDeskConfig config;
        config.callers = {alice};
        desk.emplace(loop, clock, std::move(config), FilesDesk::Wires{control, failing, [](SessionId) { return nullptr; }, [] {}, {}});
        desk->front_up(front.connect());
        built.set_value();
    });
    built.get_future().wait();
    proto::FilesAsk asked;
    asked.request = RequestId{1};
    asked.want = FilesWant::embed_token;
    asked.secret = "key-a";
    asked.intents = proto::kReadIntent;
    front.send(asked);
    loop.settle();
    auto const answer = front.take<proto::FilesAnswer>();
    CHECK(answer.reason == Reason::audit_unavailable);
    CHECK(answer.secret.empty());
    std::promise<void> gone;
    static_cast<wire::Loop&>(loop).post([&] {
        desk.reset();
        gone.set_value();
    });
    gone.get_future().wait();
}

}  // namespace test_files_desk
