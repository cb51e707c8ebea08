// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/scope, quota. Which names and kinds exist on a mount, which half is written, and what a session may take.
#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>

#include <cerrno>

#include "storage/quota.h"
#include "storage/scope.h"

namespace test_scope {

using namespace ocu::storage;

TEST_CASE("scope: given names that are no single entry, when they are checked, then each is refused", "[storage][T-08][SB-2]")
{
    CHECK(name_fault("") == EINVAL);
    CHECK(name_fault("a/b") == EINVAL);
    CHECK(name_fault("/") == EINVAL);
    CHECK(name_fault(std::string_view("a\0b", 3)) == EINVAL);
    CHECK(name_fault(".") == EPERM);
    CHECK(name_fault("..") == EPERM);
    CHECK(name_fault(std::string(256, 'a')) == ENAMETOOLONG);
}

TEST_CASE("scope: given odd names that are one entry, when they are checked, then they are taken as bytes", "[storage][SB-2]")
{
    for (auto const* const name : {"...", "..a", "%2e%2e", "..\\..", "\xff\xfe", "file:", "\n", "-rf"}) CHECK(name_fault(name) == 0);
    CHECK(name_fault(std::string(255, 'a')) == 0);
}

TEST_CASE("scope: given the areas of a mount, when a write is asked for, then only outputs allows it", "[storage][T-08][SB-1]")
{
    CHECK(write_fault(Face::mount, Area::outputs) == 0);
    CHECK(write_fault(Face::mount, Area::uploads) == EROFS);
    CHECK(write_fault(Face::mount, Area::top) == EROFS);
    CHECK(write_fault(Face::files, Area::uploads) == 0);
    CHECK(write_fault(Face::files, Area::outputs) == 0);
    CHECK(write_fault(Face::files, Area::top) == EROFS);
}

TEST_CASE("scope: given kinds of files, when they are checked, then devices, fifos and sockets are refused", "[storage][T-04]")
{
    for (auto const kind : {S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK}) CHECK(kind_fault(static_cast<mode_t>(kind | 0644)) == EPERM);
    for (auto const kind : {S_IFREG, S_IFDIR, S_IFLNK, 0}) CHECK(kind_fault(static_cast<mode_t>(kind | 0644)) == 0);
}

TEST_CASE("scope: given modes with set-id bits, when they are kept, then those bits are gone", "[storage][T-04]")
{
    CHECK(file_mode(07755) == 0755);
    CHECK(directory_mode(07755) == 01755);
}

TEST_CASE("scope: given texts of links, when they are checked, then only what cannot be stored is refused", "[storage]")
{
    CHECK(link_target_fault("") == ENOENT);
    CHECK(link_target_fault(std::string(4096, 'a')) == ENAMETOOLONG);
    CHECK(link_target_fault("/etc/passwd") == 0);
}

TEST_CASE("quota: given a limit of bytes, when files grow and shrink, then exactly the limit fits", "[storage][T-06][SB-8]")
{
    Quota quota(100, 2, 30);
    CHECK(quota.has_bytes(100));
    CHECK_FALSE(quota.has_bytes(101));
    quota.resized(0, 60);
    CHECK(quota.has_bytes(40));
    CHECK_FALSE(quota.has_bytes(41));
    CHECK_FALSE(quota.has_bytes(~0ull));
    quota.resized(60, 10);
    CHECK(quota.bytes() == 10);
}

TEST_CASE("quota: given a limit of entries, when they are made and removed, then no more than the limit exist", "[storage][T-06]")
{
    Quota quota(100, 2, 30);
    quota.entry_made();
    CHECK(quota.has_entry());
    quota.entry_made();
    CHECK_FALSE(quota.has_entry());
    quota.entry_gone();
    CHECK(quota.has_entry());
}

TEST_CASE("quota: given files that were there before, when they shrink, then the count does not wrap", "[storage][T-06]")
{
    Quota quota(100, 2, 30);
    quota.resized(50, 0);
    quota.entry_gone();
    CHECK(quota.bytes() == 0);
    CHECK(quota.entries() == 0);
}

TEST_CASE("quota: given a limit of text, when names and attributes come and go, then exactly the limit fits", "[storage][T-06]")
{
    Quota quota(100, 2, 30);
    CHECK(quota.has_text(30));
    quota.text_changed(0, 20);
    CHECK(quota.has_text(10));
    CHECK_FALSE(quota.has_text(11));
    quota.text_changed(20, 0);
    CHECK(quota.text() == 0);
}

TEST_CASE(
    "scope: given names of extended attributes, when a face uses them, then only its own namespaces are kept", "[storage][T-08][SB-1]")
{
    CHECK(attribute_name_fault(Face::mount, "user.x") == 0);
    CHECK(attribute_name_fault(Face::files, "user.x") == 0);
    CHECK(attribute_name_fault(Face::mount, "user.") == EINVAL);
    CHECK(attribute_name_fault(Face::mount, std::string_view("user.a\0b", 8)) == EINVAL);
    CHECK(attribute_name_fault(Face::mount, "user." + std::string(251, 'n')) == ERANGE);
    for (auto const* const name : {"security.capability", "system.posix_acl_access", "trusted.x", "ocu.downloadable", "", "user"})
        CHECK(attribute_name_fault(Face::mount, name) == EOPNOTSUPP);
    CHECK(attribute_name_fault(Face::files, "ocu.downloadable") == 0);
    CHECK(attribute_name_fault(Face::files, "security.capability") == EOPNOTSUPP);
}

}  // namespace test_scope
