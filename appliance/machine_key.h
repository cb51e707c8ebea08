// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The key under which the vault rests, and to what it is bound (CU-1): sealed to this machine's TPM (state/machine.tpm) where there is one,
// else the 32 bytes of state/machine.key. Custody reads it from a descriptor either way; the core reads neither the key nor what a TPM
// says: a helper does that (proto/core_to_tpm.h).
//
// What was sealed once is never replaced by a new key on its own: a TPM that is gone, another or cleared is an error that says so.

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace ocu::appliance {

inline constexpr std::string_view kTpmAuto = "auto";  // the kernel's resource manager, where it shows one
inline constexpr std::string_view kTpmNone = "none";
inline constexpr char kTpmDevice[] = "/dev/tpmrm0";
inline constexpr char kSealedKeyFile[] = "machine.tpm";
inline constexpr char kKeyFile[] = "machine.key";

enum class KeyBinding { file, tpm };
// "tpm", "file": in STATUS and in the record of a start. Then as people read it.
std::string_view name_of(KeyBinding binding);
std::string_view in_words(KeyBinding binding);

class MachineKey {
public:
    MachineKey() = default;
    // `state` is the directory of the vault, lent for the object's life; `tpm` is kTpmAuto, kTpmNone or the path of a device or socket.
    // Errors: denied (sealed, and there is no TPM here), os (the named TPM is not there).
    static Result<MachineKey> choose(int state, std::string_view tpm);

    // For one start of custody: where the 32 bytes can be read, once. Makes a key where there is none yet, and seals the one of a file that
    // an earlier start without a TPM made. Blocks for as long as the TPM takes. Errors: denied (not this TPM's, or altered; or there is
    // a vault and no key), unavailable (it does not answer), os.
    Result<UniqueFd> open();
    KeyBinding binding() const { return tpm_.empty() ? KeyBinding::file : KeyBinding::tpm; }

private:
    MachineKey(int state, std::string tpm) : state_(state), tpm_(std::move(tpm)) {}
    Result<UniqueFd> open_file() const;
    Result<UniqueFd> open_sealed() const;

    int state_ = -1;
    std::string tpm_;  // empty: a key file
};

}  // namespace ocu::appliance
