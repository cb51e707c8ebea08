// SPDX-License-Identifier: GPL-3.0-or-later
#include "helper/callers.h"

#include "base/crypto/crypto.h"
#include "base/secret.h"

namespace ocu::helper {

Caller const* Callers::find(std::string_view token) const
{
    Caller const* found = nullptr;
    for (auto const& caller : callers_) {
        crypto::Digest const digest = crypto::Sha256().update(std::as_bytes(std::span(caller.salt))).update(token).finish();
        bool const same = equal_constant_time(std::as_bytes(std::span(digest)), std::as_bytes(std::span(caller.digest)));
        if (same) found = &caller;
    }
    return found;
}

}  // namespace ocu::helper
