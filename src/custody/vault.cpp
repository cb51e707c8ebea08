// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/vault.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace ocu::custody {

namespace {

constexpr std::string_view kHeader = "ocu-vault/1\n";  // also the associated data: a vault of one version never opens as another
constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kVaultBytesMax = 4096;
constexpr std::size_t kMachineKeyBytes = 32;

Result<Keys> keys_of(std::span<std::byte const> seeds)
{
    Keys keys;
    keys.checkpoint_seed = OCU_TRY(Secret::copy_of(seeds.first(kSeedBytes)));
    keys.token_seed = OCU_TRY(Secret::copy_of(seeds.last(kSeedBytes)));
    keys.checkpoint_public = OCU_TRY(crypto::ed25519_public(keys.checkpoint_seed));
    keys.token_public = OCU_TRY(crypto::ed25519_public(keys.token_seed));
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

}  // namespace

Result<Keys> make_keys()
{
    auto seeds = OCU_TRY(Secret::make(2 * kSeedBytes));
    crypto::random_bytes(seeds.bytes());
    return keys_of(seeds.bytes());
}

Result<std::vector<std::uint8_t>> seal_vault(Secret const& machine_key, Keys const& keys)
{
    auto seeds = OCU_TRY(Secret::make(2 * kSeedBytes));
    std::ranges::copy(keys.checkpoint_seed.bytes(), seeds.bytes().begin());
    std::ranges::copy(keys.token_seed.bytes(), seeds.bytes().subspan(kSeedBytes).begin());
    auto const sealed = OCU_TRY(crypto::seal(machine_key, seeds.bytes(), crypto::as_bytes(kHeader)));
    std::vector<std::uint8_t> out(kHeader.begin(), kHeader.end());
    out.insert(out.end(), sealed.begin(), sealed.end());
    return out;
}

Result<Keys> open_vault(Secret const& machine_key, std::span<std::uint8_t const> bytes)
{
    std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    if (!text.starts_with(kHeader)) return fail(Fault::malformed, "the vault is not of this format");
    auto const seeds = OCU_TRY(crypto::open(machine_key, bytes.subspan(kHeader.size()), crypto::as_bytes(kHeader)));
    if (seeds.bytes().size() != 2 * kSeedBytes) return fail(Fault::malformed, "the vault holds something else");
    return keys_of(seeds.bytes());
}

Result<Secret> read_machine_key(int fd)
{
    auto bytes = OCU_TRY(Secret::make(kMachineKeyBytes + 1));  // one more, to see a file that is too long
    if (OCU_TRY(read_whole(fd, bytes.bytes())) != kMachineKeyBytes) return fail(Fault::malformed, "the machine key is not 32 bytes");
    return Secret::copy_of(bytes.bytes().first(kMachineKeyBytes));
}

Result<Keys> load_or_create(int vault_fd, Secret const& machine_key)
{
    std::array<std::uint8_t, kVaultBytesMax> bytes{};
    auto const size = OCU_TRY(read_whole(vault_fd, std::as_writable_bytes(std::span(bytes))));
    if (size > 0) return open_vault(machine_key, std::span(bytes).first(size));
    auto keys = OCU_TRY(make_keys());
    auto const sealed = OCU_TRY(seal_vault(machine_key, keys));
    OCU_CHECK(write_whole(vault_fd, sealed));
    return keys;
}

}  // namespace ocu::custody
