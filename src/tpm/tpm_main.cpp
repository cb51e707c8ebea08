// SPDX-License-Identifier: GPL-3.0-or-later
#include <unistd.h>

#include "appliance/profiles/tpm.h"
#include "base/crypto/crypto.h"
#include "tpm/helpers.h"
#include "tpm/sealing.h"

namespace ocu::tpm {

namespace {

using proto::TpmTrouble;
using proto::TpmWork;

constexpr std::size_t kChannelAt = 0;
constexpr std::size_t kPipeAt = 1;
constexpr std::size_t kFileAt = 2;

std::unexpected<Refused> broken() { return std::unexpected(Refused{TpmTrouble::broken, 0}); }

// Exactly a key.
std::expected<Secret, Refused> read_key(int fd)
{
    auto key = Secret::make(kKeyBytes + 1);  // one more, to see a file that is too long
    if (!key || ::read(fd, key->bytes().data(), key->bytes().size()) != static_cast<ssize_t>(kKeyBytes)) return broken();
    key->shorten(kKeyBytes);
    return *std::move(key);
}

std::expected<Secret, Refused> random_key()
{
    auto key = Secret::make(kKeyBytes);
    if (!key) return broken();
    crypto::random_bytes(key->bytes());
    return *std::move(key);
}

// The key, having put it into the report in sealed form where it is new to the TPM: and only when that form gives it back again.
std::expected<Secret, Refused> work(Channel& channel, proto::TpmConfig const& config, int file, proto::TpmReport& report)
{
    if (config.work == TpmWork::open) return open_key(channel, config.sealed.view());
    auto key = config.work == TpmWork::make ? random_key() : read_key(file);
    if (!key) return key;
    auto const sealed = seal_key(channel, *key);
    if (!sealed) return std::unexpected(sealed.error());
    auto const again = open_key(channel, *sealed);
    if (!again) return std::unexpected(again.error());
    if (!equal_constant_time(again->bytes(), key->bytes())) return broken();
    report.sealed = decltype(report.sealed)(*sealed);
    return key;
}

}  // namespace

// Entered by re-execution: `ocu-appliance helper tpm`. One piece of work, one report, the end.
Result<void> tpm_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::TpmConfig>());
    auto& descriptors = helper.descriptors();
    if (descriptors.size() != (config.work == TpmWork::take_over ? 3u : 2u)) return fail(Fault::malformed, "the TPM and a pipe are needed");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kTpm));
    OCU_CHECK(helper.confine(profiles::kTpm));
    Channel channel(descriptors[kChannelAt].get());
    proto::TpmReport report;
    auto const key = work(channel, config, descriptors.size() > kFileAt ? descriptors[kFileAt].get() : -1, report);
    if (!key) {
        report.trouble = key.error().why;
        report.code = key.error().code;
    } else if (::write(descriptors[kPipeAt].get(), key->bytes().data(), kKeyBytes) != static_cast<ssize_t>(kKeyBytes)) {
        return fail_os("hand the key on");
    }
    OCU_CHECK(helper.report_ready(wire::encode(report)));
    return {};
}

}  // namespace ocu::tpm
