// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the offline tools share: their exit codes, how they refuse, how they open a log.

#include <fcntl.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace ocu::audit {

inline constexpr int kDone = 0, kFailed = 1, kUsage = 2;

inline int refuse(Error const& error)
{
    auto const what = error.what.view();
    std::fprintf(stderr, "audit: %s: %.*s%s%s\n", ocu::name_of(error.fault).data(), static_cast<int>(what.size()), what.data(),
        error.os_errno != 0 ? ": " : "", error.os_errno != 0 ? ::strerrorname_np(error.os_errno) : "");
    return kFailed;
}

inline Result<UniqueFd> open_directory(std::string_view path)
{
    UniqueFd directory(::open(std::string(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return fail_os("open the audit directory");
    return directory;
}

}  // namespace ocu::audit
