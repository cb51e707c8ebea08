// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/engine.h"

#include "base/clock.h"
#include "storage/s3_segments.h"
#include "storage/s3_sweep.h"

namespace ocu::storage {

namespace {

SystemClock const kClock;

}  // namespace

Result<std::unique_ptr<Segments>> s3_engine(S3Place place, Secret credential, S3Connect connect)
{
    return std::make_unique<S3Segments>(std::move(place), std::move(credential), std::move(connect), kClock);
}

Answer<SweepCount> s3_sweep(S3Place place, Secret credential, S3Connect connect)
{
    auto const swept = sweep_s3(place, std::move(credential), std::move(connect));
    if (!swept) return refuse(swept.error());
    return SweepCount{swept->objects, swept->bytes};
}

}  // namespace ocu::storage
