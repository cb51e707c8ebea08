// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/vault.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "base/assert.h"
#include "base/unique_fd.h"

namespace ocu::custody {

namespace {

// Also the associated data: a vault of one version never opens as another.
constexpr std::string_view kHeader1 = "ocu-vault/1\n";
constexpr std::string_view kHeader2 = "ocu-vault/2\n";
constexpr std::string_view kHeader3 = "ocu-vault/3\n";
static_assert(kHeader1.size() == kHeader2.size() && kHeader2.size() == kHeader3.size());
constexpr char kBesideFile[] = "custody.vault.new";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kSizeBytes = 4;
constexpr std::size_t kFixedBytes2 = 4 * kKeyBytes + kDigestBytes + kTimeBytes;            // then the certificate
constexpr std::size_t kFixedBytes3 = kFixedBytes2 + 2 * kKeyBytes + kTimeBytes + kSizeBytes;  // then both certificates
constexpr std::size_t kVaultBytesMax = 32u << 10;
static_assert(kHeader3.size() + 12 + kFixedBytes3 + crypto::kChainBytesMax + kAuthorityBytesMax + 16 <= kVaultBytesMax);

Result<void> derive_public(Keys& keys)
{
    keys.checkpoint_public = OCU_TRY(crypto::ed25519_public(keys.checkpoint_seed));
    keys.token_public = OCU_TRY(crypto::ed25519_public(keys.token_seed));
    if (!keys.appliance_seed.empty()) keys.appliance_public = OCU_TRY(crypto::x25519_public(keys.appliance_seed));
    return {};
}

// What is left of the plain text; a part is taken only where it is there.
class Rest {
public:
    explicit Rest(std::span<std::byte const> bytes) : bytes_(bytes) {}
    std::size_t size() const { return bytes_.size(); }
    std::span<std::byte const> take(std::size_t size)
    {
        auto const head = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        return head;
    }
    Result<void> key(Secret& into)
    {
        into = OCU_TRY(Secret::copy_of(take(kKeyBytes)));
        return {};
    }
    std::uint64_t number(std::size_t size)
    {
        std::uint64_t value = 0;
        auto const bytes = take(size);
        for (std::size_t i = 0; i < size; ++i) value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
        return value;
    }
    std::chrono::sys_seconds time()
    {
        return std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(number(kTimeBytes))));
    }
    std::string text(std::size_t size)
    {
        auto const bytes = take(size);
        return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
    }

private:
    std::span<std::byte const> bytes_;
};

// The keys that rest side by side, in the order in which the versions added them.
std::array<Secret Keys::*, 4> constexpr kKeysOf2{&Keys::checkpoint_seed, &Keys::token_seed, &Keys::appliance_seed, &Keys::service_key};
std::array<Secret Keys::*, 2> constexpr kKeysAddedBy3{&Keys::scoped_key, &Keys::authority_key};

Result<Keys> keys_of_1(Rest plain)
{
    if (plain.size() != 2 * kKeyBytes) return fail(Fault::malformed, "the vault holds something else");
    Keys keys;
    OCU_CHECK(plain.key(keys.checkpoint_seed));
    OCU_CHECK(plain.key(keys.token_seed));
    OCU_CHECK(derive_public(keys));
    return keys;
}

Result<void> take_of_2(Rest& plain, Keys& keys)
{
    for (auto const each : kKeysOf2) OCU_CHECK(plain.key(keys.*each));
    OCU_CHECK(derive_public(keys));
    std::ranges::copy(plain.take(kDigestBytes), std::as_writable_bytes(std::span(keys.certificate.names)).begin());
    keys.certificate.not_after = plain.time();
    return {};
}

Result<Keys> keys_of_2(Rest plain)
{
    if (plain.size() < kFixedBytes2 || plain.size() > kFixedBytes2 + crypto::kChainBytesMax)
        return fail(Fault::malformed, "the vault holds something else");
    Keys keys;
    OCU_CHECK(take_of_2(plain, keys));
    keys.certificate.pem = plain.text(plain.size());
    return keys;
}

Result<Keys> keys_of_3(Rest plain)
{
    if (plain.size() < kFixedBytes3) return fail(Fault::malformed, "the vault holds something else");
    Keys keys;
    OCU_CHECK(take_of_2(plain, keys));
    for (auto const each : kKeysAddedBy3) OCU_CHECK(plain.key(keys.*each));
    keys.authority.not_after = plain.time();
    auto const size = plain.number(kSizeBytes);
    if (size > plain.size() || size > crypto::kChainBytesMax || plain.size() - size > kAuthorityBytesMax)
        return fail(Fault::malformed, "the vault holds something else");
    keys.certificate.pem = plain.text(size);
    keys.authority.pem = plain.text(plain.size());
    return keys;
}

// Reads until `into` is full or the file ends.
Result<std::size_t> read_whole(int fd, std::span<std::byte> into)
{
    std::size_t size = 0;
    while (size < into.size()) {
        // The key of a TPM comes through a pipe, which has no places.
        ssize_t got = ::pread(fd, into.data() + size, into.size() - size, static_cast<off_t>(size));
        if (got < 0 && errno == ESPIPE) got = ::read(fd, into.data() + size, into.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_os("read a key file");
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    return size;
}

Result<void> write_whole(int fd, std::span<std::uint8_t const> bytes)
{
    std::size_t size = 0;
    while (size < bytes.size()) {
        ssize_t const put = ::pwrite(fd, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail_os("write the vault");
        size += static_cast<std::size_t>(put);
    }
    if (::fsync(fd) != 0) return fail_os("bring the vault to disk");
    return {};
}

Result<Secret> random_key()
{
    auto key = OCU_TRY(Secret::make(kKeyBytes));
    crypto::random_bytes(key.bytes());
    return key;
}

// A clock that was far ahead when it was made counts as well: nobody would take that certificate yet.
bool is_good(std::string const& pem, std::chrono::sys_seconds not_after, std::chrono::sys_seconds now, unsigned days)
{
    return !pem.empty() && not_after - now >= kRenewBefore && not_after - now <= std::chrono::days(days) + std::chrono::hours(1);
}

crypto::Digest digest_of(crypto::CertificateNames const& names)
{
    // A list of lists, each element ended by a byte that none can hold.
    std::string text = names.common_name + '\n';
    for (auto const& each : names.hosts) text += "h " + each + '\n';
    for (auto const& each : names.addresses) text += "a " + each + '\n';
    return crypto::sha256(text);
}

}  // namespace

Result<bool> complete(Keys& keys)
{
    bool const whole = !keys.appliance_seed.empty() && !keys.service_key.empty() && !keys.scoped_key.empty() && !keys.authority_key.empty();
    if (whole) return false;
    if (keys.appliance_seed.empty()) keys.appliance_seed = OCU_TRY(crypto::make_x25519_seed());
    if (keys.service_key.empty()) keys.service_key = OCU_TRY(crypto::make_p256_key());
    if (keys.scoped_key.empty()) keys.scoped_key = OCU_TRY(random_key());
    if (keys.authority_key.empty()) keys.authority_key = OCU_TRY(crypto::make_p256_key());
    OCU_CHECK(derive_public(keys));
    return true;
}

Result<Keys> make_keys()
{
    Keys keys;
    for (auto* const each : {&keys.checkpoint_seed, &keys.token_seed}) *each = OCU_TRY(random_key());
    (void)OCU_TRY(complete(keys));
    return keys;
}

Result<bool> renew_authority(Keys& keys, std::chrono::sys_seconds now)
{
    if (is_good(keys.authority.pem, keys.authority.not_after, now, kAuthorityDays)) return false;
    auto const point = OCU_TRY(crypto::p256_public(keys.authority_key));
    auto const id = crypto::sha256(std::as_bytes(std::span(point)));
    keys.authority = OCU_TRY(crypto::issue_authority(
        keys.authority_key, "ocu-appliance sandbox CA " + crypto::to_hex(std::span(id).first(4)), now, kAuthorityDays));
    return true;
}

Result<bool> renew_certificate(Keys& keys, crypto::CertificateNames const& names, std::chrono::sys_seconds now)
{
    auto& own = keys.certificate;
    auto const digest = digest_of(names);
    if (own.names == digest && is_good(own.pem, own.not_after, now, kCertificateDays)) return false;
    auto issued = OCU_TRY(crypto::issue_self_signed(keys.service_key, names, now, kCertificateDays));
    own = {std::move(issued.pem), issued.not_after, digest};
    return true;
}

Result<std::vector<std::uint8_t>> seal_vault(Secret const& machine_key, Keys const& keys)
{
    auto const& own = keys.certificate;
    auto const& authority = keys.authority;
    if (own.pem.size() > crypto::kChainBytesMax || authority.pem.size() > kAuthorityBytesMax)
        return fail(Fault::over_limit, "a certificate that is too large for the vault");
    auto plain = OCU_TRY(Secret::make(kFixedBytes3 + own.pem.size() + authority.pem.size()));
    auto at = plain.bytes().begin();
    auto const put_number = [&at](std::uint64_t value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) *at++ = static_cast<std::byte>(value >> (8 * i) & 0xff);
    };
    auto const put_time = [&](std::chrono::sys_seconds when) {
        put_number(static_cast<std::uint64_t>(when.time_since_epoch().count()), kTimeBytes);
    };
    for (auto const each : kKeysOf2) at = std::ranges::copy((keys.*each).bytes(), at).out;
    at = std::ranges::copy(std::as_bytes(std::span(own.names)), at).out;
    put_time(own.not_after);
    for (auto const each : kKeysAddedBy3) at = std::ranges::copy((keys.*each).bytes(), at).out;
    put_time(authority.not_after);
    put_number(own.pem.size(), kSizeBytes);
    at = std::ranges::copy(crypto::as_bytes(own.pem), at).out;
    at = std::ranges::copy(crypto::as_bytes(authority.pem), at).out;
    OCU_ASSERT(at == plain.bytes().end());
    auto const sealed = OCU_TRY(crypto::seal(machine_key, plain.bytes(), crypto::as_bytes(kHeader3)));
    std::vector<std::uint8_t> out(kHeader3.begin(), kHeader3.end());
    out.insert(out.end(), sealed.begin(), sealed.end());
    return out;
}

Result<Keys> open_vault(Secret const& machine_key, std::span<std::uint8_t const> bytes)
{
    struct Version {
        std::string_view header;
        Result<Keys> (*read)(Rest);
    };
    constexpr std::array kVersions{Version{kHeader1, keys_of_1}, Version{kHeader2, keys_of_2}, Version{kHeader3, keys_of_3}};
    std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    for (auto const& version : kVersions) {
        if (!text.starts_with(version.header)) continue;
        auto const plain = OCU_TRY(crypto::open(machine_key, bytes.subspan(version.header.size()), crypto::as_bytes(version.header)));
        return version.read(Rest(plain.bytes()));
    }
    return fail(Fault::malformed, "the vault is not of this format");
}

Result<Secret> read_machine_key(int fd)
{
    auto bytes = OCU_TRY(Secret::make(kKeyBytes + 1));  // one more, to see a file that is too long
    if (OCU_TRY(read_whole(fd, bytes.bytes())) != kKeyBytes) return fail(Fault::malformed, "the machine key is not 32 bytes");
    return Secret::copy_of(bytes.bytes().first(kKeyBytes));
}

Result<std::optional<Keys>> load_vault(int directory, Secret const& machine_key)
{
    UniqueFd const file(::openat(directory, kVaultFile, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file && errno == ENOENT) return std::nullopt;
    if (!file) return fail_os("open the vault");
    std::vector<std::uint8_t> bytes(kVaultBytesMax + 1);
    auto const size = OCU_TRY(read_whole(file.get(), std::as_writable_bytes(std::span(bytes))));
    if (size == 0) return std::nullopt;
    if (size > kVaultBytesMax) return fail(Fault::malformed, "the vault is too large");
    return OCU_TRY(open_vault(machine_key, std::span(bytes).first(size)));
}

Result<void> store_vault(int directory, Secret const& machine_key, Keys const& keys)
{
    auto const sealed = OCU_TRY(seal_vault(machine_key, keys));
    UniqueFd const fresh(::openat(directory, kBesideFile, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fresh) return fail_os("make a new vault");
    OCU_CHECK(write_whole(fresh.get(), sealed));
    if (::renameat(directory, kBesideFile, directory, kVaultFile) != 0) return fail_os("put the new vault in place");
    if (::fsync(directory) != 0) return fail_os("bring the vault's name to disk");
    return {};
}

}  // namespace ocu::custody
