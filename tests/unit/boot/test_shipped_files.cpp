// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/shipped_files, in a directory of this machine, with a stick that answers when the test says so.

#include <catch2/catch_test_macros.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "appliance/init/shipped_files.h"

namespace test_shipped_files {

using namespace ocu;
using namespace ocu::init;

struct ShippedFilesTest {
    ShippedFilesTest()
    {
        char pattern[] = "/tmp/ocu-shipped.XXXXXX";
        REQUIRE(::mkdtemp(pattern) != nullptr);
        folder = pattern;
        files.emplace(folder.string(), [this](Candidate const& on, FileToCopy file, ShippedFiles::Copied done) {
            asked.push_back(on.device + " " + file.name);
            REQUIRE(::write(file.into.get(), file.name.data(), file.name.size()) == static_cast<ssize_t>(file.name.size()));
            file.into.reset();
            answer = std::move(done);
        });
    }
    ShippedFilesTest(ShippedFilesTest const&) = delete;
    ShippedFilesTest& operator=(ShippedFilesTest const&) = delete;
    ~ShippedFilesTest() { std::filesystem::remove_all(folder); }

    static std::string hash(char letter) { return std::string(64, letter); }
    void fetch()
    {
        Fetch order{.number = 1, .from = {}, .files = {{"sandbox.mounts[0]", "one", hash('a')}, {"sandbox.mounts[2]", "two", hash('b')}}};
        order.from.device = "sdb1";
        files->fetch(order, [this](manifest::Refusal const& why) { told.push_back(why.key + "|" + why.reason); });
    }
    void answer_with(std::optional<StickFailure> failure)
    {
        auto const done = std::exchange(answer, nullptr);
        REQUIRE(done);
        done(failure);
    }
    std::string content(std::string const& name) const
    {
        std::ifstream file(folder / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    auto entries() const { return std::distance(std::filesystem::directory_iterator(folder), {}); }

    std::filesystem::path folder;
    std::optional<ShippedFiles> files;
    std::vector<std::string> asked;
    std::vector<std::string> told;
    ShippedFiles::Copied answer;
};

#define OCU_SHIPPED_CASE(text, tags) TEST_CASE_METHOD(ShippedFilesTest, "shipped_files: " text, "[boot]" tags)

OCU_SHIPPED_CASE(
    "given two files, when both are copied, then each has its hash for a name, one after the other, and none had one before", "[T-34]")
{
    fetch();
    CHECK(asked == std::vector<std::string>{"sdb1 one"});
    CHECK(entries() == 0);
    answer_with({});
    CHECK(content(hash('a')) == "one");
    CHECK(asked.size() == 2);
    CHECK(told.empty());
    answer_with({});
    CHECK(content(hash('b')) == "two");
    CHECK(told == std::vector<std::string>{"|"});
}

OCU_SHIPPED_CASE(
    "given a file that is refused, when it is answered, then the key says which and what of it, and it is not kept", "[AP-2][T-34]")
{
    fetch();
    answer_with({});
    answer_with(StickFailure{CopyFault::content, "it is another file"});
    CHECK(told == std::vector<std::string>{"sandbox.mounts[2].sha256|mounts/two.erofs on sdb1: it is another file"});
    CHECK_FALSE(std::filesystem::exists(folder / hash('b')));
    fetch();
    answer_with(StickFailure{CopyFault::file, "there is none"});
    CHECK(told.back() == "sandbox.mounts[0].name|mounts/one.erofs on sdb1: there is none");
    fetch();
    answer_with(StickFailure{CopyFault::stick, "the stick was pulled out"});
    CHECK(told.back() == "sandbox.mounts|sdb1: the stick was pulled out");
    CHECK(asked.back() == "sdb1 one");
}

OCU_SHIPPED_CASE("given files that are there, when some are needed no more, then they are gone and the others stay", "[AP-2]")
{
    fetch();
    answer_with({});
    answer_with({});
    files->keep_only({hash('b')});
    CHECK_FALSE(std::filesystem::exists(folder / hash('a')));
    CHECK(content(hash('b')) == "two");
    files->keep_only({});
    CHECK(entries() == 0);
}

OCU_SHIPPED_CASE(
    "given a manifest to start with, when it is laid out, then its names are there and those of the one before are not", "[AP-2]")
{
    fetch();
    answer_with({});
    answer_with({});
    CHECK(files->lay_out({{"one", hash('a')}, {"same", hash('a')}}).value() == folder / "now");
    CHECK(content("now/one.erofs") == "one");
    CHECK(content("now/same.erofs") == "one");
    REQUIRE(files->lay_out({{"two", hash('b')}}));
    CHECK(content("now/two.erofs") == "two");
    CHECK(std::distance(std::filesystem::directory_iterator(folder / "now"), {}) == 1);
}

OCU_SHIPPED_CASE("given no place to keep a file, when it is wanted, then that is a refusal and the stick is not asked", "[AP-2]")
{
    std::filesystem::remove_all(folder);
    fetch();
    CHECK(asked.empty());
    CHECK(told == std::vector<std::string>{"sandbox.mounts[0].name|mounts/one.erofs: this machine cannot keep it"});
}

#undef OCU_SHIPPED_CASE

}  // namespace test_shipped_files
