// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/archive_inspect. Archives made here, with everything in them that a stranger would put there.
#include <catch2/catch_test_macros.hpp>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/archive_inspect.h"
#include "storage/limits.h"

namespace test_archive_inspect {

using namespace ocu;
using namespace ocu::storage;

enum class Form { tar, tar_gzip, zip };

struct Maker {
    explicit Maker(Form form)
    {
        if (form == Form::zip) {
            ::archive_write_set_format_zip(a);
        } else {
            ::archive_write_set_format_pax_restricted(a);
            ::archive_write_set_options(a, "hdrcharset=BINARY");
            if (form == Form::tar_gzip) ::archive_write_add_filter_gzip(a);
        }
        ::archive_write_set_bytes_in_last_block(a, 1);
        ::archive_write_open(
            a, this, nullptr,
            [](archive*, void* self, void const* bytes, std::size_t size) {
                static_cast<Maker*>(self)->out.append(static_cast<char const*>(bytes), size);
                return static_cast<la_ssize_t>(size);
            },
            nullptr);
    }
    Maker(Maker const&) = delete;
    Maker& operator=(Maker const&) = delete;
    ~Maker() { ::archive_write_free(a); }

    Maker& add(char const* name, unsigned kind = S_IFREG, char const* target = nullptr, std::size_t size = 0)
    {
        auto* const entry = ::archive_entry_new();
        ::archive_entry_set_pathname(entry, name);
        ::archive_entry_set_filetype(entry, kind);
        ::archive_entry_set_perm(entry, 0644);
        if (kind == S_IFREG) ::archive_entry_set_size(entry, static_cast<la_int64_t>(size));
        if (kind == S_IFLNK) ::archive_entry_set_symlink(entry, target);
        if (kind == S_IFREG && target != nullptr) ::archive_entry_set_hardlink(entry, target);
        REQUIRE(::archive_write_header(a, entry) <= ARCHIVE_OK);
        ::archive_entry_free(entry);
        std::string const zeros(1u << 20, '\0');
        for (std::size_t left = size; left > 0;) {
            auto const part = std::min(left, zeros.size());
            REQUIRE(::archive_write_data(a, zeros.data(), part) == static_cast<la_ssize_t>(part));
            left -= part;
        }
        return *this;
    }
    std::string finish()
    {
        REQUIRE(::archive_write_close(a) == ARCHIVE_OK);
        return std::move(out);
    }

    archive* a = ::archive_write_new();
    std::string out;
};

Result<ArchiveReport> look(std::string const& bytes) { return inspect_archive(std::as_bytes(std::span(bytes))); }

TEST_CASE("archive: given ordinary archives, when they are inspected, then entries are counted and listed without warnings",
    "[storage][T-16][SB-7]")
{
    for (auto const form : {Form::tar, Form::tar_gzip, Form::zip}) {
        auto const bytes = Maker(form).add("d/", S_IFDIR).add("d/a.txt", S_IFREG, nullptr, 100).add("b").finish();
        auto const report = look(bytes);
        REQUIRE(report.has_value());
        CHECK(report->complete);
        CHECK(report->entries == 3);
        CHECK(report->unpacked_bytes == 100);
        CHECK_FALSE(report->dangerous());
        auto const text = describe(*report, bytes.size(), 30'000);
        CHECK(text.find("d/a.txt") != text.npos);
        CHECK(text.find("DANGEROUS") == text.npos);
        CHECK(text.find(form == Form::zip ? "unzip" : "tar -xf") != text.npos);
    }
}

TEST_CASE("archive: given names that lead out, when they are inspected, then each is counted and said", "[storage][T-16][T-08][SB-2]")
{
    auto const report = look(Maker(Form::tar).add("../../etc/cron.d/x").add("/etc/passwd").add("a/../../b").add("a/../b").finish());
    REQUIRE(report.has_value());
    CHECK(report->escaping_names == 4);
    CHECK(report->dangerous());
    CHECK(describe(*report, 1, 30'000).find("4 names lead out") != std::string::npos);
}

TEST_CASE(
    "archive: given links, when their targets lead out, then they are flagged, and those that stay inside are not", "[storage][T-16][T-08]")
{
    auto const report = look(Maker(Form::tar)
            .add("d/in", S_IFLNK, "../b")
            .add("d/out", S_IFLNK, "../../b")
            .add("abs", S_IFLNK, "/etc")
            .add("hard", S_IFREG, "../../etc/shadow")
            .finish());
    REQUIRE(report.has_value());
    CHECK(report->links == 4);
    CHECK(report->links_out == 3);
}

TEST_CASE("archive: given devices and fifos, when they are inspected, then they are flagged", "[storage][T-16]")
{
    auto const report = look(Maker(Form::tar).add("c", S_IFCHR).add("b", S_IFBLK).add("p", S_IFIFO).finish());
    REQUIRE(report.has_value());
    CHECK(report->devices == 3);
    CHECK(report->dangerous());
}

TEST_CASE("archive: given a decompression bomb, when it is inspected, then the ratio is said and inspection itself stays small",
    "[storage][T-16][T-06]")
{
    auto const bytes = Maker(Form::tar_gzip).add("zeros", S_IFREG, nullptr, 20u << 20).finish();
    auto const report = look(bytes);
    REQUIRE(report.has_value());
    CHECK(report->bomb_ratio);
    CHECK_FALSE(report->too_large);
}

TEST_CASE("archive: given a header that claims gigabytes, when it is inspected, then it is called too large and not read through",
    "[storage][T-16][T-06]")
{
    auto bytes = Maker(Form::tar).add("big").finish();
    std::size_t at = 0;  // of the entry's own header; what comes before it says how names are encoded
    while (bytes.compare(at, 4, std::string_view("big\0", 4)) != 0) at += 512;
    // Its size field, octal, and its checksum anew.
    bytes.replace(at + 124, 12, std::string("20000000000") + '\0');
    bytes.replace(at + 148, 8, "        ");
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(bytes[at + i]);
    char text[8];
    std::snprintf(text, sizeof text, "%06o", sum);
    bytes.replace(at + 148, 7, std::string(text, 7));
    auto const report = look(bytes);
    REQUIRE(report.has_value());
    CHECK(report->too_large);
}

TEST_CASE("archive: given more entries than are shown, when it is described, then the listing is cut and says so", "[storage][T-16][SB-7]")
{
    Maker maker(Form::tar);
    for (int i = 0; i < 1'500; ++i) maker.add(("file" + std::to_string(i)).c_str());
    auto const report = look(maker.finish());
    REQUIRE(report.has_value());
    CHECK(report->entries == 1'500);
    auto const text = describe(*report, 1, 30'000);
    CHECK(text.size() <= 30'000);
    CHECK(text.ends_with("[listing cut]\n"));
    CHECK(report->listing.find("file1000\n") == std::string::npos);
}

TEST_CASE("archive: given archives that break off, when they are inspected, then they are corrupt or no archive", "[storage][T-16]")
{
    auto const whole = Maker(Form::tar_gzip).add("a", S_IFREG, nullptr, 100'000).add("b").finish();
    auto const half = look(whole.substr(0, whole.size() / 2));
    if (half) CHECK(half->corrupt);
    CHECK_FALSE(look("").has_value());
    CHECK_FALSE(look("this is no archive at all, whatever its name says").has_value());
}

TEST_CASE(
    "archive: given names with line breaks and terminal sequences, when they are listed, then they are printed escaped", "[storage][T-07]")
{
    auto const report = look(Maker(Form::tar).add("a\nDANGEROUS\x1b[2J").finish());
    REQUIRE(report.has_value());
    CHECK(report->listing.find('\x1b') == std::string::npos);
    CHECK(report->listing.find("a\\x0aDANGEROUS\\x1b[2J") != std::string::npos);
    CHECK(escaped("a\\b", 100) == "a\\x5cb");
    CHECK(escaped(std::string(300, 'x'), 200).size() == 203);
}

TEST_CASE("archive: given nested archives, when they are inspected, then they are counted and not opened", "[storage][T-16]")
{
    auto const report = look(Maker(Form::zip).add("inner.zip").add("x.tar.gz").add("y.txt").finish());
    REQUIRE(report.has_value());
    CHECK(report->nested == 2);
}

TEST_CASE("archive: given odd names, when they are inspected, then they are counted as an upload's would be", "[storage][T-07][T-16]")
{
    auto const report = look(Maker(Form::tar).add("a\tb").add(std::string(300, 'n').c_str()).add("plain").finish());
    REQUIRE(report.has_value());
    CHECK(report->odd_names == 2);
    CHECK(report->dangerous());
}

}  // namespace test_archive_inspect
