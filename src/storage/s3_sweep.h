// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Takes away everything beneath a place in an S3 store: when its session has ended, or what an earlier run left. Blocking; minutes for a hundred
// thousand objects. Errors: as S3Requests says; what went is gone, and a second sweep does the rest.

#include <cstddef>

#include "base/secret.h"
#include "storage/s3_place.h"

namespace ocu::storage {

struct Swept {
    std::size_t objects = 0;
    std::uint64_t bytes = 0;  // in them, as the store lists them
    std::size_t uploads_aborted = 0;  // multipart uploads that were never completed
};

// EINVAL: a prefix that is empty or does not end with "/".
Answer<Swept> sweep_s3(S3Place const& place, Secret credential, S3Connect connect);

}  // namespace ocu::storage
