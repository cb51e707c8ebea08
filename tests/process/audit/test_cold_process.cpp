// SPDX-License-Identifier: GPL-3.0-or-later
// Process: the real audit-cold, confined, with a lane, a custody and a store that the test plays. A real store: tests/flow/test_audit_cold.py.

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <map>
#include <thread>

#include "audit/cold_object.h"
#include "audit/helpers.h"
#include "audit/layout.h"
#include "helper/handed_secret.h"
#include "proto/broker_to_storage_lane.h"
#include "support/helper_process.h"
#include "unit/audit/support.h"

namespace test_cold_process {

using namespace audit_support;
using proto::ColdAnswer;

struct Slotted {
    static void fields(auto& wire, auto& m) { wire(m.slot, m.config); }
    std::uint32_t slot = 0;
    proto::ColdConfig config;
};

// Takes and gives objects, one request after the other. What it does with locks is the test's to say.
class Store {
public:
    enum class Locks { kept, dropped, shortened };

    explicit Store(Locks locks) : locks_(locks), lane_(make_socket_pair().value()), thread_([this] { serve_lane(); }) {}
    ~Store()
    {
        (void)::shutdown(lane_.ours.get(), SHUT_RDWR);
        thread_.join();
    }
    int channel() const { return lane_.theirs.get(); }
    void close_channel() { lane_.theirs.reset(); }

    std::map<std::string, std::string> objects;
    std::vector<std::string> seen;

private:
    void serve_lane()
    {
        for (;;) {
            auto const frame = helper::read_frame(lane_.ours.get(), 64, std::chrono::seconds(20));
            if (!frame) return;
            auto const ask = wire::decode<proto::LaneConnect>(frame->body);
            if (!ask) return;
            auto pair = make_socket_pair().value();
            auto const body = wire::encode(proto::LaneOpened{ask->request});
            if (!helper::write_frame(lane_.ours.get(), static_cast<std::uint16_t>(proto::LaneOpened::kType), body, std::array{pair.theirs.get()})) return;
            pair.theirs.reset();
            serve(pair.ours);
        }
    }
    void serve(UniqueFd const& stream)
    {
        int const flags = ::fcntl(stream.get(), F_GETFL);
        (void)::fcntl(stream.get(), F_SETFL, flags & ~O_NONBLOCK);
        std::string in;
        char bytes[65536];
        for (;;) {
            auto const head = in.find("\r\n\r\n");
            auto const whole = head != std::string::npos && in.size() >= head + 4 + length_of(in.substr(0, head));
            if (whole) {
                auto const size = head + 4 + length_of(in.substr(0, head));
                answer(stream, in.substr(0, head), in.substr(head + 4, size - head - 4));
                in.erase(0, size);
                continue;
            }
            auto const got = ::recv(stream.get(), bytes, sizeof bytes, 0);
            if (got <= 0) return;
            in.append(bytes, static_cast<std::size_t>(got));
        }
    }
    static std::size_t length_of(std::string const& head)
    {
        auto const at = head.find("Content-Length: ");
        return at == std::string::npos ? 0 : std::strtoull(head.c_str() + at + 16, nullptr, 10);
    }
    static std::string field(std::string const& head, std::string const& name)
    {
        auto const at = head.find(name + ": ");
        return at == std::string::npos ? "" : head.substr(at + name.size() + 2, head.find('\r', at) - at - name.size() - 2);
    }
    void answer(UniqueFd const& stream, std::string const& head, std::string const& body)
    {
        seen.push_back(head.substr(0, head.find(' ', 5)));
        auto const path = head.substr(head.find('/'), head.find(" HTTP") - head.find('/'));
        std::string fields;
        if (head.starts_with("PUT ")) {
            objects[path] = body;
            modes_[path] = field(head, "x-amz-object-lock-mode");
            until_[path] = locks_ == Locks::shortened ? "2026-01-01T00:00:00Z" : field(head, "x-amz-object-lock-retain-until-date");
            return say(stream, "HTTP/1.1 200 OK\r\n", "");
        }
        if (!objects.contains(path)) return say(stream, "HTTP/1.1 404 Not Found\r\n", "<Error><Code>NoSuchKey</Code></Error>");
        if (locks_ != Locks::dropped) fields = "x-amz-object-lock-mode: " + modes_[path] + "\r\nx-amz-object-lock-retain-until-date: " + until_[path] + "\r\n";
        say(stream, "HTTP/1.1 200 OK\r\n" + fields, objects[path]);
    }
    static void say(UniqueFd const& stream, std::string const& head, std::string const& body)
    {
        auto const text = head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        for (std::size_t at = 0; at < text.size();) {
            auto const sent = ::send(stream.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
            if (sent <= 0) return;
            at += static_cast<std::size_t>(sent);
        }
    }

    Locks locks_;
    std::map<std::string, std::string> modes_, until_;
    SocketPair lane_;
    std::thread thread_;
};

struct ColdProcessTest {
    ColdProcessTest()
    {
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, 150);
        size = log->size();
        sign(*log, signer);
        config.place = {"http://s3.test:9000", "eu-1", "record", "box/", true, ""};
        config.segment = 1;
        config.days = 2557;
        config.head = wire::Text<proto::kHeadNoteBytesMax>(read(folder.path() / "checkpoint"));
    }
    proto::ColdOutcome run(Store& store)
    {
        auto const space = test::empty_network();
        UniqueFd const segment(::open((folder.path() / segment_path(1)).c_str(), O_RDONLY | O_CLOEXEC));
        auto credential = make_socket_pair().value();
        test::HelperProcess helper("audit-cold", audit_cold_main);
        helper.configure(Slotted{0, config}, {space.get(), segment.get(), store.channel(), credential.theirs.get()});
        store.close_channel();
        auto const secret = Secret::copy_of(std::as_bytes(std::span(std::string_view("key:secret")))).value();
        REQUIRE(helper::send_secret(credential.ours.get(), secret));
        credential.ours.reset();
        (void)helper.ready();
        auto const frame = helper.receive(std::chrono::seconds(20));
        REQUIRE(frame);
        auto const outcome = wire::decode<proto::ColdOutcome>(frame->body).value();
        CHECK(helper.wait() == 0);
        return outcome;
    }

    Folder folder;
    SystemDisk disk;
    SystemClock clock;
    Signer signer;
    std::uint64_t size = 0;
    proto::ColdConfig config;
};

TEST_CASE_METHOD(ColdProcessTest, "audit-cold: given a store that locks, when a segment is put, then its head is first, both are read back, and it is kept", "[audit][AU-7][T-43]")
{
    Store store(Store::Locks::kept);
    auto const got = run(store);
    CHECK(name_of(got.answer) == "kept");
    CHECK(got.end == parse_header(read(folder.path() / segment_path(2)))->first_index);
    CHECK(got.digest == crypto::sha256(read(folder.path() / segment_path(1))));
    CHECK(got.until_ms >= 1'790'000'000'000 + 2557 * proto::kDayMs);
    CHECK(store.objects["/record/box/journal/00000001.seg"] == read(folder.path() / segment_path(1)));
    CHECK(store.objects["/record/box/heads/00000001"] == config.head.view());
    CHECK(store.seen == std::vector<std::string>{"GET /record/box/heads/00000001", "PUT /record/box/heads/00000001", "GET /record/box/heads/00000001",
                            "GET /record/box/journal/00000001.seg", "PUT /record/box/journal/00000001.seg", "GET /record/box/journal/00000001.seg"});
}

TEST_CASE_METHOD(ColdProcessTest, "audit-cold: given a store that does not lock, or not for so long, when a segment is put, then it is not kept", "[audit][AU-7][T-43]")
{
    Store none(Store::Locks::dropped);
    CHECK(name_of(run(none).answer) == "not_locked");
    Store brief(Store::Locks::shortened);
    CHECK(name_of(run(brief).answer) == "wrong_lock");
}

TEST_CASE_METHOD(ColdProcessTest, "audit-cold: given a segment that does not check, or a head that is older, when started, then nothing is sent", "[audit][AU-7][T-43]")
{
    auto expected = ColdAnswer::log_unreadable;
    SECTION("a record that was altered")
    {
        auto bytes = read(folder.path() / segment_path(1));
        bytes[bytes.find("echo")] = 'E';
        write(folder.path() / segment_path(1), bytes);
    }
    SECTION("a head before its end")
    {
        Folder other;
        auto log = open_log(disk, other, clock);
        REQUIRE(log.has_value());
        sign(*log, signer);
        config.head = wire::Text<proto::kHeadNoteBytesMax>(read(other.path() / "checkpoint"));
        expected = ColdAnswer::no_head;
    }
    Store store(Store::Locks::kept);
    CHECK(run(store).answer == expected);
    CHECK(store.seen.empty());
}

}  // namespace test_cold_process
