// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/machine_key.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <format>
#include <optional>

#include "appliance/spawn.h"
#include "base/crypto/crypto.h"
#include "base/log.h"
#include "custody/vault.h"
#include "helper/frame.h"
#include "helper/helper.h"
#include "proto/core_to_tpm.h"
#include "tpm/limits.h"

namespace ocu::appliance {

namespace {

using proto::TpmTrouble;
using proto::TpmWork;

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kReportBytesMax = 4096;
constexpr std::chrono::milliseconds kReportWait = tpm::kWorkWait + std::chrono::seconds(5);  // it gives up first

bool is_there(int directory, char const* name)
{
    struct stat found{};
    return ::fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && found.st_size > 0;
}

Result<UniqueFd> open_to_read(int directory, char const* name)
{
    UniqueFd file(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file) return fail_os("open the file of the vault's key");
    return file;
}

// On disk, whole, when it returns; until then nothing of that name.
Result<void> put_file(int directory, char const* name, std::span<std::byte const> bytes)
{
    std::string const beside = std::string(name) + ".new";
    UniqueFd const fresh(::openat(directory, beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fresh) return fail_os("make the file of the vault's key");
    while (!bytes.empty()) {
        ssize_t const put = ::write(fresh.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail_os("write the file of the vault's key");
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    if (::fsync(fresh.get()) != 0) return fail_os("sync the file of the vault's key");
    if (::renameat(directory, beside.c_str(), directory, name) != 0) return fail_os("name the file of the vault's key");
    if (::fsync(directory) != 0) return fail_os("sync state directory");
    return {};
}

// Overwritten first. A disk may keep old blocks all the same: docs/formats/vault.md says what that means.
Result<void> wipe_key_file(int directory)
{
    UniqueFd const file(::openat(directory, kKeyFile, O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file) return fail_os("open the key file that is no longer needed");
    std::array<std::byte, kKeyBytes> const zeros{};
    if (::pwrite(file.get(), zeros.data(), zeros.size(), 0) != static_cast<ssize_t>(zeros.size()) || ::fsync(file.get()) != 0)
        return fail_os("overwrite the key file that is no longer needed");
    if (::unlinkat(directory, kKeyFile, 0) != 0 || ::fsync(directory) != 0) return fail_os("remove the key file that is no longer needed");
    return {};
}

// A device that the kernel's resource manager serves, or the socket of an emulated one.
Result<UniqueFd> open_tpm(std::string const& path)
{
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) return fail_os("look for the TPM");
    if (S_ISCHR(found.st_mode)) {
        UniqueFd device(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (!device) return fail_os("open the TPM");
        return device;
    }
    if (!S_ISSOCK(found.st_mode)) return fail(Fault::malformed, "what --tpm names is neither a device nor a socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail(Fault::over_limit, "the path of the TPM's socket is too long");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket || ::connect(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
        return fail_os("connect to the TPM's socket");
    return socket;
}

struct Done {
    proto::TpmReport report;
    UniqueFd key;  // to read from
};

Result<Done> run_helper(std::string const& tpm, proto::TpmConfig const& config, UniqueFd key_file)
{
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(OCU_TRY(open_tpm(tpm)));
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_os("make a pipe for the vault's key");
    Done done{{}, UniqueFd(ends[0])};
    descriptors.emplace_back(ends[1]);
    if (key_file) descriptors.push_back(std::move(key_file));
    // Ended and reaped when this returns: then the pipe has one end, and its reader sees where the key ends.
    auto const helper = OCU_TRY(start_helper(helper::Kind::tpm, wire::encode(config), descriptors));
    auto const frame = OCU_TRY(helper::read_frame(helper.link.get(), kReportBytesMax, kReportWait));
    if (frame.type != helper::kReadyType) return fail(Fault::malformed, "the TPM's helper said something else");
    done.report = OCU_TRY(wire::decode<proto::TpmReport>(frame.body));
    return done;
}

Result<void> judge(proto::TpmReport const& report)
{
    if (report.trouble != TpmTrouble::none && report.code != 0)
        log::warning("the TPM's answer has the code", std::format("{:#x}", report.code));
    switch (report.trouble) {
    case TpmTrouble::none: return {};
    case TpmTrouble::silent: return fail(Fault::unavailable, "the TPM does not answer, or not as a TPM does; nothing was changed");
    case TpmTrouble::not_this_tpm:
        return fail(Fault::denied,
            "the vault's key is sealed to another TPM, or this one was cleared since; nothing was changed. Put the state back on its own "
            "machine, or give up what the vault holds: ocu-appliance vault start-anew --state DIR");
    case TpmTrouble::altered:
        return fail(Fault::denied,
            "the sealed key (state/machine.tpm) does not open in the TPM that it was made in: it was altered; nothing was changed. Put it "
            "back from a copy, or give up what the vault holds: ocu-appliance vault start-anew --state DIR");
    case TpmTrouble::owner_password:
        return fail(Fault::denied,
            "the TPM's owner hierarchy has a password, set by other software; clear it there, or start with --tpm none if no key was "
            "sealed yet");
    case TpmTrouble::refused: return fail(Fault::unavailable, "the TPM refuses; nothing was changed");
    case TpmTrouble::broken: break;
    }
    return fail(Fault::malformed, "the vault's key was not handed over as agreed: state/machine.key is not 32 bytes, or memory is short");
}

}  // namespace

std::string_view name_of(KeyBinding binding) { return binding == KeyBinding::tpm ? "tpm" : "file"; }

std::string_view in_words(KeyBinding binding)
{
    return binding == KeyBinding::tpm ? "sealed to this machine's TPM" : "in a file: whoever has the state's disk can open it";
}

Result<MachineKey> MachineKey::choose(int state, std::string_view tpm)
{
    std::string path;
    if (tpm != kTpmAuto && tpm != kTpmNone) path = tpm;
    if (tpm == kTpmAuto && ::access(kTpmDevice, F_OK) == 0) path = kTpmDevice;
    if (path.empty() && is_there(state, kSealedKeyFile))
        return fail(Fault::denied,
            "the vault's key is sealed to a TPM, and there is none here: switch it on in the firmware, give its path with --tpm, or put "
            "the "
            "state back on its own machine; nothing was changed. To give up what the vault holds: ocu-appliance vault start-anew --state "
            "DIR");
    if (!path.empty()) OCU_CHECK(open_tpm(path));  // said now, and not by a helper that does not start
    return MachineKey(state, std::move(path));
}

Result<UniqueFd> MachineKey::open() { return binding() == KeyBinding::tpm ? open_sealed() : open_file(); }

// A missing key beside a filled vault is custody's to refuse.
Result<UniqueFd> MachineKey::open_file() const
{
    if (!is_there(state_, kKeyFile)) {
        auto key = OCU_TRY(Secret::make(kKeyBytes));
        crypto::random_bytes(key.bytes());
        OCU_CHECK(put_file(state_, kKeyFile, key.bytes()));
    }
    return open_to_read(state_, kKeyFile);
}

Result<UniqueFd> MachineKey::open_sealed() const
{
    bool const sealed = is_there(state_, kSealedKeyFile);
    bool const in_file = is_there(state_, kKeyFile);
    if (!sealed && !in_file && is_there(state_, custody::kVaultFile))
        return fail(Fault::denied,
            "there is a vault and no key for it; nothing was changed. Put state/machine.tpm or state/machine.key back from a copy, or give "
            "up what the vault holds: ocu-appliance vault start-anew --state DIR");
    proto::TpmConfig config;
    UniqueFd key_file;
    if (sealed) {
        config.work = TpmWork::open;
        auto const file = OCU_TRY(open_to_read(state_, kSealedKeyFile));
        std::string text(proto::kSealedKeyBytesMax + 1, '\0');
        ssize_t const got = ::read(file.get(), text.data(), text.size());
        if (got < 0) return fail_os("read the sealed key");
        if (static_cast<std::size_t>(got) > proto::kSealedKeyBytesMax) return fail(Fault::malformed, "the sealed key is too large");
        text.resize(static_cast<std::size_t>(got));
        config.sealed = decltype(config.sealed)(std::move(text));
    } else {
        config.work = in_file ? TpmWork::take_over : TpmWork::make;
        if (in_file) key_file = OCU_TRY(open_to_read(state_, kKeyFile));
    }
    auto done = OCU_TRY(run_helper(tpm_, config, std::move(key_file)));
    OCU_CHECK(judge(done.report));
    // Before a vault is made under it. The helper has seen that what rests gives the key back.
    if (!sealed) OCU_CHECK(put_file(state_, kSealedKeyFile, crypto::as_bytes(done.report.sealed.view())));
    if (in_file) {  // taken over now, or at a start that ended in between
        OCU_CHECK(wipe_key_file(state_));
        log::info("the vault's key, so far in a file, is sealed to this machine's TPM now");
    }
    return std::move(done.key);
}

}  // namespace ocu::appliance
