// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How every helper process begins: re-executed as `ocu-appliance helper NAME`, it keeps the named descriptors, receives its
// configuration, sets up memory, confines itself, reports ready, and serves until its control link closes.
//
// Descriptor 3 is the link to its role's thread in the core. Further descriptors come with the configuration frame.

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "helper/profile.h"
#include "wire/codec.h"
#include "wire/loop.h"

namespace ocu::helper {

inline constexpr int kLinkFd = 3;
inline constexpr std::uint16_t kConfigureType = 0xff01;  // core -> helper, first frame: body = the helper's own config struct
inline constexpr std::uint16_t kReadyType = 0xff02;      // helper -> core: confined and serving; body = helper's own report
inline constexpr std::size_t kConfigBytesMax = 1u << 20;  // 64 credentials, each sealed in up to 12 KiB of text, are the most

class Helper {
public:
    // Closes every descriptor but stdio and the link, names the process and its log lines, ignores SIGPIPE, sets PDEATHSIG.
    static Result<Helper> begin(std::string_view name);

    // Blocks for the first frame. Errors: malformed, unavailable (core went away).
    template <class Config>
    Result<Config> receive_config()
    {
        return wire::decode<Config>(OCU_TRY(receive_config_frame()));
    }
    // Descriptors that came with the configuration, in the order of the topology; each may be taken once.
    std::vector<UniqueFd>& descriptors() { return descriptors_; }

    // Locks memory where the profile asks for it and makes the process not dumpable.
    Result<void> keep_out_of_swap_and_cores(Profile const& profile);
    // Irreversible. After it no path can be opened but those beneath `directories` (open descriptors, read-write), and only the
    // listed system calls work. A per-session helper's uid is the profile's plus its slot, which the spawner put before the
    // configuration. Errors mean: exit.
    Result<void> confine(Profile const& profile, std::span<int const> directories = {});
    std::uint32_t slot() const { return slot_; }
    // Tells the core, and hands out the link for the helper's own messages.
    Result<UniqueFd> report_ready(wire::Bytes report = {});

private:
    Result<wire::Bytes> receive_config_frame();
    UniqueFd link_;
    std::vector<UniqueFd> descriptors_;
    bool per_session_ = false;
    std::uint32_t slot_ = 0;
};

}  // namespace ocu::helper
