// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/cli and audit/export. Exit codes of 03-interfaces: 0 done, 1 refused or failed, 2 usage.

#include "audit/cli.h"
#include "unit/audit/support.h"

namespace test_cli {

using namespace audit_support;

int call(std::vector<std::string> words)
{
    words.insert(words.begin(), "audit");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    return audit::audit_main(static_cast<int>(argv.size()), argv.data());
}

struct CliTest {
    CliTest()
    {
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, 300);
        sign(*log, signer);
        write(out.path() / "key", format_key(make_key(kOrigin, signer.key)));
    }
    Folder folder;
    Folder out;
    ManualClock clock;
    SystemDisk disk;
    Signer signer;
    std::string dir = folder.path().string();
};

TEST_CASE_METHOD(CliTest, "cli: given a good log, when each command is called, then it is done", "[audit][AU-4][AU-8]")
{
    auto const archive = (out.path() / "audit.tar.zst").string();
    CHECK(call({"verify", dir}) == 0);
    CHECK(call({"verify", dir, "--json", "--key", (out.path() / "key").string()}) == 0);
    CHECK(call({"verify", dir, "--jobs", "2"}) == 0);
    CHECK(call({"verify", dir, "--range", "7-250"}) == 0);
    CHECK(call({"verify", dir, "--range", "7-9999", "--json"}) == 1);
    CHECK(call({"head", dir}) == 0);
    CHECK(call({"tail", dir, "-n", "2"}) == 0);
    CHECK(call({"tail", dir, "--json", "--session", "s-0000000000000007", "--since", "2026-01-01T00:00:00Z", "--outcome", "success"}) == 0);
    CHECK(call({"replay", dir, "s-0000000000000007"}) == 0);
    CHECK(call({"replay", dir, "s-0000000000001007"}) == 1);
    CHECK(call({"metering", dir}) == 1);  // no session was metered in it
    CHECK(call({"metering", dir, "--json", "--from", "7d", "--to", "2026-01-01T00:00:00Z", "--caller", "dev"}) == 0);
    CHECK(call({"prove", dir, "7"}) == 0);
    CHECK(call({"prove", dir, "--from", "7"}) == 0);
    CHECK(call({"export", dir, archive}) == 0);
    CHECK(read(archive).starts_with("\x28\xb5\x2f\xfd"));
    CHECK(call({"export", dir, archive}) == 1);  // what exists is not overwritten
}

TEST_CASE_METHOD(CliTest, "cli: given an altered log or another key, when verified, then it fails", "[audit][T-09][AU-4]")
{
    auto other = signer.key;
    other[0] ^= 1;
    write(out.path() / "key", format_key(make_key(kOrigin, other)));
    CHECK(call({"verify", dir, "--key", (out.path() / "key").string()}) == 1);
    auto const path = folder.path() / "journal/00000000.seg";
    auto bytes = read(path);
    bytes[1000] ^= 1;
    write(path, bytes);
    CHECK(call({"verify", dir}) == 1);
    CHECK(call({"verify", dir + "/none"}) == 1);
    CHECK(call({"prove", dir, "301"}) == 1);
}

TEST_CASE("cli: given words that are no command, when called, then usage", "[audit]")
{
    CHECK(call({}) == 2);
    CHECK(call({"shred", "x"}) == 2);
    CHECK(call({"verify"}) == 2);
    CHECK(call({"verify", "x", "--force"}) == 2);
    for (auto const* range : {"7", "9-7", "-7", "a-b"}) CHECK(call({"verify", "x", "--range", range}) == 2);
    for (auto const* jobs : {"0", "9", "many"}) CHECK(call({"verify", "x", "--jobs", jobs}) == 2);
    CHECK(call({"tail", "x", "-n", "many"}) == 2);
    CHECK(call({"tail", "x", "-n", "1000001"}) == 2);
    CHECK(call({"tail"}) == 2);
    CHECK(call({"tail", "x", "--session"}) == 2);
    CHECK(call({"tail", "x", "--session", "7"}) == 2);
    CHECK(call({"tail", "x", "--class", "api"}) == 2);
    CHECK(call({"tail", "x", "--outcome", "good"}) == 2);
    CHECK(call({"tail", "x", "--since", "noon"}) == 2);
    CHECK(call({"tail", "x", "--colour", "red"}) == 2);
    CHECK(call({"replay", "x"}) == 2);
    CHECK(call({"replay", "x", "7"}) == 2);
    CHECK(call({"tail", "/nonexistent"}) == 1);
    CHECK(call({"--help"}) == 0);
}

}  // namespace test_cli
