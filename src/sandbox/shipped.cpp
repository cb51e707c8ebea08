// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/shipped.h"

#include <unistd.h>

#include "sandbox/files.h"
#include "sandbox/mounts.h"
#include "sandbox/place.h"

namespace ocu::sandbox {

Result<void> mount_shipped(LauncherConfig const& config, std::vector<UniqueFd> const& files)
{
    auto const& names = config.shipped.items();
    if (files.size() != names.size()) return fail(Fault::malformed, "a file for each of the operator's directories");
    if (names.empty()) return {};
    auto const top = shared_of(config).shipped;
    OCU_CHECK(make_directory(top, 0755));
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto const place = top + "/" + names[i].str();
        if (!unmount(place)) return fail(Fault::conflict, "an operator's directory is in use");
        OCU_CHECK(make_directory(place, 0755));
        OCU_CHECK(mount_image_file(files[i].get(), place));
    }
    return {};
}

void unmount_shipped(LauncherConfig const& config)
{
    auto const top = shared_of(config).shipped;
    for (auto const& name : config.shipped.items()) {
        auto const place = top + "/" + name.str();
        (void)unmount(place);
        (void)::rmdir(place.c_str());
    }
    (void)::rmdir(top.c_str());
}

}  // namespace ocu::sandbox
