// SPDX-License-Identifier: GPL-3.0-or-later
// The real helper, confined, with a vault in a temporary file.

#include <catch2/catch_test_macros.hpp>

#include <sys/mman.h>
#include <sys/stat.h>

#include "base/crypto/crypto.h"
#include "custody/helpers.h"
#include "custody/session_token.h"
#include "proto/custody_helper_to_custody.h"
#include "support/helper_process.h"

namespace {

using namespace ocu;

std::string const kNote = "example.org/log\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

struct Files {
    Files() : vault(::memfd_create("vault", MFD_CLOEXEC)), machine_key(::memfd_create("key", MFD_CLOEXEC))
    {
        std::string const key(32, 'k');
        REQUIRE(::pwrite(machine_key.get(), key.data(), key.size(), 0) == 32);
    }
    std::string vault_bytes() const
    {
        char bytes[512];
        ssize_t const got = ::pread(vault.get(), bytes, sizeof bytes, 0);
        REQUIRE(got >= 0);
        return {bytes, static_cast<std::size_t>(got)};
    }

    UniqueFd vault;
    UniqueFd machine_key;
};

struct CustodyProcess {
    explicit CustodyProcess(Files const& files) { helper.configure(proto::CustodyConfig{}, {files.vault.get(), files.machine_key.get()}); }
    proto::CustodyReport report()
    {
        auto const report = wire::decode<proto::CustodyReport>(helper.ready());
        REQUIRE(report);
        return *report;
    }

    test::HelperProcess helper{"custody", custody::custody_main};
};

}  // namespace

TEST_CASE("custody: given an empty vault, when started twice, then the second start has the keys of the first", "[custody][T-09][CU-5]")
{
    Files const files;
    proto::CustodyReport first;
    {
        CustodyProcess process(files);
        first = process.report();
        CHECK(process.helper.end() == 0);
    }
    auto const sealed = files.vault_bytes();
    CHECK(sealed.size() > 64);
    CustodyProcess again(files);
    auto const second = again.report();
    CHECK(second.checkpoint_public == first.checkpoint_public);
    CHECK(second.token_public == first.token_public);
    CHECK(first.token_public != first.checkpoint_public);
    CHECK(files.vault_bytes() == sealed);
}

TEST_CASE("custody: given a checkpoint, when asked to sign it, then the signature verifies with the reported key", "[custody][AU-2]")
{
    Files const files;
    CustodyProcess process(files);
    auto const report = process.report();
    process.helper.send(proto::SignCheckpoint{RequestId{9}, kNote});
    auto const answer = process.helper.expect<proto::CheckpointSigned>();
    CHECK(answer.request == RequestId{9});
    CHECK(answer.good);
    CHECK(crypto::ed25519_verify(report.checkpoint_public, crypto::as_bytes(kNote), answer.signature));
}

TEST_CASE("custody: given text that is no checkpoint, when asked to sign it, then refused, and the next question is answered",
    "[custody][T-09][T-14]")
{
    Files const files;
    CustodyProcess process(files);
    (void)process.report();
    process.helper.send(proto::SignCheckpoint{RequestId{1}, "sign anything"});
    auto const refused = process.helper.expect<proto::CheckpointSigned>();
    CHECK_FALSE(refused.good);
    CHECK(refused.signature == crypto::Signature{});
    process.helper.send(proto::SignCheckpoint{RequestId{2}, kNote});
    CHECK(process.helper.expect<proto::CheckpointSigned>().good);
}

TEST_CASE("custody: given a session, when a token is wanted, then it verifies with the reported key and for its container only",
    "[custody][T-01][CU-5]")
{
    Files const files;
    CustodyProcess process(files);
    auto const report = process.report();
    process.helper.send(proto::MintToken{RequestId{3}, SessionId{42}, "ocu-s-1", std::chrono::seconds(60)});
    auto const minted = process.helper.expect<proto::MintedToken>();
    REQUIRE(minted.good);
    auto const now = SystemClock().wall();
    auto const token = custody::verify_session_token(report.token_public, minted.token.view(), "ocu-s-1", now);
    REQUIRE(token);
    CHECK(token->session == SessionId{42});
    CHECK_FALSE(custody::verify_session_token(report.token_public, minted.token.view(), "ocu-s-2", now));
    process.helper.send(proto::MintToken{RequestId{4}, SessionId{42}, "ocu-s-1", std::chrono::seconds(3601)});
    CHECK_FALSE(process.helper.expect<proto::MintedToken>().good);
}

TEST_CASE("custody: given a vault with one byte altered, when started, then it ends and leaves the vault as it is", "[custody][T-09][T-12]")
{
    Files const files;
    (void)CustodyProcess(files).report();
    auto altered = files.vault_bytes();
    altered.back() = static_cast<char>(altered.back() ^ 1);
    REQUIRE(::pwrite(files.vault.get(), altered.data(), altered.size(), 0) == static_cast<ssize_t>(altered.size()));
    CustodyProcess process(files);
    CHECK(WEXITSTATUS(process.helper.wait()) == 1);
    CHECK(files.vault_bytes() == altered);
}

TEST_CASE("custody: given another machine's key, when started, then it ends", "[custody][T-12]")
{
    Files const files;
    (void)CustodyProcess(files).report();
    REQUIRE(::pwrite(files.machine_key.get(), "X", 1, 0) == 1);
    CustodyProcess process(files);
    CHECK(WEXITSTATUS(process.helper.wait()) == 1);
}

TEST_CASE("custody: given a machine key of the wrong size, when started, then it ends and makes no vault", "[custody][T-12]")
{
    for (off_t const size : {0, 31, 33}) {
        Files const files;
        REQUIRE(::ftruncate(files.machine_key.get(), size) == 0);
        CustodyProcess process(files);
        CHECK(WEXITSTATUS(process.helper.wait()) == 1);
        CHECK(files.vault_bytes().empty());
    }
}
