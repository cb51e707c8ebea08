// SPDX-License-Identifier: GPL-3.0-or-later
// Process: the first and only process of an emulated machine, whose power is cut (tests/process/test_power_cut.py). It opens the store and the
// record on its disk, says at which step of the round before it is, and works on until the lights go out; each fsync that returned, and each record
// that was acknowledged, is told on the serial line.
//
//   /init ROUND [PROMISED LOGGED STEP...]    PROMISED: steps of the round before that were told; LOGGED: records; STEP: where each earlier round ended

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "support/store_worker.h"
#include "unit/audit/support.h"

namespace {

using namespace ocu;
using namespace ocu::test;

void load_modules()
{
    std::vector<std::filesystem::path> modules;
    for (auto const& each : std::filesystem::directory_iterator("/modules")) modules.push_back(each.path());
    std::ranges::sort(modules);
    for (auto const& each : modules) {
        UniqueFd const module(::open(each.c_str(), O_RDONLY | O_CLOEXEC));
        if (::syscall(SYS_finit_module, module.get(), "", 0) != 0) std::perror(each.c_str());
    }
}

[[noreturn]] void end(char const* why)
{
    std::printf("END %s\n", why);
    std::fflush(stdout);
    ::reboot(RB_POWER_OFF);
    ::_exit(1);
}

// Where the store is after the last cut, from the states that all rounds before left.
Holdings replayed(std::uint64_t round, std::vector<std::uint64_t> const& steps)
{
    Holdings state;
    for (std::uint64_t earlier = 0; earlier < round; ++earlier)
        for (std::uint64_t number = 0; number < steps[earlier]; ++number) StoreStep(earlier, number).apply(state);
    return state;
}

// The record of the machine, beside its store on the same disk.
class Record {
public:
    // Ends the machine where a promise is broken: fewer records than were told, or a log that does not verify once its tail is cut.
    explicit Record(std::uint64_t told)
    {
        ::mkdir("/store/audit", 0700);
        auto opened = audit::Log::open(disk_, folder(), {audit_support::kOrigin, audit::kSegmentBytesMin}, clock_);
        if (!opened) end("the log does not open");
        log_.emplace(*std::move(opened));
        if (log_->size() <= told) end("acknowledged records are lost");
        sign();
        auto const directory = folder();
        auto const report = audit::verify(disk_, directory.get(), {.jobs = 1});
        if (!report || !report->good()) end("the log does not verify");
    }

    void append(std::uint64_t number)
    {
        std::array const batch{audit_support::entry(number), audit_support::entry(number + 1, proto::Source::control), audit_support::entry(number + 2)};
        if (!log_->append(batch)) end("a record was refused");
        std::printf("LOGGED %llu\n", static_cast<unsigned long long>(log_->size()));
        if (number % 16 == 5) sign();
    }

private:
    static UniqueFd folder() { return UniqueFd(::open("/store/audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }
    void sign()
    {
        auto const checkpoint = log_->derive();
        if (!checkpoint || !log_->write_checkpoint(*checkpoint, signer_.key, signer_.sign(format_body(*checkpoint)))) end("a checkpoint was refused");
    }

    audit::SystemDisk disk_;
    SystemClock clock_;
    audit_support::Signer signer_;
    std::optional<audit::Log> log_;
};

int first_process(int argc, char** argv)
{
    std::vector<std::uint64_t> words;
    for (int i = 1; i < argc; ++i) words.push_back(std::strtoull(argv[i], nullptr, 10));
    if (words.empty()) end("no round");
    std::uint64_t const round = words[0];
    if (words.size() != (round == 0 ? 1 : round + 2)) end("rounds");
    for (auto const* const each : {"/proc", "/dev", "/store"}) ::mkdir(each, 0755);
    ::mount("proc", "/proc", "proc", 0, nullptr);
    ::mount("dev", "/dev", "devtmpfs", 0, nullptr);
    load_modules();
    // What is dirty goes to the disk at once and unasked: then there is something in flight when the power goes.
    for (auto const* const each : {"/proc/sys/vm/dirty_writeback_centisecs", "/proc/sys/vm/dirty_expire_centisecs"}) {
        UniqueFd const knob(::open(each, O_WRONLY | O_CLOEXEC));
        if (::write(knob.get(), "1", 1) != 1) std::perror(each);
    }
    if (::mount("/dev/vda", "/store", "ext4", 0, nullptr) != 0) end("the disk does not mount");
    ::mkdir("/store/session", 0700);

    UniqueFd directory(::open("/store/session", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto const store = open_store(std::move(directory));
    if (!store.tree) end("the store does not open");
    auto const found = holdings_of(*store.tree);
    if (!found) end("a file does not open");
    if (round > 0) {
        std::vector<std::uint64_t> const steps(words.begin() + 3, words.end());
        auto const step = step_of(*found, replayed(round - 1, steps), round - 1, words[1]);
        if (!step) end("a promise is broken");
        std::printf("AT %llu\n", static_cast<unsigned long long>(*step));
    }
    Record record(round == 0 ? 0 : words[2]);
    std::printf("WORKS\n");
    std::fflush(stdout);
    for (std::uint64_t number = 0; number < StoreStep::kMax; ++number) {
        StoreStep const step(round, number);
        if (!step.perform(*store.tree)) end("a step failed");
        if (!store.tree->keep_house()) end("housekeeping failed");
        record.append(number);
        if (!step.syncs()) continue;
        std::printf("KEPT %llu\n", static_cast<unsigned long long>(number + 1));
        std::fflush(stdout);
    }
    end("no cut came");
}

TEST_CASE("power: given the steps that the machine works in, when they are done on a store, then it holds what the steps say", "[power][SB-9]")
{
    char name[] = "/tmp/ocu-steps-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    {
        auto const store = open_store(UniqueFd(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
        REQUIRE(store.tree);
        Holdings state;
        for (std::uint64_t number = 0; number < 200; ++number) {
            StoreStep const step(0, number);
            REQUIRE(step.perform(*store.tree));
            step.apply(state);
        }
        CHECK(holdings_of(*store.tree) == state);
        CHECK(state.size() > 1);
    }
    std::filesystem::remove_all(name);
}

}  // namespace

int main(int argc, char** argv) { return ::getpid() == 1 ? first_process(argc, argv) : Catch::Session().run(argc, argv); }
