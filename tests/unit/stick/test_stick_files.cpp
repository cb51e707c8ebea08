// SPDX-License-Identifier: GPL-3.0-or-later
// Units: src/stick/manifest_files, src/stick/copied_file and src/stick/report, on a directory of this machine.

#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/crypto/crypto.h"
#include "stick/beneath.h"
#include "stick/copied_file.h"
#include "stick/manifest_files.h"
#include "stick/report.h"

namespace test_stick_files {

using namespace ocu;
using proto::StickRefusal;

struct StickFilesTest {
    StickFilesTest()
    {
        char pattern[] = "/tmp/ocu-stick.XXXXXX";
        REQUIRE(::mkdtemp(pattern) != nullptr);
        folder = pattern;
        root.reset(::open(pattern, O_PATH | O_DIRECTORY | O_CLOEXEC));
        put("manifest.json", "m");
        put("manifest.json.minisig", "s");
        put("manifest.pub", "k");
    }
    StickFilesTest(StickFilesTest const&) = delete;
    StickFilesTest& operator=(StickFilesTest const&) = delete;
    ~StickFilesTest() { std::filesystem::remove_all(folder); }

    void put(std::string const& name, std::string const& content) const { std::ofstream(folder / name) << content; }
    void drop(std::string const& name) const { std::filesystem::remove(folder / name); }
    std::string content(std::string const& name) const
    {
        std::ifstream file(folder / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    StickRefusal refused() const
    {
        auto const found = stick::read_manifest_files(root.get());
        REQUIRE(std::holds_alternative<StickRefusal>(found));
        return std::get<StickRefusal>(found);
    }

    // The copy of mounts/skills.erofs, wanted with the hash of `expected`; what was written of it is `into`.
    std::expected<std::uint64_t, StickRefusal> copy(std::string const& expected) const
    {
        UniqueFd const into(::open((folder / "into").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        return stick::copy_file(root.get(), "skills", crypto::to_hex(crypto::sha256(expected)), into.get());
    }

    std::filesystem::path folder;
    UniqueFd root;
};

}  // namespace test_stick_files

using namespace test_stick_files;

TEST_CASE_METHOD(StickFilesTest, "manifest_files: given the three files, when read, then they are whole, up to their limits", "[stick]")
{
    put("manifest.json", std::string(proto::kManifestFileBytesMax, 'm'));
    put("manifest.json.minisig", std::string(proto::kSignatureFileBytesMax, 's'));
    put("manifest.pub", std::string(proto::kPublicKeyFileBytesMax, 'k'));
    auto const found = std::get<proto::StickFiles>(stick::read_manifest_files(root.get()));
    CHECK(found.manifest.view() == std::string(proto::kManifestFileBytesMax, 'm'));
    CHECK(found.signature.size() == proto::kSignatureFileBytesMax);
    CHECK(found.public_key.size() == proto::kPublicKeyFileBytesMax);
}

TEST_CASE_METHOD(
    StickFilesTest, "manifest_files: given a file that is one byte too large, when read, then it is too large", "[stick][T-18]")
{
    for (auto const& [name, limit] : {std::pair{"manifest.json", proto::kManifestFileBytesMax},
             {"manifest.json.minisig", proto::kSignatureFileBytesMax}, {"manifest.pub", proto::kPublicKeyFileBytesMax}}) {
        INFO(name);
        auto const before = content(name);
        put(name, std::string(limit + 1, 'x'));
        CHECK(refused() == StickRefusal::too_large);
        put(name, before);
    }
}

TEST_CASE_METHOD(
    StickFilesTest, "manifest_files: given a file that is not there, when read, then only the key may be missing", "[stick][T-18]")
{
    drop("manifest.pub");
    CHECK(std::get<proto::StickFiles>(stick::read_manifest_files(root.get())).public_key.empty());
    drop("manifest.json.minisig");
    CHECK(refused() == StickRefusal::no_signature);
    drop("manifest.json");
    CHECK(refused() == StickRefusal::no_manifest);
}

TEST_CASE_METHOD(StickFilesTest,
    "manifest_files: given a symbolic link, a directory or a pipe in a file's place, when read, then it is unreadable and nobody waits",
    "[stick][T-18]")
{
    put("other", "plain");
    for (auto const* const name : {"manifest.json", "manifest.json.minisig", "manifest.pub"}) {
        INFO(name);
        drop(name);
        for (auto const* const target : {"/etc/passwd", "other"}) {
            std::filesystem::create_symlink(target, folder / name);
            CHECK(refused() == StickRefusal::unreadable);
            drop(name);
        }
        std::filesystem::create_directory(folder / name);
        CHECK(refused() == StickRefusal::unreadable);
        drop(name);
        REQUIRE(::mkfifo((folder / name).c_str(), 0644) == 0);
        CHECK(refused() == StickRefusal::unreadable);
        drop(name);
        put(name, "x");
    }
}

TEST_CASE_METHOD(StickFilesTest, "copied_file: given the named file, when copied, then every byte is there", "[stick][T-34]")
{
    std::filesystem::create_directory(folder / "mounts");
    for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 20, (std::size_t{5} << 20) + 7}) {
        std::string const whole(size, 's');
        put("mounts/skills.erofs", whole);
        CHECK(copy(whole) == size);
        CHECK(content("into") == whole);
    }
}

TEST_CASE_METHOD(StickFilesTest, "copied_file: given another, a shorter or a longer file, when copied, then it is another", "[stick][T-34]")
{
    std::filesystem::create_directory(folder / "mounts");
    std::string const whole(3u << 20, 's');
    for (auto const& other : {whole.substr(1), whole + "s", "x" + whole.substr(1), std::string()}) {
        put("mounts/skills.erofs", other);
        CHECK(copy(whole) == std::unexpected(StickRefusal::other_file));
    }
}

TEST_CASE_METHOD(StickFilesTest,
    "copied_file: given no file, a link, a directory or a pipe in its place, when copied, then it is refused and nobody waits",
    "[stick][T-18][T-34]")
{
    CHECK(copy("x") == std::unexpected(StickRefusal::no_file));
    auto const place = folder / "mounts" / "skills.erofs";
    std::filesystem::create_directory(folder / "mounts");
    CHECK(copy("x") == std::unexpected(StickRefusal::no_file));
    put("elsewhere", "x");
    for (auto const* const target : {"../elsewhere", "/etc/passwd"}) {
        std::filesystem::create_symlink(target, place);
        CHECK(copy("x") == std::unexpected(StickRefusal::unreadable));
        std::filesystem::remove(place);
    }
    std::filesystem::create_directory(place);
    CHECK(copy("x") == std::unexpected(StickRefusal::unreadable));
    std::filesystem::remove(place);
    REQUIRE(::mkfifo(place.c_str(), 0644) == 0);
    CHECK(copy("x") == std::unexpected(StickRefusal::unreadable));
    std::filesystem::remove_all(folder / "mounts");
    // The directory itself may be no link either.
    std::filesystem::create_directory(folder / "other");
    put("other/skills.erofs", "x");
    std::filesystem::create_directory_symlink("other", folder / "mounts");
    CHECK(copy("x") == std::unexpected(StickRefusal::unreadable));
}

TEST_CASE_METHOD(
    StickFilesTest, "copied_file: given a file above the limit, when copied, then not one byte of it is read", "[stick][T-06][T-34]")
{
    std::filesystem::create_directory(folder / "mounts");
    put("mounts/skills.erofs", "");
    std::filesystem::resize_file(folder / "mounts" / "skills.erofs", proto::kCopiedFileBytesMax + 1);
    CHECK(copy("x") == std::unexpected(StickRefusal::too_large));
    CHECK(content("into").empty());
}

TEST_CASE_METHOD(StickFilesTest, "copied_file: given no room, when copied, then it says so", "[stick][T-06][T-34]")
{
    std::filesystem::create_directory(folder / "mounts");
    put("mounts/skills.erofs", "x");
    UniqueFd const full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    REQUIRE(full);
    CHECK(
        stick::copy_file(root.get(), "skills", crypto::to_hex(crypto::sha256("x")), full.get()) == std::unexpected(StickRefusal::no_room));
}

TEST_CASE_METHOD(StickFilesTest, "beneath: given paths that lead out, when opened, then they are not", "[stick][T-18]")
{
    for (auto const* const name : {"..", "/etc/passwd", "../../etc/passwd"}) CHECK_FALSE(stick::open_beneath(root.get(), name, O_RDONLY));
}

TEST_CASE_METHOD(
    StickFilesTest, "report: given files, when written twice, then each is the newer one whole, and nothing else is left", "[stick]")
{
    for (auto const* const text : {"first", "second"}) {
        auto report = stick::Report::open(root.get());
        REQUIRE(report.has_value());
        CHECK_FALSE(report->write({"a.txt", text}));
        CHECK_FALSE(report->write({"b.txt", text}));
        CHECK_FALSE(report->sync());
        CHECK(content("ocu-report/a.txt") == text);
        CHECK(content("ocu-report/b.txt") == text);
    }
    CHECK(std::distance(std::filesystem::directory_iterator(folder / "ocu-report"), {}) == 2);
}

TEST_CASE_METHOD(StickFilesTest, "report: given symbolic links in its way, when written, then none is followed", "[stick][T-18]")
{
    put("victim", "untouched");
    std::filesystem::create_directory(folder / "elsewhere");
    for (auto const* const target : {"/tmp", "elsewhere"}) {
        std::filesystem::create_symlink(target, folder / "ocu-report");
        CHECK(stick::Report::open(root.get()).error() == StickRefusal::unreadable);
        drop("ocu-report");
    }
    std::filesystem::create_directory(folder / "ocu-report");
    std::filesystem::create_symlink("../victim", folder / "ocu-report" / "a.txt");
    std::filesystem::create_symlink("../victim", folder / "ocu-report" / "a.txt.part");
    auto report = stick::Report::open(root.get());
    REQUIRE(report.has_value());
    CHECK_FALSE(report->write({"a.txt", "new"}));
    CHECK(content("victim") == "untouched");
    CHECK(content("ocu-report/a.txt") == "new");
    CHECK_FALSE(std::filesystem::is_symlink(folder / "ocu-report" / "a.txt"));
}

TEST_CASE_METHOD(StickFilesTest, "report: given a directory in a file's place, or a file in the report's, when written, then it is refused",
    "[stick][T-18]")
{
    std::filesystem::create_directories(folder / "ocu-report" / "a.txt");
    auto report = stick::Report::open(root.get());
    REQUIRE(report.has_value());
    CHECK(report->write({"a.txt", "x"}) == StickRefusal::unreadable);
    std::filesystem::remove_all(folder / "ocu-report");
    put("ocu-report", "");
    CHECK(stick::Report::open(root.get()).error() == StickRefusal::unreadable);
}

TEST_CASE("report: given names, when judged, then only one plain component is a file's", "[stick][T-18]")
{
    for (std::string_view const good : {"a", "report.json", "tls-fingerprint_1.txt"}) CHECK(stick::is_report_name(good));
    for (std::string_view const bad : {"", ".", "..", ".hidden", "trailing.", "a/b", "../a", "A", "a b", "a\n", "caf\xc3\xa9"})
        CHECK_FALSE(stick::is_report_name(bad));
    CHECK(stick::is_report_name(std::string(64, 'a')));
    CHECK_FALSE(stick::is_report_name(std::string(65, 'a')));
}
