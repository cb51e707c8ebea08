// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/zip_directory. Zips that say one thing at their end and another before it.
#include <catch2/catch_test_macros.hpp>

#include "storage/zip_directory.h"
#include "support/archives.h"

namespace test_zip_directory {

using namespace ocu;
using namespace ocu::storage;
using archives::little;
using archives::Zip;
using proto::ArchiveRule;

ArchiveRule rule(std::string const& bytes, std::uint64_t entries_max = 1'000)
{
    MemorySource source(std::as_bytes(std::span(bytes)));
    auto const read = read_zip_directory(source, entries_max);
    return read ? ArchiveRule::none : read.error();
}

TEST_CASE("zip_directory: given a whole zip, when it is read, then its entries come in the order of their bytes", "[storage][T-32]")
{
    auto const bytes = Zip().add("a/b", "12345").add("c").finish("a comment");
    MemorySource source(std::as_bytes(std::span(bytes)));
    auto const read = read_zip_directory(source, 10);
    REQUIRE(read.has_value());
    REQUIRE(read->entries.size() == 2);
    CHECK(read->entries[0].packed_bytes == 5);
    CHECK(read->entries[0].depth == 2);
    CHECK(read->entries[1].offset > read->entries[0].offset);
}

TEST_CASE("zip_directory: given entries that share bytes, when it is read, then it is refused", "[storage][T-32][SB-7]")
{
    // Two records of one place: the library would see one entry, others unpack two.
    CHECK(rule(Zip().add("a", "data").add({.name = "a2", .data = "data", .local_name = "a", .offset = 0}).finish()) != ArchiveRule::none);
    CHECK(rule(Zip().add("aa", "data").add({.name = "aa/", .data = "data", .offset = 0}).finish()) != ArchiveRule::none);
    // One entry's data holds the next one's header: the quoted kind of bomb.
    auto const inner = Zip().add("b", "kernel").body;
    auto zip = Zip().add("a", inner);
    zip.add({.name = "b", .data = "kernel", .offset = 31});
    CHECK(rule(zip.finish()) == ArchiveRule::overlap);
    // Data that reaches into the directory.
    Zip late;
    late.add("a", "data");
    late.directory.replace(20, 4, little(200, 4));
    late.body.replace(18, 4, little(200, 4));
    CHECK(rule(late.finish(std::string(300, 'c'))) == ArchiveRule::overlap);
}

TEST_CASE("zip_directory: given names that differ between header and directory, when it is read, then it is refused", "[storage][T-32]")
{
    CHECK(rule(Zip().add({.name = "../x", .data = "1", .local_name = "abcd"}).finish()) == ArchiveRule::path);
    CHECK(rule(Zip().add({.name = "abcd", .data = "1", .local_name = "../x"}).finish()) == ArchiveRule::unreadable);
    CHECK(rule(Zip().add({.name = "a", .data = "1", .local_name = "bb"}).finish()) == ArchiveRule::unreadable);
    // A second name, by which some unpack.
    auto const other = [](std::string const& name) { return little(0x7075, 2) + little(5 + name.size(), 2) + std::string(5, '\1') + name; };
    CHECK(rule(Zip().add({.name = "a", .data = "1", .extra = other("b")}).finish()) == ArchiveRule::none);
    CHECK(rule(Zip().add({.name = "a", .data = "1", .extra = other("../b")}).finish()) == ArchiveRule::path);
}

TEST_CASE("zip_directory: given what only some readers see, when it is read, then it is refused", "[storage][T-32]")
{
    // An entry that is not in the directory.
    CHECK(rule(Zip().add("a", "1").add({.name = "b", .data = "2", .hidden = true}).finish()) == ArchiveRule::unreadable);
    CHECK(rule(Zip().add({.name = "b", .data = "2", .hidden = true}).add("a", "1").finish()) == ArchiveRule::unreadable);
    Zip far;
    far.add("a", "1").gap = std::string(40'000, '.') + "PK\x03\x04";
    CHECK(rule(far.finish()) == ArchiveRule::unreadable);
    Zip empty;
    empty.add("a", "1").gap = std::string(40'000, '.');
    CHECK(rule(empty.finish()) == ArchiveRule::none);
    // Two ends, or one that does not reach the last byte.
    CHECK(rule(Zip().add("a").finish("PK\x05\x06" + std::string(18, '\0'))) == ArchiveRule::unreadable);
    CHECK(rule(Zip().add("a").finish() + "x") == ArchiveRule::unreadable);
    CHECK(rule("PK\x03\x04") == ArchiveRule::unreadable);
    // Before its first entry.
    CHECK(rule("#!/bin/sh\n" + Zip().add("a").finish()) == ArchiveRule::unreadable);
}

TEST_CASE("zip_directory: given counts that do not fit, when it is read, then it is refused, a great one at once", "[storage][T-32][T-06]")
{
    CHECK(rule(Zip().add("a").add("b").finish({}, 1)) == ArchiveRule::unreadable);
    CHECK(rule(Zip().add("a").finish({}, 2)) == ArchiveRule::unreadable);
    CHECK(rule(Zip().add("a").finish({}, 60'000)) == ArchiveRule::entries);
    CHECK(rule(Zip().add("a").add("b").finish({}, 1), 1) != ArchiveRule::none);
}

TEST_CASE("zip_directory: given the larger end record, when it is read, then both have to say the same", "[storage][T-32]")
{
    auto const big = [](std::uint64_t count, std::uint64_t small_count) {
        auto zip = Zip().add("a", "1");
        auto const at = zip.body.size() + zip.directory.size();
        auto const end64 = "PK\x06\x06" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) + little(count, 8) +
                           little(count, 8) + little(zip.directory.size(), 8) + little(zip.body.size(), 8);
        auto const locator = "PK\x06\x07" + little(0, 4) + little(at, 8) + little(1, 4);
        return zip.body + zip.directory + end64 + locator + "PK\x05\x06" + little(0, 4) + little(small_count, 2) + little(small_count, 2) +
               little(0xffff'ffff, 4) + little(0xffff'ffff, 4) + little(0, 2);
    };
    CHECK(rule(big(1, 0xffff)) == ArchiveRule::none);
    CHECK(rule(big(1, 1)) == ArchiveRule::none);
    CHECK(rule(big(1, 2)) == ArchiveRule::unreadable);
    CHECK(rule(big(10'000'000, 0xffff)) == ArchiveRule::entries);
}

}  // namespace test_zip_directory
