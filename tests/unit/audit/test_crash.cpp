// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/log under a disk that fails, or a process that is killed, at each system call. What was acknowledged before must be found
// after (AU-3), and after a failure nothing may be acknowledged (T-10).

#include <sys/mman.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "unit/audit/retention_support.h"

namespace test_crash {

using namespace audit_support;

enum class Fate { before, half, after, no_space, sync_error };

// Passes everything on until its call is reached.
class FatefulDisk final : public SystemDisk {
public:
    FatefulDisk(std::uint64_t at_call, Fate what) : at_(at_call), fate_(what) {}

    Result<UniqueFd> open(int directory, std::string const& path, Open how) override
    {
        return around([&] { return SystemDisk::open(directory, path, how); });
    }
    Result<void> write(int file, std::string_view bytes, std::uint64_t offset) override
    {
        if (calls_ + 1 == at_ && fate_ == Fate::half) {
            (void)SystemDisk::write(file, bytes.substr(0, bytes.size() / 2), offset);
            ::kill(::getpid(), SIGKILL);
        }
        return around([&] { return SystemDisk::write(file, bytes, offset); });
    }
    Result<void> sync(int file) override
    {
        return around([&] { return SystemDisk::sync(file); });
    }
    Result<void> rename(int directory, std::string const& from, std::string const& to) override
    {
        return around([&] { return SystemDisk::rename(directory, from, to); });
    }
    Result<void> sync_folder(int directory, std::string const& path) override
    {
        return around([&] { return SystemDisk::sync_folder(directory, path); });
    }
    Result<void> make_folder(int directory, std::string const& path) override
    {
        return around([&] { return SystemDisk::make_folder(directory, path); });
    }
    Result<void> remove_folder(int directory, std::string const& path) override
    {
        return around([&] { return SystemDisk::remove_folder(directory, path); });
    }
    Result<void> remove_file(int directory, std::string const& path) override
    {
        return around([&] { return SystemDisk::remove_file(directory, path); });
    }
    std::uint64_t calls() const { return calls_; }
    // Counts from here.
    void begin(std::uint64_t at_call)
    {
        at_ = at_call;
        calls_ = 0;
    }

private:
    template <class Call>
    auto around(Call call) -> decltype(call())
    {
        bool const now = ++calls_ == at_;
        if (now && fate_ == Fate::no_space) return failed(ENOSPC);
        if (now && fate_ == Fate::sync_error) return failed(EIO);
        if (now && fate_ == Fate::before) ::kill(::getpid(), SIGKILL);
        auto result = call();
        if (now && fate_ == Fate::after) ::kill(::getpid(), SIGKILL);
        return result;
    }
    static std::unexpected<Error> failed(int number)
    {
        errno = number;
        return fail_os("the test's disk");
    }

    std::uint64_t at_;
    Fate fate_;
    std::uint64_t calls_ = 0;
};

constexpr std::uint64_t kShort = 0;
constexpr std::uint64_t kLong = 240;  // begins with one batch over several segments, short of a full tile, which the rest completes
constexpr std::uint64_t kAfter = 36;

// What the child does: a large batch, then batches of three, a checkpoint now and then. `acknowledged` is where it says how far it came.
// False: the log said no, and from then on it never said yes.
bool write_some(Folder const& folder, Disk& disk, Signer const& signer, std::uint64_t first, std::uint64_t& acknowledged)
{
    ManualClock const clock;
    auto log = open_log(disk, folder, clock);
    if (!log) return false;
    acknowledged = log->size();
    auto const witness = make_key("witness.example/w1", signer.key, KeyKind::witness);
    std::vector<Entry> many;
    for (std::uint64_t i = 0; i < first; ++i) many.push_back(entry(i));
    if (!many.empty() && !log->append(many)) return false;
    acknowledged = log->size();
    for (std::uint64_t i = first; i < first + kAfter; i += 3) {
        std::array const batch{entry(i), entry(i + 1, proto::Source::control), entry(i + 2)};
        if (!log->append(batch)) {
            if (log->append(batch) || log->derive()) acknowledged = ~0ull;  // it must stay refused
            return false;
        }
        acknowledged = log->size();
        if ((i - first) % 15 != 6) continue;
        auto const checkpoint = log->derive();
        if (!checkpoint || !log->write_checkpoint(*checkpoint, signer.key, signer.sign(format_body(*checkpoint)))) return false;
        auto const body = format_body(*checkpoint);
        auto const line = cosignature_line(witness, {7, signer.sign("cosignature/v1\ntime 7\n" + body)});
        if (!log->keep_head("out", format_key(witness), format_note(*checkpoint, make_key(kOrigin, signer.key), signer.sign(body)) + line)) return false;
    }
    return true;
}

struct Shared {
    Shared() : number(static_cast<std::uint64_t*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
    ~Shared() { ::munmap(number, 4096); }
    std::uint64_t* number;
};

void check_after(Folder const& folder, Signer const& signer, std::uint64_t acknowledged)
{
    // As it is: the verifier accepts it, apart from a checkpoint that may not exist yet.
    auto const report = check(folder);
    for (auto const& finding : report.findings) {
        INFO(name_of(finding.problem) << " " << finding.where);
        CHECK((finding.problem == Problem::checkpoint_missing || finding.problem == Problem::key_missing ||
               finding.problem == Problem::journal_unreadable));
    }
    CHECK(report.records >= acknowledged);
    // And the next writer goes on from it.
    SystemDisk disk;
    ManualClock const clock;
    auto log = open_log(disk, folder, clock);
    REQUIRE(log.has_value());
    CHECK(log->size() > acknowledged);
    append_some(*log, 9000, 2);
    sign(*log, signer);
    CHECK(check(folder).good());
}

std::uint64_t calls_of_a_run(std::uint64_t first)
{
    Folder const folder;
    FatefulDisk disk(0, Fate::before);
    Signer const signer;
    std::uint64_t acknowledged = 0;
    REQUIRE(write_some(folder, disk, signer, first, acknowledged));
    return disk.calls();
}

void kill_at(std::uint64_t at, Fate fate, std::uint64_t first)
{
    Signer const signer;
    Folder const folder;
    Shared const shared;
    auto const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        FatefulDisk disk(at, fate);
        (void)write_some(folder, disk, signer, first, *shared.number);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    INFO("call " << at << " fate " << static_cast<int>(fate) << " acknowledged " << *shared.number);
    check_after(folder, signer, *shared.number);
}

TEST_CASE("crash: given a writer killed at each system call, when the log is read, then every acknowledged record is there",
    "[audit][T-10][AU-3]")
{
    auto const calls = calls_of_a_run(kShort);
    CHECK(calls > 80);
    for (std::uint64_t at = 1; at <= calls; ++at) kill_at(at, static_cast<Fate>(at % 3), kShort);
}

TEST_CASE("crash: given a writer killed around full tiles and new segments, when the log is read, then every acknowledged record is there",
    "[audit][T-10][AU-3]")
{
    auto const calls = calls_of_a_run(kLong);
    for (std::uint64_t at = 2; at <= calls; at += 4) kill_at(at, static_cast<Fate>(at / 4 % 3), kLong);
}

TEST_CASE("crash: given a disk that is full or fails at each call, when events come, then none is acknowledged after it",
    "[audit][T-10][AU-3][AU-7]")
{
    Signer const signer;
    constexpr auto first = kShort;
    auto const calls = calls_of_a_run(first);
    for (std::uint64_t at = 1; at <= calls; ++at) {
        Folder const folder;
        FatefulDisk disk(at, at % 2 == 0 ? Fate::no_space : Fate::sync_error);
        std::uint64_t acknowledged = 0;
        INFO("call " << at);
        (void)write_some(folder, disk, signer, first, acknowledged);
        REQUIRE(acknowledged != ~0ull);
        check_after(folder, signer, acknowledged);
    }
}

using namespace retention_support;

// A log of old and young records, made once, and a copy of it for each try.
struct OldLog {
    OldLog()
    {
        SystemDisk disk;
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        std::vector<Entry> many;
        for (std::uint64_t i = 0; i < kOld + kYoung; ++i) many.push_back(entry(i, static_cast<proto::Source>(i % 3)));
        REQUIRE(log->append(many).has_value());
        sign(*log, signer);
        REQUIRE(remove_old(*log, signer, policy_for(kOld)));  // so that the next one passes the end of a tile and takes a bundle away
    }
    void copy_to(Folder const& other) const
    {
        std::filesystem::copy(folder.path(), other.path(), std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
    }
    // `disk` counts from where the signed word is there.
    bool remove_some(Folder const& from, FatefulDisk& disk, std::uint64_t at) const
    {
        auto log = open_log(disk, from, clock);
        auto const note = log ? word(*log, policy_for(kOld)) : std::nullopt;
        disk.begin(at);
        return note && log->remove(*note, signer.key, signer.sign(note->body));
    }

    Folder folder;
    ManualClock clock = old_clock();
    Signer signer;
};

// What is left verifies as it is, whatever was under way; and the next writer ends it.
void check_after_removal(Folder const& folder, OldLog const& old)
{
    auto const report = check(folder);
    for (auto const& finding : report.findings) {
        INFO(name_of(finding.problem) << " at " << finding.record << " " << finding.where);
        CHECK(false);
    }
    SystemDisk disk;
    auto log = open_log(disk, folder, old.clock);
    REQUIRE(log.has_value());
    REQUIRE(log->finish_removal().has_value());
    append_some(*log, 9000, 2);
    sign(*log, old.signer);
    auto const after = check(folder);
    CHECK(after.good());
    if (after.retention) CHECK(after.first_record == after.retention->terms.removed);
}

TEST_CASE("crash: given a writer killed at each system call of a removal, when the log is read, then it verifies and the removal is ended",
    "[audit][T-10][AU-3][AU-7]")
{
    OldLog const old;
    std::uint64_t calls = 0;
    {
        Folder const folder;
        old.copy_to(folder);
        FatefulDisk disk(0, Fate::before);
        REQUIRE(old.remove_some(folder, disk, 0));
        calls = disk.calls();
    }
    CHECK(calls > 20);
    for (std::uint64_t at = 1; at <= calls; ++at) {
        Folder const folder;
        old.copy_to(folder);
        auto const child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            FatefulDisk disk(0, static_cast<Fate>(at % 3));
            (void)old.remove_some(folder, disk, at);
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        INFO("call " << at);
        check_after_removal(folder, old);
    }
}

TEST_CASE("crash: given a disk that is full or fails at each call of a removal, when the log is read, then it verifies and the removal is ended",
    "[audit][T-10][AU-3][AU-7]")
{
    OldLog const old;
    for (std::uint64_t at = 1; at <= 200; ++at) {
        Folder const folder;
        old.copy_to(folder);
        FatefulDisk disk(0, at % 2 == 0 ? Fate::no_space : Fate::sync_error);
        bool const done = old.remove_some(folder, disk, at);
        INFO("call " << at);
        check_after_removal(folder, old);
        if (done && disk.calls() < at) return;  // there is no such call: all were tried
    }
    FAIL("a removal takes more calls than this test tries");
}

}  // namespace test_crash
