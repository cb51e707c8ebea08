// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/engine.h"

namespace ocu::storage {

Result<std::unique_ptr<Segments>> s3_engine(S3Place, Secret, S3Connect) { return fail(Fault::unavailable, "this build has no S3 engine"); }

Answer<SweepCount> s3_sweep(S3Place, Secret const&, S3Connect) { return refuse(EIO); }

}  // namespace ocu::storage
