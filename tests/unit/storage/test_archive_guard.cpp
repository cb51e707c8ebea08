// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/archive_guard and archive_reader. One archive for each rule, and ordinary ones that break none.
#include <catch2/catch_test_macros.hpp>

#include "storage/archive_guard.h"
#include "storage/archive_kind.h"
#include "support/archives.h"

namespace test_archive_guard {

using namespace ocu;
using namespace ocu::storage;
using archives::compressed;
using archives::Maker;
using archives::Zip;
using proto::ArchiveRule;

constexpr int kFilters[] = {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD};

proto::ArchiveVerdict check(std::string const& bytes, ArchiveBounds const& bounds = {})
{
    MemorySource source(std::as_bytes(std::span(bytes)));
    return check_archive(source, bounds);
}
ArchiveRule rule(std::string const& bytes, ArchiveBounds const& bounds = {}) { return check(bytes, bounds).rule; }

std::string tar_of(std::string const& name, unsigned kind = S_IFREG, char const* target = nullptr)
{
    return Maker("tar").add(name, {}, kind, target).finish();
}

std::string noise(std::size_t bytes)
{
    std::string out(bytes, '\0');
    std::uint64_t state = 88172645463325252ull;
    for (auto& each : out) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        each = static_cast<char>(state);
    }
    return out;
}

TEST_CASE("archive_guard: given ordinary archives of every kind, when they are checked, then they are let in and counted",
    "[storage][T-32][SB-7]")
{
    auto const text = noise(100'000);
    for (auto const* const format : {"tar", "zip", "7z"}) {
        INFO(format);
        auto const bytes = Maker(format).add("d/", {}, S_IFDIR).add("d/a", text).add("b", "x").finish();
        REQUIRE_FALSE(bytes.empty());
        REQUIRE(archive_kind_of(std::string_view(bytes).substr(0, kSniffBytes)) != ArchiveKind::none);
        auto const verdict = check(bytes);
        CHECK(verdict.rule == ArchiveRule::none);
        CHECK(verdict.entries == 3);
        CHECK(verdict.unpacked_bytes == text.size() + 1);
    }
    auto const tar = Maker("tar").add("a", text).finish();
    for (int const filter : kFilters) {
        auto const packed = check(compressed(tar, filter));
        CHECK(packed.rule == ArchiveRule::none);
        CHECK(packed.entries == 1);
        CHECK(rule(compressed("a plain text", filter)) == ArchiveRule::none);
        CHECK(rule(compressed({}, filter)) == ArchiveRule::none);
    }
    CHECK(rule(Zip().finish()) == ArchiveRule::none);
    CHECK(rule(tar + std::string(20 * 512, '\0')) == ArchiveRule::none);
}

TEST_CASE("archive_guard: given archives in archives, when they are checked, then each is looked into, to a depth", "[storage][T-32][SB-7]")
{
    auto const bad = Maker("zip").add("../out").finish();
    auto const inside = [&](std::string const& inner) { return Maker("tar").add("inner.bin", inner).finish(); };
    CHECK(rule(inside(bad)) == ArchiveRule::path);
    CHECK(rule(compressed(inside(bad), ARCHIVE_FILTER_GZIP)) == ArchiveRule::path);
    CHECK(rule(Zip().add("x", compressed(inside(bad), ARCHIVE_FILTER_XZ)).finish()) == ArchiveRule::path);
    CHECK(rule(Maker("7z").add("x", bad).finish()) == ArchiveRule::path);
    std::string nested = Maker("zip").add("a", "text").finish();
    for (std::size_t i = 1; i < kArchiveLayersMax; ++i) nested = Zip().add("n", nested).finish();
    CHECK(rule(nested) == ArchiveRule::none);
    CHECK(check(nested).nested == kArchiveLayersMax - 1);
    CHECK(rule(Zip().add("n", nested).finish()) == ArchiveRule::nesting);
    std::string wrapped = "text";
    for (std::size_t i = 0; i <= kArchiveLayersMax; ++i) wrapped = compressed(wrapped, ARCHIVE_FILTER_GZIP);
    CHECK(rule(wrapped) == ArchiveRule::nesting);
    // Held in memory meanwhile: only so much.
    auto const held = Zip().add("inner", Zip().add("a", noise(5'000)).finish()).finish();
    CHECK(rule(held, {.held_bytes_max = 10'000}) == ArchiveRule::none);
    CHECK(rule(held, {.held_bytes_max = 4'000}) == ArchiveRule::nesting);
}

TEST_CASE(
    "archive_guard: given bombs, when they are checked, then they are refused by what comes out, and soon", "[storage][T-32][T-06][SB-7]")
{
    std::string const zeros(3u << 20, '\0');
    ArchiveBounds const small{.ratio_from_bytes = 1u << 20};
    for (int const filter : kFilters) {
        CHECK(rule(compressed(zeros, filter), small) == ArchiveRule::ratio);
        CHECK(rule(compressed(Maker("tar").add("z", zeros).finish(), filter), small) == ArchiveRule::ratio);
    }
    CHECK(rule(Maker("zip").add("z", zeros).finish(), small) == ArchiveRule::ratio);
    CHECK(rule(Maker("7z").add("z", zeros).finish(), small) == ArchiveRule::ratio);
    // In parts, and one inside the other: what all layers unpack to counts.
    auto const part = compressed(std::string(600u << 10, '\0'), ARCHIVE_FILTER_GZIP);
    CHECK(rule(Zip().add("a", part).finish(), small) == ArchiveRule::none);
    CHECK(rule(Zip().add("a", part).add("b", part).finish(), small) == ArchiveRule::ratio);
    ArchiveBounds const total{.unpacked_bytes_max = 100'000, .ratio_max = 1u << 20};
    CHECK(rule(compressed(zeros, ARCHIVE_FILTER_XZ), total) == ArchiveRule::size);
    CHECK(rule(Maker("zip").add("z", zeros).finish(), total) == ArchiveRule::size);
    // Twice its own size is never too much.
    CHECK(rule(Zip().add("n", noise(200'000)).finish(), total) == ArchiveRule::none);
}

TEST_CASE("archive_guard: given sizes that headers claim, when they are too much, then nothing is unpacked first", "[storage][T-32][T-06]")
{
    CHECK(rule(Zip().add({.name = "a", .data = "x", .claimed = 0xf000'0000}).finish()) == ArchiveRule::ratio);
    // A header that claims less than comes out is not believed either.
    std::string const zeros(3u << 20, '\0');
    auto zip = Maker("zip").add("z", zeros).finish();
    auto const claim = zip.find(archives::little(zeros.size(), 4), zip.rfind("PK\x01\x02"));
    REQUIRE(claim != zip.npos);
    zip.replace(claim, 4, archives::little(5, 4));
    CHECK(rule(zip, {.ratio_from_bytes = 1u << 20}) != ArchiveRule::none);
}

TEST_CASE("archive_guard: given more entries than are counted, when it is checked, then it is refused", "[storage][T-32][T-06][SB-7]")
{
    Maker tar("tar");
    Zip zip;
    for (int i = 0; i < 60; ++i) {
        tar.add("f" + std::to_string(i));
        zip.add("f" + std::to_string(i));
    }
    auto const made = tar.finish();
    CHECK(rule(made, {.entries_max = 60}) == ArchiveRule::none);
    CHECK(rule(made, {.entries_max = 59}) == ArchiveRule::entries);
    CHECK(rule(zip.finish(), {.entries_max = 60}) == ArchiveRule::none);
    CHECK(rule(zip.finish(), {.entries_max = 59}) == ArchiveRule::entries);
    // Of all layers together.
    CHECK(rule(Zip().add("a", zip.finish()).add("b", zip.finish()).finish(), {.entries_max = 100}) == ArchiveRule::entries);
}

TEST_CASE(
    "archive_guard: given names that lead out, when they are checked, then they are refused in every kind", "[storage][T-32][T-08][SB-7]")
{
    for (auto const* const name : {"../a", "a/../../b", "a/../b", "/etc/passwd", "C:\\a", "c:a", "a\\..\\..\\b", "\\\\host\\share"}) {
        INFO(name);
        CHECK(rule(tar_of(name)) == ArchiveRule::path);
        CHECK(rule(Zip().add(name).finish()) == ArchiveRule::path);
        CHECK(rule(Maker("7z").add(name, "x").finish()) != ArchiveRule::none);
    }
    for (auto const* const name : {"a..b", ".hidden", "./a", "a//b", "...", "ab:c"}) {
        INFO(name);
        CHECK(rule(tar_of(name)) == ArchiveRule::none);
    }
}

TEST_CASE("archive_guard: given odd names, when they are checked, then they are refused, and bytes that are no UTF-8 are noted",
    "[storage][T-32][T-07]")
{
    using namespace std::string_literals;
    for (auto const& name : {"a\nb"s, "a\x1b[2J"s, "a\x7f"s, std::string(256, 'n')}) CHECK(rule(tar_of(name)) == ArchiveRule::name);
    for (auto const& name : {"a\0b"s, ""s, "a\tb"s}) CHECK(rule(Zip().add(name, "x").finish()) == ArchiveRule::name);
    CHECK(rule(tar_of(std::string(255, 'n'))) == ArchiveRule::none);
    auto const verdict = check(Maker("tar").add("caf\xe9").add("caf\xc3\xa9").finish());
    CHECK(verdict.rule == ArchiveRule::none);
    CHECK(verdict.not_utf8 == 1);
    CHECK(check(Zip().add("caf\xe9").finish()).not_utf8 == 1);
}

TEST_CASE(
    "archive_guard: given names that are there twice, when they are checked, then a zip is refused and a tar noted", "[storage][T-32]")
{
    CHECK(rule(Zip().add("a", "1").add("a", "2").finish()) == ArchiveRule::twice);
    CHECK(rule(Zip().add("a", "1").add("./a", "2").finish()) == ArchiveRule::twice);
    auto const tar = check(Maker("tar").add("a").add("a").add("A").add("b").finish());
    CHECK(tar.rule == ArchiveRule::none);
    CHECK(tar.repeated == 1);
    CHECK(tar.case_twins == 1);
    auto const zip = check(Zip().add("a").add("A").finish());
    CHECK(zip.rule == ArchiveRule::none);
    CHECK(zip.case_twins == 1);
}

TEST_CASE(
    "archive_guard: given links, when they lead out or something lies beneath one, then they are refused", "[storage][T-32][T-08][SB-7]")
{
    auto const link = [](std::string const& name, char const* target) { return rule(tar_of(name, S_IFLNK, target)); };
    CHECK(link("d/in", "../b") == ArchiveRule::none);
    CHECK(link("d/e/in", "../../b/c") == ArchiveRule::none);
    CHECK(link("in", "b") == ArchiveRule::none);
    CHECK(link("d/out", "../../b") == ArchiveRule::link);
    CHECK(link("abs", "/etc") == ArchiveRule::link);
    CHECK(link("d/back", "x/../../..") == ArchiveRule::link);
    CHECK(link("d/e/mid", "x/../y") == ArchiveRule::link);  // stays inside by its letters, and not where x is a link
    CHECK(link("w", "..\\b") == ArchiveRule::link);
    CHECK(rule(Maker("tar").add("l", {}, S_IFLNK, "d").add("l/x").finish()) == ArchiveRule::link);
    CHECK(rule(Maker("tar").add("l/x").add("l", {}, S_IFLNK, "d").finish()) == ArchiveRule::link);
    CHECK(rule(Maker("tar").add("f").add("h", {}, S_IFREG, "f").finish()) == ArchiveRule::none);
    CHECK(rule(tar_of("h", S_IFREG, "../../etc/shadow")) == ArchiveRule::link);
    CHECK(rule(tar_of("h", S_IFREG, "/etc/shadow")) == ArchiveRule::link);
    CHECK(rule(Maker("tar").add("l", {}, S_IFLNK, "d").add("h", {}, S_IFREG, "l/x").finish()) == ArchiveRule::link);
    CHECK(check(Maker("tar").add("f").add("h", {}, S_IFREG, "f").finish()).repeated == 0);
    auto const in_zip = [](std::string target, std::uint8_t system) {
        return rule(Zip().add({.name = "d/l", .data = std::move(target), .mode = S_IFLNK | 0777, .system = system}).finish());
    };
    CHECK(in_zip("../b", 3) == ArchiveRule::none);
    CHECK(in_zip("../../b", 3) == ArchiveRule::link);
    CHECK(in_zip("/etc/passwd", 3) == ArchiveRule::link);
    // Said to be made on a system whose modes this library does not read, and others do.
    CHECK(in_zip("/etc/passwd", 19) == ArchiveRule::link);
    CHECK(rule(Zip().add({.name = "l", .data = "d", .mode = S_IFLNK | 0777}).add("l/x").finish()) == ArchiveRule::link);
}

TEST_CASE("archive_guard: given devices, fifos and sockets, when they are checked, then they are refused", "[storage][T-32][SB-7]")
{
    for (unsigned const kind : {S_IFCHR, S_IFBLK, S_IFIFO}) {
        CHECK(rule(tar_of("x", kind)) == ArchiveRule::device);
        CHECK(rule(Zip().add({.name = "x", .mode = kind | 0644}).finish()) == ArchiveRule::device);
    }
}

TEST_CASE("archive_guard: given archives that are damaged, cut or encrypted, when they are checked, then they are refused",
    "[storage][T-32][SB-7]")
{
    auto const text = noise(50'000);
    for (auto const* const format : {"tar", "zip", "7z"}) {
        INFO(format);
        auto const whole = Maker(format).add("a", text).finish();
        CHECK(rule(whole.substr(0, whole.size() / 2)) == ArchiveRule::unreadable);
    }
    for (int const filter : kFilters) {
        auto const whole = compressed(text, filter);
        CHECK(rule(whole.substr(0, whole.size() / 2)) == ArchiveRule::unreadable);
    }
    auto bent = Maker("zip").add("a", text).finish();
    bent[bent.size() / 2] = static_cast<char>(bent[bent.size() / 2] ^ 0x55);
    CHECK(rule(bent) == ArchiveRule::unreadable);
    CHECK(rule(Zip().add({.name = "a", .data = "x", .method = 97}).finish()) == ArchiveRule::unreadable);
    CHECK(rule(Zip().add({.name = "a", .data = "thirteen byte", .flags = 1}).finish()) == ArchiveRule::encrypted);
    CHECK(rule("PK\x03\x04 and nothing") == ArchiveRule::unreadable);
    CHECK(rule("no archive") == ArchiveRule::unreadable);
}

TEST_CASE("archive_guard: given a source that ends, when it is read, then that is said and not that the archive was bad", "[storage][T-32]")
{
    class Gone final : public ByteSource {
    public:
        std::uint64_t size() const override { return 1u << 20; }
        Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override
        {
            if (offset >= 4'096) return fail(Fault::unavailable, "gone");
            auto const tar = Maker("tar").add("a", noise(200'000)).finish();
            std::memcpy(into.data(), tar.data() + offset, std::min<std::size_t>(into.size(), 4'096 - offset));
            return std::min<std::size_t>(into.size(), 4'096 - offset);
        }
    } gone;
    CHECK(check_archive(gone).rule != ArchiveRule::none);
}

TEST_CASE("archive_kind: given first bytes, when they are looked at, then archives are told from what is none", "[storage][T-32][SB-7]")
{
    using namespace std::string_literals;
    CHECK(archive_kind_of("\x1f\x8b\x08"s) == ArchiveKind::gzip);
    CHECK(archive_kind_of("\x1f\x8b\x09"s) == ArchiveKind::none);
    CHECK(archive_kind_of("\x50\x2a\x4d\x18"s) == ArchiveKind::zstd);
    CHECK(archive_kind_of("PK\x07\x08"s) == ArchiveKind::zip);
    CHECK(archive_kind_of("%PDF-1.7"s) == ArchiveKind::none);
    CHECK(archive_kind_of(""s) == ArchiveKind::none);
    CHECK(archive_kind_of(std::string(512, '\0')) == ArchiveKind::none);
    auto tar = tar_of("a").substr(0, 512);
    CHECK(archive_kind_of(tar) == ArchiveKind::tar);
    // As the oldest ones are: no word, but the sum.
    tar.replace(257, 8, std::string(8, '\0'));
    tar.replace(148, 8, "        ");
    unsigned sum = 0;
    for (char const c : tar) sum += static_cast<unsigned char>(c);
    char digits[9];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    tar.replace(148, 7, std::string(digits, 7));
    CHECK(archive_kind_of(tar) == ArchiveKind::tar);
}

}  // namespace test_archive_guard
