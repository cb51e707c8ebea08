// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/secure_boot.h"

#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "base/unique_fd.h"

namespace ocu::init {

namespace {

constexpr char kFirmware[] = "/sys/firmware/efi";
constexpr char kVariables[] = "/sys/firmware/efi/efivars/";
constexpr char kGlobal[] = "-8be4df61-93ca-11d2-aa0d-00e098032b8c";  // EFI_GLOBAL_VARIABLE
constexpr std::size_t kVariableBytes = 5;

std::vector<std::byte> read_variable(std::string const& name)
{
    UniqueFd const file(::open((kVariables + name + kGlobal).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    // One more than is right, so that a longer one is not taken.
    std::vector<std::byte> bytes(kVariableBytes + 1);
    auto const got = ::read(file.get(), bytes.data(), bytes.size());
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
}

bool is_one(std::span<std::byte const> variable) { return variable.size() == kVariableBytes && variable.back() == std::byte{1}; }

}  // namespace

SecureBoot judge_secure_boot(std::span<std::byte const> secure_boot, std::span<std::byte const> setup_mode)
{
    if (is_one(setup_mode)) return SecureBoot::setup_mode;
    return is_one(secure_boot) ? SecureBoot::on : SecureBoot::off;
}

SecureBoot secure_boot_now()
{
    if (::access(kFirmware, F_OK) != 0) return SecureBoot::no_uefi;
    return judge_secure_boot(read_variable("SecureBoot"), read_variable("SetupMode"));
}

std::string in_words(SecureBoot state)
{
    switch (state) {
    case SecureBoot::on: return "on";
    case SecureBoot::off: return "OFF: the firmware did not check what it started";
    case SecureBoot::setup_mode: return "OFF: the firmware takes any key (setup mode)";
    case SecureBoot::no_uefi: return "OFF: started without UEFI";
    }
    return "OFF";
}

}  // namespace ocu::init
