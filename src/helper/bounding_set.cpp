// SPDX-License-Identifier: GPL-3.0-or-later
#include "helper/bounding_set.h"

#include <sys/capability.h>

#include <algorithm>
#include <memory>
#include <type_traits>

namespace ocu::helper {

Result<void> keep_only_capabilities(std::span<int const> keep)
{
    std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> const sets(cap_get_proc(), cap_free);
    if (!sets) return fail_os("read capabilities");
    for (cap_value_t capability = 0; capability <= cap_max_bits(); ++capability) {
        if (std::ranges::find(keep, capability) != keep.end()) continue;
        if (cap_get_bound(capability) == 1 && cap_drop_bound(capability) != 0) return fail_os("drop from bounding set");
        for (auto const set : {CAP_PERMITTED, CAP_EFFECTIVE, CAP_INHERITABLE})
            if (cap_set_flag(sets.get(), set, 1, &capability, CAP_CLEAR) != 0) return fail_os("clear a capability");
    }
    if (cap_set_proc(sets.get()) != 0) return fail_os("set capabilities");
    return {};
}

}  // namespace ocu::helper
