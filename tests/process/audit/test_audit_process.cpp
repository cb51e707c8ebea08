// SPDX-License-Identifier: GPL-3.0-or-later
// The real audit-writer, confined, with an audit directory of its own. Needs root.

#include <sys/resource.h>

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
    for (std::uint64_t i = 0; i < count; ++i) helper.send(proto::Append{RequestId{first + i}, proto::Source::gateway, 1'790'000'000'000, entry(i).event});
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

TEST_CASE("audit-writer: given it is confined, when events come over segments, tiles and restarts, then all is on disk and verifies", "[audit][T-10][T-14][AU-3]")
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
    Directory const directory;
    Signer const signer;
    std::uint64_t acknowledged = 0;
    for (int round = 0; round < 30; ++round) {
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
    for (auto const& finding : check(directory).findings) CHECK((finding.problem == Problem::checkpoint_missing || finding.problem == Problem::key_missing));
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

TEST_CASE("audit-writer: given a frame that is not the core's to send, when it comes, then it ends", "[audit][T-14]")
{
    Directory const directory;
    test::HelperProcess helper("audit-writer", audit::audit_writer_main);
    start(helper, directory);
    helper.send(proto::Appended{});
    (void)helper.wait();
}

// Hidden: run by name on a quiet machine. The directory is in TMPDIR's file system, which should be a disk.
TEST_CASE("audit-writer: measured, one waiter and 256 waiters", "[.measure][P13]")
{
    using Moment = std::chrono::steady_clock;
    Directory const directory;
    Signer const signer;
    test::HelperProcess helper("audit-writer", audit::audit_writer_main);
    auto const fd = directory.open();
    helper.configure(proto::AuditWriterConfig{kOrigin, 0}, {fd.get()});
    (void)helper.ready();
    std::uint64_t request = 0;
    std::vector<double> single;
    for (int i = 0; i < 2000; ++i) {
        auto const begin = Moment::now();
        append(helper, ++request, 1);
        (void)wait_for(helper, request, signer, 0);
        single.push_back(std::chrono::duration<double, std::micro>(Moment::now() - begin).count());
    }
    std::ranges::sort(single);
    constexpr std::uint64_t kWaiters = 256, kRounds = 80;
    auto const begin = Moment::now();
    for (std::uint64_t round = 0; round < kRounds; ++round) {
        append(helper, request + 1, kWaiters);
        request += kWaiters;
        (void)wait_for(helper, request, signer, 0);
    }
    std::chrono::duration<double> const took = Moment::now() - begin;
    WARN("one waiter: p50 " << single[1000] << " us, p99 " << single[1980] << " us; 256 waiters: " << static_cast<double>(kWaiters * kRounds) / took.count() << " records/s");
}

}  // namespace
