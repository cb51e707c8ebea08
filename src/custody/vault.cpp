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
static_assert(kHeader1.size() == kHeader2.size());
constexpr char kBesideFile[] = "custody.vault.new";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kFixedBytes = 4 * kKeyBytes + kDigestBytes + kTimeBytes;  // then the certificate
constexpr std::size_t kVaultBytesMax = 32u << 10;
static_assert(kHeader2.size() + 12 + kFixedBytes + crypto::kChainBytesMax + 16 <= kVaultBytesMax);

Result<void> derive_public(Keys& keys)
{
    keys.checkpoint_public = OCU_TRY(crypto::ed25519_public(keys.checkpoint_seed));
    keys.token_public = OCU_TRY(crypto::ed25519_public(keys.token_seed));
    if (!keys.appliance_seed.empty()) keys.appliance_public = OCU_TRY(crypto::x25519_public(keys.appliance_seed));
    return {};
}

Result<void> take_key(Secret& into, std::span<std::byte const>& from)
{
    into = OCU_TRY(Secret::copy_of(from.first(kKeyBytes)));
    from = from.subspan(kKeyBytes);
    return {};
}

Result<Keys> keys_of_1(std::span<std::byte const> plain)
{
    if (plain.size() != 2 * kKeyBytes) return fail(Fault::malformed, "the vault holds something else");
    Keys keys;
    OCU_CHECK(take_key(keys.checkpoint_seed, plain));
    OCU_CHECK(take_key(keys.token_seed, plain));
    OCU_CHECK(derive_public(keys));
    return keys;
}

Result<Keys> keys_of_2(std::span<std::byte const> plain)
{
    if (plain.size() < kFixedBytes || plain.size() > kFixedBytes + crypto::kChainBytesMax)
        return fail(Fault::malformed, "the vault holds something else");
    Keys keys;
    for (auto* const each : {&keys.checkpoint_seed, &keys.token_seed, &keys.appliance_seed, &keys.service_key})
        OCU_CHECK(take_key(*each, plain));
    OCU_CHECK(derive_public(keys));
    std::ranges::copy(plain.first(kDigestBytes), std::as_writable_bytes(std::span(keys.certificate.names)).begin());
    std::uint64_t seconds = 0;
    for (std::size_t i = 0; i < kTimeBytes; ++i) seconds |= std::to_integer<std::uint64_t>(plain[kDigestBytes + i]) << (8 * i);
    keys.certificate.not_after = std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
    plain = plain.subspan(kDigestBytes + kTimeBytes);
    keys.certificate.pem.assign(reinterpret_cast<char const*>(plain.data()), plain.size());
    return keys;
}

// Reads until `into` is full or the file ends.
Result<std::size_t> read_whole(int fd, std::span<std::byte> into)
{
    std::size_t size = 0;
    while (size < into.size()) {
        ssize_t const got = ::pread(fd, into.data() + size, into.size() - size, static_cast<off_t>(size));
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
    if (!keys.appliance_seed.empty() && !keys.service_key.empty()) return false;
    if (keys.appliance_seed.empty()) keys.appliance_seed = OCU_TRY(crypto::make_x25519_seed());
    if (keys.service_key.empty()) keys.service_key = OCU_TRY(crypto::make_p256_key());
    OCU_CHECK(derive_public(keys));
    return true;
}

Result<Keys> make_keys()
{
    Keys keys;
    for (auto* const each : {&keys.checkpoint_seed, &keys.token_seed}) {
        *each = OCU_TRY(Secret::make(kKeyBytes));
        crypto::random_bytes(each->bytes());
    }
    (void)OCU_TRY(complete(keys));
    return keys;
}

Result<bool> renew_certificate(Keys& keys, crypto::CertificateNames const& names, std::chrono::sys_seconds now)
{
    auto& own = keys.certificate;
    auto const digest = digest_of(names);
    // A clock that was far ahead when it was made counts as well: nobody would take that certificate yet.
    bool const good = !own.pem.empty() && own.names == digest && own.not_after - now >= kRenewBefore &&
                      own.not_after - now <= std::chrono::days(kCertificateDays) + std::chrono::hours(1);
    if (good) return false;
    auto issued = OCU_TRY(crypto::issue_self_signed(keys.service_key, names, now, kCertificateDays));
    own = {std::move(issued.pem), issued.not_after, digest};
    return true;
}

Result<std::vector<std::uint8_t>> seal_vault(Secret const& machine_key, Keys const& keys)
{
    auto const& own = keys.certificate;
    if (own.pem.size() > crypto::kChainBytesMax) return fail(Fault::over_limit, "a certificate that is too large for the vault");
    auto plain = OCU_TRY(Secret::make(kFixedBytes + own.pem.size()));
    auto at = plain.bytes().begin();
    for (auto const* const each : {&keys.checkpoint_seed, &keys.token_seed, &keys.appliance_seed, &keys.service_key})
        at = std::ranges::copy(each->bytes(), at).out;
    at = std::ranges::copy(std::as_bytes(std::span(own.names)), at).out;
    auto const seconds = static_cast<std::uint64_t>(own.not_after.time_since_epoch().count());
    for (std::size_t i = 0; i < kTimeBytes; ++i) *at++ = static_cast<std::byte>(seconds >> (8 * i) & 0xff);
    at = std::ranges::copy(crypto::as_bytes(own.pem), at).out;
    OCU_ASSERT(at == plain.bytes().end());
    auto const sealed = OCU_TRY(crypto::seal(machine_key, plain.bytes(), crypto::as_bytes(kHeader2)));
    std::vector<std::uint8_t> out(kHeader2.begin(), kHeader2.end());
    out.insert(out.end(), sealed.begin(), sealed.end());
    return out;
}

Result<Keys> open_vault(Secret const& machine_key, std::span<std::uint8_t const> bytes)
{
    std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    for (auto const header : {kHeader1, kHeader2}) {
        if (!text.starts_with(header)) continue;
        auto const plain = OCU_TRY(crypto::open(machine_key, bytes.subspan(header.size()), crypto::as_bytes(header)));
        return header == kHeader1 ? keys_of_1(plain.bytes()) : keys_of_2(plain.bytes());
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
