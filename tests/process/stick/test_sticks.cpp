// SPDX-License-Identifier: GPL-3.0-or-later
// Sticks with its real helpers, real file systems and real block devices. The helpers are this very program, executed anew: see
// test_stick_helpers.cpp for main().

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/init/sticks.h"
#include "base/crypto/crypto.h"
#include "volumes.h"

namespace test_sticks {

using namespace ocu;
using namespace std::chrono_literals;
using test::FickleFile;
using test::images;
using test::LoopDevice;

struct SticksTest {
    SticksTest()
    {
        char pattern[] = "/var/tmp/ocu-stick.XXXXXX";
        REQUIRE(::mkdtemp(pattern) != nullptr);
        folder = pattern;
        std::filesystem::create_directory(folder / "dev");
        settings.device_directory = folder / "dev";
    }
    SticksTest(SticksTest const&) = delete;
    SticksTest& operator=(SticksTest const&) = delete;
    ~SticksTest()
    {
        sticks.reset();
        devices.clear();
        // What it leaves behind when it goes is the first process's to reap; there is none here.
        while (::waitpid(-1, nullptr, 0) > 0) {
        }
        std::error_code ignored;
        std::filesystem::remove_all(folder / "dev", ignored);
        std::filesystem::remove_all(folder, ignored);
    }

    void begin()
    {
        sticks = std::make_unique<init::Sticks>(loop, clock,
            init::Sticks::Events{[this](init::Candidate found) { candidates.push_back(std::move(found)); },
                [this](std::string const& device, std::string_view reason) { refusals.emplace_back(device, reason); }},
            settings);
    }
    // A stick that holds this file, under a kernel name that a stick may have.
    void plug(std::string const& name, std::filesystem::path const& file, LoopDevice::Access access = LoopDevice::Access::read_only)
    {
        LoopDevice device(file, access);
        auto const node = (folder / "dev" / name).string();
        ::unlink(node.c_str());
        REQUIRE(::mknod(node.c_str(), S_IFBLK | 0600, device.number()) == 0);
        devices[name] = std::move(device);
        if (!sticks) begin();
    }
    std::filesystem::path writable_copy(std::string const& name)
    {
        std::filesystem::copy_file(images() / name, folder / name);
        return folder / name;
    }
    template <class Condition>
    void run_until(Condition done, std::chrono::milliseconds most = 30s)
    {
        auto const end = Monotonic::clock::now() + most;
        wire::Watch turn;
        std::function<void()> again = [&] { turn = loop.after(10ms, again); };  // `done` may come true without the loop
        again();
        while (!done() && Monotonic::clock::now() < end) loop.run_one();
        REQUIRE(done());
    }
    void look(std::string const& name)
    {
        sticks->appeared(name);
        run_until([this] { return sticks->busy() == 0; });
        // What is told is told from the loop.
        bool turned = false;
        loop.post([&turned] { turned = true; });
        run_until([&turned] { return turned; });
    }
    std::string refusal_of(std::string const& image)
    {
        plug("sda9", images() / image);
        look("sda9");
        CHECK(candidates.empty());
        REQUIRE(refusals.size() == 1);
        CHECK(refusals[0].first == "sda9");
        return refusals[0].second;
    }
    std::string report(init::Candidate const& on, std::vector<init::ReportFile> files)
    {
        std::optional<std::string> told;
        sticks->write_report(on, std::move(files), [&told](std::string_view failure) { told = failure; });
        CHECK_FALSE(told);
        run_until([&told] { return told.has_value(); });
        return *told;
    }
    // Copies mounts/skills.erofs to FOLDER/copied: nothing, or the reason why it cannot be had.
    std::string copy(init::Candidate const& on, std::string_view expected)
    {
        UniqueFd into(::open((folder / "copied").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        std::optional<std::string> told;
        sticks->copy_file(on, {"skills", crypto::to_hex(crypto::sha256(std::as_bytes(std::span(expected)))), std::move(into)},
            [&told](std::optional<init::StickFailure> failure) { told = failure ? failure->reason : std::string_view(); });
        if (pull_out) sticks->vanished(on.device);
        run_until([&told] { return told.has_value(); });
        return *told;
    }
    bool children_are_gone()
    {
        // Reaping them is what Sticks is to do, so this only looks.
        siginfo_t info{};
        return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
    }

    wire::Loop loop;
    SystemClock clock;
    std::filesystem::path folder;
    init::StickSettings settings;
    std::map<std::string, LoopDevice> devices;
    std::unique_ptr<init::Sticks> sticks;
    bool pull_out = false;  // while it is copied from
    std::vector<init::Candidate> candidates;
    std::vector<std::pair<std::string, std::string>> refusals;
};

struct Format {
    char const* image;
    char const* type;
    proto::VolumeFormat format;
};
constexpr std::array kFormats{Format{"fat12.img", "vfat", proto::VolumeFormat::fat}, Format{"fat16.img", "vfat", proto::VolumeFormat::fat},
    Format{"fat32.img", "vfat", proto::VolumeFormat::fat}, Format{"ext4.img", "ext4", proto::VolumeFormat::ext4},
    Format{"iso9660.img", "iso9660", proto::VolumeFormat::iso9660}};

// True when the test can go on; a kernel without the format is said aloud, never passed over.
bool can_mount(char const* type)
{
    if (test::kernel_knows(type)) return true;
    WARN("SKIP " << type << ": this kernel does not know it; tests/process/test_stick_formats.py brings one that does");
    return false;
}

#define OCU_NEED_LOOP_DEVICES \
    if (!test::have_loop_devices()) SKIP("this machine has no loop devices")

}  // namespace test_sticks

using namespace test_sticks;

TEST_CASE_METHOD(SticksTest,
    "sticks: given a good stick of each format, when it appears, then its three files are handed up, byte for byte", "[stick][T-18][AP-2]")
{
    OCU_NEED_LOOP_DEVICES;
    for (auto const& each : kFormats) {
        if (!can_mount(each.type)) continue;
        INFO(each.image);
        candidates.clear();
        plug("sdb1", images() / each.image);
        look("sdb1");
        CHECK(refusals.empty());
        REQUIRE(candidates.size() == 1);
        CHECK(candidates[0].device == "sdb1");
        CHECK(candidates[0].format == each.format);
        CHECK(candidates[0].manifest == test::content_of(images() / "expected"));
        CHECK(candidates[0].signature == "untrusted comment: s\n");
        CHECK(candidates[0].public_key == "untrusted comment: k\n");
    }
    run_until([this] { return children_are_gone(); });
}

TEST_CASE_METHOD(SticksTest, "sticks: given volumes without the label and a disk without a volume, when they appear, then nothing is said",
    "[stick][T-18]")
{
    OCU_NEED_LOOP_DEVICES;
    std::ofstream(folder / "empty.img").write(std::string(1 << 20, '\0').data(), 1 << 20);
    plug("sda", folder / "empty.img");
    plug("sda1", images() / "unlabelled.img");
    look("sda");
    look("sda1");
    look("sdz");  // no node
    look("loop0");
    look("../sda1");
    CHECK(candidates.empty());
    CHECK(refusals.empty());
}

TEST_CASE_METHOD(SticksTest, "sticks: given a stick without manifest.pub, when it appears, then the key is empty", "[stick]")
{
    OCU_NEED_LOOP_DEVICES;
    plug("sda9", images() / "no_key.img");
    look("sda9");
    REQUIRE(candidates.size() == 1);
    CHECK(candidates[0].public_key.empty());
}

TEST_CASE_METHOD(
    SticksTest, "sticks: given a hostile or broken stick, when it appears, then it is refused once, in its own words", "[stick][T-18]")
{
    OCU_NEED_LOOP_DEVICES;
    constexpr std::pair<char const*, char const*> kCases[] = {
        {"huge.img", "a file of the manifest is too large"},
        {"huge_signature.img", "a file of the manifest is too large"},
        {"no_manifest.img", "there is no manifest.json in the volume's root directory"},
        {"no_signature.img", "there is no manifest.json.minisig beside the manifest"},
        {"symlink.img", "a file or directory on the stick is damaged or not a plain one"},
        {"directory.img", "a file or directory on the stick is damaged or not a plain one"},
        {"fifo.img", "a file or directory on the stick is damaged or not a plain one"},
        {"options.img", "the file system labelled OCU-MANIFEST has features that are not taken"},
        {"truncated.img", "the stick's file system is damaged"},
    };
    for (auto const& [image, reason] : kCases) {
        INFO(image);
        refusals.clear();
        CHECK(refusal_of(image) == reason);
    }
}

TEST_CASE_METHOD(SticksTest,
    "sticks: given FAT with a cyclic chain or noise in its tables, when it appears, then it is over at once and no manifest is made up",
    "[stick][T-18]")
{
    OCU_NEED_LOOP_DEVICES;
    if (!can_mount("vfat")) return;
    for (auto const* const image : {"cyclic.img", "scribbled.img"}) {
        INFO(image);
        candidates.clear();
        refusals.clear();
        auto const before = Monotonic::clock::now();
        plug("sda9", images() / image);
        look("sda9");
        CHECK(Monotonic::clock::now() - before < 10s);
        CHECK(candidates.size() + refusals.size() == 1);
        for (auto const& each : candidates) CHECK(each.manifest != test::content_of(images() / "expected"));
    }
}

TEST_CASE_METHOD(SticksTest, "sticks: given a stick that asks for a panic on errors, when it is read, then the answer is that of any other",
    "[stick][T-18]")
{
    OCU_NEED_LOOP_DEVICES;
    plug("sda9", images() / "panics.img");
    look("sda9");
    CHECK(candidates.size() == 1);
}

TEST_CASE_METHOD(SticksTest,
    "sticks: given a read candidate, when a report is written, then its files are on the stick and the next one replaces them",
    "[stick][AP-2]")
{
    OCU_NEED_LOOP_DEVICES;
    for (auto const& each : kFormats) {
        if (!can_mount(each.type)) continue;
        INFO(each.image);
        candidates.clear();
        plug("sdb1", writable_copy(each.image), LoopDevice::Access::read_write);
        look("sdb1");
        REQUIRE(candidates.size() == 1);
        std::string const large(200'000, 'r');
        auto const told = report(candidates[0], {{"report.txt", "first"}, {"large.bin", large}});
        if (each.format == proto::VolumeFormat::iso9660) {
            CHECK(told == "the stick is read-only");
            continue;
        }
        CHECK(told.empty());
        CHECK(report(candidates[0], {{"report.txt", "second"}}).empty());
        // Seen through another mount, as another machine would.
        auto const at = folder / "mnt";
        std::filesystem::create_directories(at);
        run_until([this] { return children_are_gone(); });
        REQUIRE(::mount((folder / "dev" / "sdb1").c_str(), at.c_str(), each.type, MS_RDONLY, nullptr) == 0);
        CHECK(test::content_of(at / "ocu-report" / "report.txt") == "second");
        CHECK(test::content_of(at / "ocu-report" / "large.bin") == large);
        CHECK(std::distance(std::filesystem::directory_iterator(at / "ocu-report"), {}) == 2);
        if (each.format == proto::VolumeFormat::ext4)
            CHECK((std::filesystem::status(at / "ocu-report" / "report.txt").permissions() & std::filesystem::perms::all) ==
                  std::filesystem::perms(0644));
        REQUIRE(::umount2(at.c_str(), 0) == 0);
    }
}

TEST_CASE_METHOD(
    SticksTest, "sticks: given a stick that cannot be written, when a report is to go there, then the reason is told", "[stick][T-18]")
{
    OCU_NEED_LOOP_DEVICES;
    plug("sda9", images() / "ext4.img", LoopDevice::Access::read_only);
    init::Candidate on{.device = "sda9", .format = proto::VolumeFormat::ext4, .manifest = {}, .signature = {}, .public_key = {}};
    CHECK(report(on, {{"a", "b"}}) == "the stick is read-only");
    plug("sda9", writable_copy("report_link.img"), LoopDevice::Access::read_write);
    CHECK(report(on, {{"a", "b"}}) == "a file or directory on the stick is damaged or not a plain one");
    CHECK_FALSE(std::filesystem::exists("/tmp/a"));
    CHECK(report(on, {{"../a", "b"}}) == "a report's file has a name that is not plain");
    CHECK(report(on, {{"a", std::string((256u << 10) + 1, 'x')}}) == "the report is too large");
    on.device = "sdz9";
    CHECK(report(on, {{"a", "b"}}) == "the stick was pulled out");
    if (!can_mount("vfat")) return;
    plug("sda9", writable_copy("full.img"), LoopDevice::Access::read_write);
    on.device = "sda9";
    on.format = proto::VolumeFormat::fat;
    CHECK(report(on, {{"a", std::string(200'000, 'x')}}) == "the stick is full");
}

TEST_CASE_METHOD(SticksTest,
    "sticks: given a device that never answers, when it appears, then the rest goes on, it is given up in time, and its process ends when "
    "it can",
    "[stick][T-18]")
{
    OCU_NEED_LOOP_DEVICES;
    settings.probe_max = settings.mount_max = settings.read_max = 4s;  // the good one beside it must make it, on an emulated machine too
    auto const whole = test::content_of(images() / "ext4.img");
    auto const data = static_cast<off_t>(whole.find("{\"schema\": \"ocu-manifest/1\""));
    // In the probe, in the mount, in the read: it falls silent at the first byte, behind the superblock, at the manifest.
    constexpr off_t kBehindSuperblock = 131'072;
    for (off_t const from : {off_t{0}, kBehindSuperblock, data}) {
        INFO("silent from " << from);
        refusals.clear();
        FickleFile file(images() / "ext4.img", folder / "fuse");
        plug("sda9", file.path());
        plug("sdb1", images() / "ext4.img");
        file.set(FickleFile::Mode::hang, from);
        auto const before = Monotonic::clock::now();
        int ticks = 0;
        std::function<void()> tick;
        wire::Watch timer;
        tick = [&] {
            ++ticks;
            timer = loop.after(20ms, tick);
        };
        tick();
        candidates.clear();
        sticks->appeared("sda9");
        sticks->appeared("sdb1");
        run_until([this] { return candidates.size() == 1; });
        CHECK(candidates[0].device == "sdb1");
        run_until([this] { return sticks->busy() == 0; });
        CHECK(Monotonic::clock::now() - before < 15s);
        CHECK(ticks > 10);
        timer.reset();
        bool turned = false;
        loop.post([&turned] { turned = true; });
        run_until([&turned] { return turned; });
        if (from == 0) {
            CHECK(refusals.empty());  // nobody knows that it carries the label
        } else {
            REQUIRE(refusals.size() == 1);
            CHECK(refusals[0].second == "the stick did not answer in time");
        }
        file.set(FickleFile::Mode::fail);
        file.end();
        run_until([this] { return children_are_gone(); });
        devices.clear();
    }
}

TEST_CASE_METHOD(
    SticksTest, "sticks: given a device that fails to read, when it appears, then it is refused or unknown, and over", "[stick][T-18]")
{
    OCU_NEED_LOOP_DEVICES;
    for (off_t const from : {off_t{0}, off_t{131'072}}) {
        refusals.clear();
        FickleFile file(images() / "ext4.img", folder / "fuse");
        plug("sda9", file.path());
        file.set(FickleFile::Mode::fail, from);
        look("sda9");
        CHECK(candidates.empty());
        CHECK(refusals.size() == (from == 0 ? 0 : 1));
        devices.clear();
    }
}

TEST_CASE_METHOD(SticksTest,
    "sticks: given a stick pulled out in any phase, when it vanishes, then nothing is said, nothing hangs, and the next one is read",
    "[stick][T-18]")
{
    OCU_NEED_LOOP_DEVICES;
    // As many turns of the loop as a whole look takes, and more.
    for (int turns = 0; turns < 24; ++turns) {
        INFO(turns);
        candidates.clear();
        plug("sda9", images() / "ext4.img");
        sticks->appeared("sda9");
        for (int i = 0; i < turns && sticks->busy() > 0; ++i) loop.run_one();
        bool const over = sticks->busy() == 0;
        devices.clear();  // the device goes first, then its event comes
        sticks->vanished("sda9");
        CHECK(sticks->busy() == 0);
        if (over) break;
    }
    refusals.clear();
    candidates.clear();
    plug("sdb1", images() / "ext4.img");
    look("sdb1");
    CHECK(candidates.size() == 1);
    CHECK(refusals.empty());
    run_until([this] { return children_are_gone(); });
}

TEST_CASE_METHOD(SticksTest,
    "sticks: given a report that waits for a silent stick, when the stick vanishes, then the report is answered once", "[stick][T-18]")
{
    OCU_NEED_LOOP_DEVICES;
    FickleFile file(images() / "ext4.img", folder / "fuse");
    plug("sda9", file.path());
    file.set(FickleFile::Mode::hang);
    std::vector<std::string> told;
    init::Candidate const on{.device = "sda9", .format = proto::VolumeFormat::ext4, .manifest = {}, .signature = {}, .public_key = {}};
    sticks->write_report(on, {{"a", "b"}}, [&told](std::string_view failure) { told.emplace_back(failure); });
    sticks->write_report(on, {{"a", "b"}}, [&told](std::string_view failure) { told.emplace_back(failure); });
    run_until([&told] { return told.size() == 1; });
    CHECK(told[0] == "the stick is being worked on");
    sticks->vanished("sda9");
    run_until([&told] { return told.size() == 2; });
    CHECK(told[1] == "the stick was pulled out");
    file.end();
    run_until([this] { return children_are_gone(); });
    CHECK(told.size() == 2);
}

TEST_CASE_METHOD(SticksTest,
    "sticks: given a stick of each format, when its named file is copied, then it is there whole, and any other is refused",
    "[stick][T-18][T-34][AP-2]")
{
    OCU_NEED_LOOP_DEVICES;
    auto const whole = test::content_of(images() / "shipped");
    for (auto const& each : kFormats) {
        if (!can_mount(each.type)) continue;
        INFO(each.image);
        plug("sdb1", images() / each.image);
        init::Candidate const on{.device = "sdb1", .format = each.format, .manifest = {}, .signature = {}, .public_key = {}};
        CHECK(copy(on, whole).empty());
        CHECK(test::content_of(folder / "copied") == whole);
        CHECK(copy(on, whole + "x") == "it is another file than the one named");
    }
    plug("sdb1", images() / "no_key.img");
    CHECK(copy({"sdb1", proto::VolumeFormat::ext4, {}, {}, {}}, whole) == "there is no such file on the stick");
    run_until([this] { return children_are_gone(); });
}

TEST_CASE_METHOD(SticksTest,
    "sticks: given a stick that falls silent while a file is copied, when the time is over or it is pulled out, then that is an answer",
    "[stick][T-18][T-34]")
{
    OCU_NEED_LOOP_DEVICES;
    settings.copy_max = 2s;
    FickleFile file(images() / "ext4.img", folder / "fuse");
    plug("sda9", file.path());
    auto const at = test::content_of(images() / "ext4.img").find("shipped\nshipped\n");
    file.set(FickleFile::Mode::hang, static_cast<off_t>(at));
    init::Candidate const on{.device = "sda9", .format = proto::VolumeFormat::ext4, .manifest = {}, .signature = {}, .public_key = {}};
    CHECK(copy(on, "x") == "the stick did not answer in time");
    pull_out = true;
    CHECK(copy(on, "x") == "the stick was pulled out");
    file.set(FickleFile::Mode::fail, static_cast<off_t>(at));
    file.end();
    run_until([this] { return children_are_gone(); });
}

TEST_CASE_METHOD(
    SticksTest, "sticks: given many devices at once, when they appear, then each is looked at and four at a time", "[stick][T-06][T-18]")
{
    OCU_NEED_LOOP_DEVICES;
    std::size_t most = 0;
    for (int i = 0; i < 12; ++i) plug("sd" + std::string(1, static_cast<char>('a' + i)), images() / "ext4.img");
    for (auto const& [name, device] : devices) sticks->appeared(name);
    // Those that have ended, or are about to because they were told to, wait for a starved machine only.
    auto const at_work = [](int pid) {
        std::ifstream file("/proc/" + std::to_string(pid) + "/status");
        std::string const status{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        constexpr std::string_view kPending = "\nShdPnd:\t";
        auto const pending = status.find(kPending);
        if (pending == std::string::npos || status.contains("\nState:\tZ")) return false;
        return (std::stoull(status.substr(pending + kPending.size(), 16), nullptr, 16) & (1ull << (SIGKILL - 1))) == 0;
    };
    auto const children = [&] {
        std::ifstream file("/proc/thread-self/children");
        return static_cast<std::size_t>(std::count_if(std::istream_iterator<int>(file), std::istream_iterator<int>(), at_work));
    };
    run_until([&] {
        most = std::max(most, children());
        return candidates.size() == 12;
    });
    CHECK(refusals.empty());
    // Four that work, and those that are being ended.
    CHECK(most <= 2 * init::kSticksAtOnceMax);
}
