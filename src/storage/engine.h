// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The engines whose segments lie elsewhere, as broker and sweeper are built with them: functions, so that a test can put its own in their place
// and everything around them stays what it is. `credential`: ACCESS_KEY_ID:SECRET_ACCESS_KEY.

#include <cstdint>
#include <functional>
#include <memory>

#include "base/secret.h"
#include "helper/helper.h"
#include "storage/s3_place.h"
#include "storage/segments.h"

namespace ocu::storage {

struct SweepCount {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;
};

using RemoteEngine = std::function<Result<std::unique_ptr<Segments>>(S3Place, Secret, S3Connect)>;
// Removes every object under the place's prefix. Errors: EIO; what was removed by then is gone.
using RemoteSweep = std::function<Answer<SweepCount>(S3Place, Secret, S3Connect)>;

// The product's.
Result<std::unique_ptr<Segments>> s3_engine(S3Place place, Secret credential, S3Connect connect);
Answer<SweepCount> s3_sweep(S3Place place, Secret credential, S3Connect connect);

// What broker_main() and sweeper_main() are.
Result<void> serve_broker(helper::Helper& helper, RemoteEngine const& remote);
Result<void> serve_sweeper(helper::Helper& helper, RemoteSweep const& sweep);

}  // namespace ocu::storage
