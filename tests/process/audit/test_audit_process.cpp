// SPDX-License-Identifier: GPL-3.0-or-later
// The real audit-writer, confined, with an audit directory of its own. Needs root.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "audit/helpers.h"
#include "appliance/profiles/audit_writer.h"
#include "proto/audit_to_writer.h"
#include "support/helper_process.h"
#include "unit/audit/support.h"

namespace {

using namespace audit_support;

struct Directory : Folder {
    Directory()
    {
        uid_t const user = helper::kHelperUidBase + profiles::kAuditWriter.user_offset;
        REQUIRE(::chown(path().c_str(), user, user) == 0);
    }
};

proto::LogOpened start(test::HelperProcess& helper, Directory const& directory)
{
    auto const fd = directory.open();
    helper.configure(proto::AuditWriterConfig{kOrigin, static_cast<std::uint32_t>(kSegmentBytesMin)}, {fd.get()});
    return wire::decode<proto::LogOpened>(helper.ready()).value();
}

void append(test::HelperProcess& helper, std::uint64_t first, std::uint64_t count)
{
    for (std::uint64_t i = 0; i < count; ++i)
        helper.send(proto::Append{RequestId{first + i}, proto::Source::gateway, 1'790'000'000'000, entry(i).event});
}

// Until `last` is acknowledged; signs what is asked for on the way. The greatest size that was signed.
std::uint64_t wait_for(test::HelperProcess& helper, std::uint64_t last, Signer const& signer, std::uint64_t signed_at_least)
{
    std::uint64_t acknowledged = 0;
    std::uint64_t size = 0;
    while (acknowledged < last || size < signed_at_least) {
        auto const frame = helper.receive();
        REQUIRE(frame);
        if (frame->type == static_cast<std::uint16_t>(proto::Type::appended)) {
            acknowledged = wire::decode<proto::Appended>(frame->body).value().last.value;
            continue;
        }
        REQUIRE(frame->type == static_cast<std::uint16_t>(proto::Type::checkpoint_wanted));
        auto const wanted = wire::decode<proto::CheckpointWanted>(frame->body).value();
        helper.send(proto::CheckpointSignature{wanted.request, true, signer.sign(wanted.note.str()), signer.key});
        size = wanted.size;
    }
    return size;
}

TEST_CASE("audit-writer: given it is confined, when events come over segments, tiles and restarts, then all is on disk and verifies",
    "[audit][T-10][T-14][AU-3]")
{
    Directory const directory;
    Signer const signer;
    for (std::uint64_t round = 0; round < 2; ++round) {
        test::HelperProcess helper("audit-writer", audit::audit_writer_main);
        CHECK(start(helper, directory).size == 1 + round * 601);
        append(helper, 1, 600);
        (void)wait_for(helper, 600, signer, (round + 1) * 601);
        CHECK(helper.end() == 0);
    }
    auto const report = check(directory);
    INFO((report.findings.empty() ? std::string() : std::string(name_of(report.findings[0].problem)) + " " + report.findings[0].where));
    CHECK(report.records == 1202);
    CHECK(report.findings_count <= 1);  // the last checkpoint may not have been put in place before the link closed
}

TEST_CASE("audit-writer: given it is killed while it writes, when started again, then what it acknowledged is there", "[audit][T-10][AU-3]")
{
    // Nothing is signed here, so each start reads the whole log: forty times is as long as it gets.
    int const logs = std::getenv("OCU_LONG") != nullptr ? 25 : 1;
    for (int log = 0; log < logs; ++log) {
        Directory const directory;
        std::uint64_t acknowledged = 0;
        for (int round = 0; round < 40; ++round) {
            test::HelperProcess helper("audit-writer", audit::audit_writer_main);
            CHECK(start(helper, directory).size > acknowledged);
            append(helper, 1, 40);
            auto const frame = helper.receive();
            REQUIRE(frame);
            if (frame->type == static_cast<std::uint16_t>(proto::Type::appended)) {
                auto const message = wire::decode<proto::Appended>(frame->body).value();
                acknowledged = message.first_index + message.count;
            }
            ::kill(helper.pid(), SIGKILL);
            helper.wait();
        }
        for (auto const& finding : check(directory).findings)
            CHECK((finding.problem == Problem::checkpoint_missing || finding.problem == Problem::key_missing));
    }
}

TEST_CASE("audit-writer: given a torn tail, when started, then it is cut, said and on record", "[audit][T-10][AU-3]")
{
    Directory const directory;
    Signer const signer;
    {
        test::HelperProcess helper("audit-writer", audit::audit_writer_main);
        start(helper, directory);
        append(helper, 1, 2);
        (void)wait_for(helper, 2, signer, 0);
        helper.end();
    }
    auto const path = directory.path() / "journal/00000000.seg";
    auto bytes = read(path);
    bytes[bytes.find_last_not_of('\0') + 1] = 'x';
    write(path, bytes);
    test::HelperProcess helper("audit-writer", audit::audit_writer_main);
    auto const opened = start(helper, directory);
    CHECK(opened.repaired_bytes == 1);
    CHECK(opened.size == 5);
    CHECK(read(path).find("log_repaired") != std::string::npos);
}

TEST_CASE("audit-writer: given a full disk, when events come, then it says so, acknowledges none and ends", "[audit][T-10][AU-7]")
{
    // A limit on file size is a disk that is full at a known byte.
    Directory const directory;
    auto profile_main = [](helper::Helper& self) -> Result<void> {
        ::rlimit const limit{70'000, 70'000};
        (void)::setrlimit(RLIMIT_FSIZE, &limit);
        std::signal(SIGXFSZ, SIG_IGN);
        return audit::audit_writer_main(self);
    };
    test::HelperProcess helper("audit-writer", profile_main);
    auto const fd = directory.open();
    helper.configure(proto::AuditWriterConfig{kOrigin, 80'000}, {fd.get()});
    // The first segment cannot be made: it never reports ready.
    CHECK_FALSE(helper.receive());
    CHECK(WEXITSTATUS(helper.wait()) == 1);
}

// As the audit thread leads it: look, put it on record, go, have it signed.
TEST_CASE("audit-writer: given it is confined, when old records may go, then they go with a signed word for it, and what is left verifies",
    "[audit][AU-7][T-38]")
{
    Directory const directory;
    Signer const signer;
    test::HelperProcess helper("audit-writer", audit::audit_writer_main);
    start(helper, directory);
    append(helper, 1, 600);
    (void)wait_for(helper, 600, signer, 601);
    auto const hear = [&]<class Message>(Message&) {
        for (;;) {
            auto const frame = helper.receive();
            REQUIRE(frame);
            if (frame->type == static_cast<std::uint16_t>(Message::kType)) return wire::decode<Message>(frame->body).value();
            if (frame->type != static_cast<std::uint16_t>(proto::Type::checkpoint_wanted)) continue;
            auto const wanted = wire::decode<proto::CheckpointWanted>(frame->body).value();
            helper.send(proto::CheckpointSignature{wanted.request, true, signer.sign(wanted.note.str()), signer.key});
        }
    };
    auto const late = SystemClock().wall() + std::chrono::hours(24) * (proto::kRetentionDaysFloor + 1);
    helper.send(proto::RetentionLook{RequestId{1}, proto::kRetentionDaysFloor, late.time_since_epoch().count(), ~0ull, ~0ull});
    proto::RetentionFound found;
    found = hear(found);
    REQUIRE(found.removed > 0);
    auto said = entry(0).event;
    said.what = proto::What::audit_retention;
    said.number = static_cast<std::int64_t>(found.removed);
    helper.send(proto::Append{RequestId{601}, proto::Source::audit, late.time_since_epoch().count(), said});
    proto::Appended appended;
    appended = hear(appended);
    helper.send(proto::RetentionGo{RequestId{1}, appended.first_index});
    proto::RetentionWanted wanted;
    wanted = hear(wanted);
    helper.send(proto::RetentionSigned{RequestId{1}, true, signer.sign(wanted.note.str()), signer.key});
    proto::RetentionDone done;
    done = hear(done);
    CHECK(done.first_record == found.removed);
    CHECK(done.first_segment == found.segment);
    append(helper, 602, 1);
    (void)wait_for(helper, 602, signer, 603);
    CHECK(helper.end() == 0);
    CHECK_FALSE(std::filesystem::exists(directory.path() / "journal/00000000.seg"));
    test::HelperProcess next("audit-writer", audit::audit_writer_main);
    auto const opened = start(next, directory);
    CHECK(opened.first_record == found.removed);
    CHECK(opened.first_segment == found.segment);
    append(next, 1, 1);
    (void)wait_for(next, 1, signer, opened.size + 1);
    CHECK(next.end() == 0);
    auto const report = check(directory);
    INFO((report.findings.empty() ? std::string() : std::string(name_of(report.findings[0].problem)) + " " + report.findings[0].where));
    CHECK(report.first_record == found.removed);
    CHECK(report.findings_count <= 1);  // the last checkpoint may not have been put in place before the link closed
}

TEST_CASE("audit-writer: given a word of a removal that nobody asked for, or a policy below the floor, when it comes, then it ends", "[audit][T-14][T-39]")
{
    Directory const directory;
    test::HelperProcess helper("audit-writer", audit::audit_writer_main);
    start(helper, directory);
    SECTION("go") { helper.send(proto::RetentionGo{RequestId{1}, 0}); }
    SECTION("signed") { helper.send(proto::RetentionSigned{RequestId{1}, true, {}, {}}); }
    SECTION("days") { helper.send(proto::RetentionLook{RequestId{1}, proto::kRetentionDaysFloor - 1, 1, 0}); }
    (void)helper.wait();
}

TEST_CASE("audit-writer: given a frame that is not the core's to send, when it comes, then it ends", "[audit][T-14]")
{
    Directory const directory;
    test::HelperProcess helper("audit-writer", audit::audit_writer_main);
    start(helper, directory);
    helper.send(proto::Appended{});
    (void)helper.wait();
}

// What the log costs beside the least that could do it: a thread that takes 512-byte records from a socket, appends what is there to a file
// that was filled before, syncs once and acknowledges each. No encoding, no chain, no tree, no confinement.
class BareGroupCommit {
public:
    explicit BareGroupCommit(Directory const& directory)
        : file_(::open((directory.path() / "raw").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600))
    {
        std::string const zeros(kFileBytes, '\0');
        REQUIRE(::pwrite(file_.get(), zeros.data(), zeros.size(), 0) == static_cast<ssize_t>(zeros.size()));
        REQUIRE(::fdatasync(file_.get()) == 0);
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~BareGroupCommit()
    {
        ::shutdown(ends_[0], SHUT_RDWR);
        thread_.join();
        for (int const end : ends_) ::close(end);
    }
    BareGroupCommit(BareGroupCommit const&) = delete;
    BareGroupCommit& operator=(BareGroupCommit const&) = delete;

    void commit(std::size_t waiters)
    {
        std::array<char, kRecordBytes> record{};
        std::size_t acknowledged = 0;
        for (std::size_t i = 0; i < waiters; ++i)
            while (::send(ends_[0], record.data(), record.size(), MSG_DONTWAIT) < 0) acknowledged += take_acknowledgement();
        while (acknowledged < waiters) acknowledged += take_acknowledgement();
    }

private:
    std::size_t take_acknowledgement()
    {
        char byte = 0;
        return ::recv(ends_[0], &byte, 1, 0) == 1 ? 1 : 0;
    }
    void serve()
    {
        std::string batch;
        std::array<char, kRecordBytes> record{};
        while (::recv(ends_[1], record.data(), record.size(), 0) > 0) {
            batch.assign(record.data(), record.size());
            while (::recv(ends_[1], record.data(), record.size(), MSG_DONTWAIT) > 0) batch.append(record.data(), record.size());
            if (at_ + batch.size() > kFileBytes) at_ = 0;
            if (::pwrite(file_.get(), batch.data(), batch.size(), static_cast<off_t>(at_)) < 0 || ::fdatasync(file_.get()) != 0) return;
            at_ += batch.size();
            for (std::size_t i = 0; i < batch.size() / kRecordBytes; ++i) (void)::send(ends_[1], "", 1, MSG_NOSIGNAL);
        }
    }

    static constexpr std::size_t kRecordBytes = 512;
    static constexpr std::size_t kFileBytes = 8u << 20;
    UniqueFd file_;
    int ends_[2]{};
    std::size_t at_ = 0;
    std::thread thread_;
};

// Hidden: scripts/bench runs it by name, interleaved, and reads the file that OCU_MEASURED names. TMPDIR should lie on a disk.
TEST_CASE("audit-writer: measured, one waiter and 256 waiters", "[.measure][P13]")
{
    using Moment = std::chrono::steady_clock;
    Directory const directory;
    Signer const signer;
    BareGroupCommit bare(directory);
    auto const log_directory = directory.path() / "log";
    std::filesystem::create_directory(log_directory);
    REQUIRE(::chown(log_directory.c_str(), helper::kHelperUidBase + static_cast<unsigned>(helper::Kind::audit_writer), 0) == 0);
    UniqueFd const fd(::open(log_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    test::HelperProcess helper("audit-writer", audit::audit_writer_main);
    helper.configure(proto::AuditWriterConfig{kOrigin, 0}, {fd.get()});
    (void)helper.ready();
    std::uint64_t request = 0;
    auto const ours = [&](std::uint64_t waiters) {
        append(helper, request + 1, waiters);
        request += waiters;
        (void)wait_for(helper, request, signer, 0);
    };
    std::ostringstream out;
    auto const measure = [&](char const* name, std::size_t waiters, int rounds) {
        std::string columns[2];
        for (int i = 0; i < 2 * rounds; ++i) {
            auto const begin = Moment::now();
            if (i % 2 == 0)
                ours(waiters);
            else
                bare.commit(waiters);
            std::chrono::duration<double, std::micro> const took = Moment::now() - begin;
            columns[i % 2] += (columns[i % 2].empty() ? "" : ",") + std::to_string(took.count());
        }
        out << '"' << name << "\":{\"ours\":[" << columns[0] << "],\"theirs\":[" << columns[1] << "]}";
    };
    out << '{';
    measure("one", 1, 1000);
    out << ',';
    measure("256", 256, 60);
    out << '}';
    if (char const* const path = ::getenv("OCU_MEASURED"))
        std::ofstream(path) << out.str();
    else
        WARN(out.str());
}

}  // namespace
