// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/manifest, files. What is loaded from disk, in which order it is checked, and that a serial only rises.

#include "appliance/manifest/files.h"
#include "appliance/manifest/manifest.h"
#include "appliance/manifest/minisign.h"

#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "support/temporary_folder.h"

namespace test_manifest {

using namespace ocu;
using namespace ocu::manifest;

struct ManifestTest : test::TemporaryFolder {
    ManifestTest()
    {
        REQUIRE(::mkdir((folder + "/state").c_str(), 0700) == 0);
        put(folder + "/trust.pub", write_public_key(key.verify));
        write(R"({"schema": "ocu-manifest/1", "serial": 5})");
    }

    void put(std::string const& path, std::string const& text) const
    {
        REQUIRE(write_file(path, std::as_bytes(std::span(text)), 0600, Replace::yes));
    }
    void write(std::string const& text) const
    {
        put(folder + "/manifest.json", text);
        put(folder + "/manifest.json.minisig", sign(key, text, "test").value());
    }
    Admission<Applied> load() const { return load_manifest(folder + "/manifest.json", folder + "/trust.pub", folder); }
    std::string refusal() const
    {
        auto const applied = load();
        REQUIRE_FALSE(applied);
        return applied.error().key + "|" + applied.error().reason;
    }

    SigningKey key = make_key().value();
};

TEST_CASE_METHOD(ManifestTest, "load: given a signed manifest, when it is loaded, then it is admitted", "[manifest][AP-2]")
{
    CHECK(load()->serial == 5);
}

TEST_CASE_METHOD(ManifestTest, "load: given no signature, when it is loaded, then it is refused", "[manifest][T-15]")
{
    REQUIRE(::unlink((folder + "/manifest.json.minisig").c_str()) == 0);
    CHECK(refusal().find("has no signature") != std::string::npos);
}

TEST_CASE_METHOD(ManifestTest, "load: given a changed byte, when it is loaded, then it is refused before it is parsed", "[manifest][T-15]")
{
    put(folder + "/manifest.json", R"({"schema": "ocu-manifest/1", "serial": 6, "extras": {}})");
    CHECK(refusal().find("signature does not fit") != std::string::npos);
}

TEST_CASE_METHOD(ManifestTest, "load: given another's signature, when it is loaded, then it is refused", "[manifest][T-15]")
{
    auto const other = make_key().value();
    put(folder + "/trust.pub", write_public_key(other.verify));
    CHECK(refusal().find("another key") != std::string::npos);
}

TEST_CASE_METHOD(
    ManifestTest, "load: given no key to trust, when it is loaded, then it is refused; the state's own key will do", "[manifest][T-15]")
{
    std::string const path = folder + "/manifest.json";
    CHECK_FALSE(load_manifest(path, "", folder));
    put(folder + "/state/trust.pub", write_public_key(key.verify));
    CHECK(load_manifest(path, "", folder));
}

TEST_CASE_METHOD(
    ManifestTest, "load: given a pipe in the place of a file, when it is loaded, then it is refused at once", "[manifest][T-15]")
{
    std::string const path = folder + "/manifest.json";
    REQUIRE(::unlink(path.c_str()) == 0);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(refusal().find("not a regular file") != std::string::npos);
}

TEST_CASE_METHOD(ManifestTest,
    "serial: given one that was applied, when it is loaded again, then the same is good and an older or other one is not",
    "[manifest][T-15]")
{
    REQUIRE(remember_serial(folder, *load()));
    CHECK(load());
    write(R"({"schema": "ocu-manifest/1", "serial": 4})");
    CHECK(refusal().starts_with("serial|must not fall"));
    write(R"({"schema": "ocu-manifest/1", "serial": 5, "mcp": {}})");
    CHECK(refusal().starts_with("serial|must rise"));
    write(R"({"schema": "ocu-manifest/1", "serial": 6})");
    CHECK(load()->serial == 6);
}

TEST_CASE_METHOD(ManifestTest, "serial: given a damaged memory of it, when a manifest is loaded, then it is refused", "[manifest][T-15]")
{
    for (auto const* const text : {"", "5", "5 \n", "x 0000", "5 0123\n"}) {
        put(folder + "/state/manifest.serial", text);
        CHECK(refusal().find("damaged") != std::string::npos);
    }
}

TEST_CASE_METHOD(ManifestTest, "files: given a file that is there, when it must not be replaced, then it stays", "[manifest]")
{
    std::string const path = folder + "/key";
    std::string const text = "one";
    REQUIRE(write_file(path, std::as_bytes(std::span(text)), 0600, Replace::no));
    CHECK(write_file(path, std::as_bytes(std::span(text)), 0600, Replace::no).error().fault == Fault::conflict);
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(read_file(path, 2).error().fault == Fault::over_limit);
    CHECK(read_file(path + "x", 2).error().fault == Fault::not_found);
}

}  // namespace test_manifest
