// SPDX-License-Identifier: GPL-3.0-or-later
// Units: vault, service_identity.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sealed_face.h"
#include "custody/service_identity.h"
#include "custody/vault.h"
#include "support/vault_folder.h"

namespace test_vault {

using namespace ocu;
using namespace std::chrono_literals;
using crypto::IdentityFault;

constexpr std::chrono::sys_seconds kNow{1'800'000'000s};
crypto::CertificateNames const kNames{"ocu-appliance", {"appliance.internal"}, {"192.0.2.7"}};

struct VaultTest {
    VaultTest() : machine_key(*Secret::copy_of(crypto::as_bytes(std::string(32, 'k')))), keys(*custody::make_keys()) {}

    // The version 1 vault of `keys`.
    std::string old_vault() const { return test::VaultFolder::version_1(machine_key, keys.checkpoint_seed, keys.token_seed); }
    bool has_old_keys() const
    {
        auto const found = custody::load_vault(folder.fd(), machine_key);
        return found && *found && (*found)->checkpoint_public == keys.checkpoint_public && (*found)->token_public == keys.token_public;
    }

    Secret machine_key;
    custody::Keys keys;
    test::VaultFolder folder;
};

TEST_CASE_METHOD(VaultTest, "vault: given sealed keys, when opened, then they are the same, and none shows in the file", "[custody][T-12]")
{
    REQUIRE(custody::renew_certificate(keys, kNames, kNow));
    REQUIRE(custody::renew_authority(keys, kNow));
    auto const sealed = *custody::seal_vault(machine_key, keys);
    auto const opened = custody::open_vault(machine_key, sealed);
    REQUIRE(opened);
    CHECK(opened->checkpoint_public == keys.checkpoint_public);
    CHECK(opened->token_public == keys.token_public);
    CHECK(opened->appliance_public == keys.appliance_public);
    CHECK(std::ranges::equal(opened->service_key.bytes(), keys.service_key.bytes()));
    CHECK(opened->certificate.pem == keys.certificate.pem);
    CHECK(opened->certificate.not_after == keys.certificate.not_after);
    CHECK(opened->certificate.names == keys.certificate.names);
    CHECK(std::ranges::equal(opened->scoped_key.bytes(), keys.scoped_key.bytes()));
    CHECK(std::ranges::equal(opened->authority_key.bytes(), keys.authority_key.bytes()));
    CHECK(opened->authority.pem == keys.authority.pem);
    CHECK(opened->authority.not_after == keys.authority.not_after);
    for (auto const* each :
        {&keys.checkpoint_seed, &keys.token_seed, &keys.appliance_seed, &keys.service_key, &keys.scoped_key, &keys.authority_key})
        CHECK(std::ranges::search(std::as_bytes(std::span(sealed)), each->bytes()).empty());
}

TEST_CASE_METHOD(VaultTest, "vault: given any one byte changed or cut off, when opened, then refused", "[custody][T-09][T-12]")
{
    auto const sealed = *custody::seal_vault(machine_key, keys);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        auto altered = sealed;
        altered[i] ^= 1;
        CHECK_FALSE(custody::open_vault(machine_key, altered));
        CHECK_FALSE(custody::open_vault(machine_key, std::span(sealed).first(i)));
    }
    CHECK_FALSE(custody::open_vault(*Secret::copy_of(crypto::as_bytes(std::string(32, 'x'))), sealed));
}

TEST_CASE_METHOD(VaultTest, "vault: given none, or an empty file, when loaded, then nothing, and once stored, its keys", "[custody][T-09]")
{
    CHECK_FALSE(custody::load_vault(folder.fd(), machine_key).value());
    folder.put("");
    CHECK_FALSE(custody::load_vault(folder.fd(), machine_key).value());
    REQUIRE(custody::store_vault(folder.fd(), machine_key, keys));
    CHECK(has_old_keys());
    CHECK(folder.bytes("custody.vault.new").empty());
}

TEST_CASE_METHOD(
    VaultTest, "vault: given a file that is not a vault, or too large, when loaded, then refused and unchanged", "[custody][T-09]")
{
    for (auto const& bad : {std::string("x"), std::string(40'000, 'x'), std::string("ocu-vault/4\n") + std::string(100, 'x')}) {
        folder.put(bad);
        CHECK_FALSE(custody::load_vault(folder.fd(), machine_key));
        CHECK(folder.bytes() == bad);
    }
}

TEST_CASE_METHOD(VaultTest, "vault: given one of version 1, when loaded and completed, then the old keys stay and new ones come",
    "[custody][T-09][CU-1]")
{
    folder.put(old_vault());
    auto found = std::move(custody::load_vault(folder.fd(), machine_key).value().value());
    CHECK(found.checkpoint_public == keys.checkpoint_public);
    CHECK(found.appliance_seed.empty());
    CHECK(custody::complete(found).value());
    CHECK_FALSE(custody::complete(found).value());
    CHECK(found.checkpoint_public == keys.checkpoint_public);
    CHECK(found.token_public == keys.token_public);
    REQUIRE(custody::store_vault(folder.fd(), machine_key, found));
    CHECK(has_old_keys());
    auto const again = std::move(custody::load_vault(folder.fd(), machine_key).value().value());
    CHECK(again.appliance_public == found.appliance_public);
    CHECK(folder.bytes().starts_with("ocu-vault/3\n"));
}

TEST_CASE_METHOD(VaultTest,
    "vault: given one of version 2, when loaded and completed, then its keys and certificate stay and new ones come",
    "[custody][T-09][CU-1][CU-4]")
{
    REQUIRE(custody::renew_certificate(keys, kNames, kNow));
    folder.put(test::VaultFolder::version_2(machine_key, keys));
    auto found = std::move(custody::load_vault(folder.fd(), machine_key).value().value());
    CHECK(found.scoped_key.empty());
    CHECK(found.authority_key.empty());
    CHECK(custody::complete(found).value());
    CHECK_FALSE(custody::complete(found).value());
    CHECK(custody::renew_authority(found, kNow).value());
    REQUIRE(custody::store_vault(folder.fd(), machine_key, found));
    CHECK(has_old_keys());
    auto const again = std::move(custody::load_vault(folder.fd(), machine_key).value().value());
    CHECK(again.appliance_public == keys.appliance_public);
    CHECK(std::ranges::equal(again.service_key.bytes(), keys.service_key.bytes()));
    CHECK(again.certificate.pem == keys.certificate.pem);
    CHECK(std::ranges::equal(again.authority_key.bytes(), found.authority_key.bytes()));
    CHECK(again.authority.pem == found.authority.pem);
}

TEST_CASE_METHOD(VaultTest,
    "authority: given its certificate in time, when renewed, then it stays; else a new one, good for the same leaves",
    "[custody][CU-4][EG-8]")
{
    REQUIRE(custody::renew_authority(keys, kNow).value());
    auto const first = keys.authority;
    CHECK(first.not_after == kNow + std::chrono::days(3650));
    auto const last_day = first.not_after - custody::kRenewBefore;
    for (auto const when : {kNow, last_day, kNow - 1h}) CHECK_FALSE(custody::renew_authority(keys, when).value());
    auto const when = GENERATE(kNow - 2h, kNow + std::chrono::days(3650 - 29));
    REQUIRE(custody::renew_authority(keys, when).value());
    CHECK(keys.authority.pem != first.pem);
    CHECK(*crypto::certificate_key_pin(keys.authority.pem) == *crypto::certificate_key_pin(first.pem));
}

TEST_CASE_METHOD(VaultTest, "vault: given the header of another version on its bytes, when opened, then refused", "[custody][T-09]")
{
    for (char const other : {'1', '2'}) {
        auto sealed = *custody::seal_vault(machine_key, keys);
        sealed[10] = static_cast<std::uint8_t>(other);
        CHECK_FALSE(custody::open_vault(machine_key, sealed));
    }
    auto old = old_vault();
    old[10] = '2';
    CHECK_FALSE(custody::open_vault(machine_key, std::vector<std::uint8_t>(old.begin(), old.end())));
}

// Stops the child before and after each system call of its own, and kills it at the `at`-th stop. True if it ended before that.
bool ends_before(int at, std::function<void()> const& work)
{
    pid_t const child = ::fork();
    if (child == 0) {
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        ::raise(SIGSTOP);
        work();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    for (int stop = 0; stop < at; ++stop) {
        ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
        REQUIRE(::waitpid(child, &status, 0) == child);
        if (WIFEXITED(status)) return true;
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    return false;
}

TEST_CASE_METHOD(VaultTest, "vault: given an upgrade that is killed at any system call, when loaded, then the old keys are there",
    "[custody][T-09][T-10]")
{
    auto const old = GENERATE(1, 2) == 1 ? old_vault() : test::VaultFolder::version_2(machine_key, keys);
    bool replaced = false;
    bool ended = false;
    for (int at = 1; !ended && at < 1000; ++at) {
        folder.put(old);
        ended = ends_before(at, [&] { (void)custody::store_vault(folder.fd(), machine_key, keys); });
        REQUIRE(has_old_keys());
        replaced = folder.bytes() != old;
    }
    CHECK(ended);
    CHECK(replaced);
}

TEST_CASE_METHOD(
    VaultTest, "vault: given a disk that takes only half, when stored, then an error and the old vault stands", "[custody][T-09]")
{
    auto const old = old_vault();
    folder.put(old);
    pid_t const child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit const little{80, 80};
        ::setrlimit(RLIMIT_FSIZE, &little);
        ::_exit(custody::store_vault(folder.fd(), machine_key, keys) ? 0 : 3);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 3);
    CHECK(folder.bytes() == old);
    CHECK(has_old_keys());
    REQUIRE(custody::store_vault(folder.fd(), machine_key, keys));  // what was left beside does not matter
    CHECK(has_old_keys());
}

TEST_CASE_METHOD(
    VaultTest, "certificate: given the same names in time, when renewed, then it stays; else a new one for the same key", "[custody][GW-1]")
{
    REQUIRE(custody::renew_certificate(keys, kNames, kNow).value());
    auto const first = keys.certificate;
    auto const pin = *crypto::certificate_key_pin(first.pem);
    auto const last_day = first.not_after - custody::kRenewBefore;
    for (auto const when : {kNow, last_day, kNow - 1h}) CHECK_FALSE(custody::renew_certificate(keys, kNames, when).value());
    CHECK(keys.certificate.pem == first.pem);
    SECTION("its last thirty days") { CHECK(custody::renew_certificate(keys, kNames, last_day + 1s).value()); }
    SECTION("a clock that was ahead") { CHECK(custody::renew_certificate(keys, kNames, kNow - 2h).value()); }
    SECTION("another host") { CHECK(custody::renew_certificate(keys, {"ocu-appliance", {"other"}, {"192.0.2.7"}}, kNow).value()); }
    SECTION("an address that was a host")
    {
        CHECK(custody::renew_certificate(keys, {"ocu-appliance", {"appliance.internal", "192.0.2.7"}, {}}, kNow).value());
    }
    CHECK(keys.certificate.pem != first.pem);
    CHECK(*crypto::certificate_key_pin(keys.certificate.pem) == pin);
}

struct GivenTest : VaultTest {
    GivenTest()
    {
        config.serve = proto::ServeTls::given;
        config.certificate = decltype(config.certificate)(crypto::issue_self_signed(operators, kNames, kNow, 90)->pem);
        config.sealed_key = seal(keys.appliance_public, operators);
    }
    static decltype(proto::CustodyConfig::sealed_key) seal(crypto::X25519Public const& to, Secret const& key)
    {
        return decltype(proto::CustodyConfig::sealed_key)(*sealed::seal_to_appliance(to, crypto::p256_key_pem(key)->bytes()));
    }
    IdentityFault fault(std::chrono::sys_seconds now = kNow) const
    {
        auto const made = custody::service_identity(config, keys, now);
        return made ? IdentityFault::none : made.error();
    }

    Secret operators = *crypto::make_p256_key();
    proto::CustodyConfig config;
};

TEST_CASE_METHOD(
    GivenTest, "identity: given a certificate and its key sealed to this machine, when asked for, then it is that", "[custody][AP-2]")
{
    auto const made = custody::service_identity(config, keys, kNow);
    REQUIRE(made);
    CHECK(made->certificate_pem == config.certificate.str());
    CHECK(std::ranges::equal(made->key_pem.bytes(), crypto::p256_key_pem(operators)->bytes()));
}

TEST_CASE_METHOD(GivenTest, "identity: given a key that is another's, altered, or sealed elsewhere, when asked for, then refused as such",
    "[custody][AP-2][T-12]")
{
    SECTION("another key")
    {
        config.sealed_key = seal(keys.appliance_public, *crypto::make_p256_key());
        CHECK(fault() == IdentityFault::key_mismatch);
    }
    SECTION("another appliance")
    {
        config.sealed_key = seal(custody::make_keys()->appliance_public, operators);
        CHECK(fault() == IdentityFault::sealed_to_another);
    }
    SECTION("altered")
    {
        auto text = config.sealed_key.str();
        text[60] = text[60] == 'A' ? 'B' : 'A';
        config.sealed_key = decltype(config.sealed_key)(text);
        CHECK(fault() == IdentityFault::sealed_altered);
    }
    SECTION("no sealed text")
    {
        config.sealed_key = "x";
        CHECK(fault() == IdentityFault::sealed_unreadable);
    }
    SECTION("a passphrase")
    {
        auto const passphrase = *Secret::copy_of(crypto::as_bytes("p"));
        config.sealed_key = decltype(config.sealed_key)(*sealed::seal_to_passphrase(passphrase, crypto::as_bytes("x")));
        CHECK(fault() == IdentityFault::sealed_to_passphrase);
    }
    SECTION("its time over") { CHECK(fault(kNow + std::chrono::days(91)) == IdentityFault::expired); }
}

TEST_CASE_METHOD(VaultTest, "identity: given no TLS, when asked for, then none; given the own key, then its certificate", "[custody][GW-1]")
{
    proto::CustodyConfig config;
    auto const none = custody::service_identity(config, keys, kNow);
    REQUIRE(none);
    CHECK(none->key_pem.empty());
    config.serve = proto::ServeTls::own;
    config.names.push("a.internal");
    config.names.push("192.0.2.7");
    config.names.push("2001:db8::1");
    auto const names = custody::certificate_names(config);
    CHECK(names.hosts == std::vector<std::string>{"a.internal"});
    CHECK(names.addresses == std::vector<std::string>{"192.0.2.7", "2001:db8::1"});
    REQUIRE(custody::renew_certificate(keys, names, kNow));
    auto const own = custody::service_identity(config, keys, kNow);
    REQUIRE(own);
    CHECK(own->certificate_pem == keys.certificate.pem);
    CHECK(crypto::judge_identity(own->certificate_pem, own->key_pem, kNow) == IdentityFault::none);
}

TEST_CASE("machine key: given it in a pipe, as a TPM's comes, when read, then it is whole, and a longer or shorter one is none",
    "[custody][T-12]")
{
    for (std::size_t const size : {0u, 31u, 32u, 33u}) {
        int ends[2] = {-1, -1};
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        UniqueFd const read_end(ends[0]);
        {
            UniqueFd const write_end(ends[1]);
            std::string const bytes(size, 'k');
            REQUIRE(::write(write_end.get(), bytes.data(), size) == static_cast<ssize_t>(size));
        }
        auto const key = custody::read_machine_key(read_end.get());
        CHECK(key.has_value() == (size == 32));
        if (!key) CHECK(key.error().fault == Fault::malformed);
    }
}

}  // namespace test_vault
