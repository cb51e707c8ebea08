// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Which runs of this appliance may have left objects in a store elsewhere: an empty directory of STATE/store for each, made and synced before the
// run's first object, removed when nothing of the run is left. Each run has a prefix of its own there, so that what sweeps after one run never
// comes near the objects of another, and not near those of a machine that was given the same prefix by mistake.
//
//      r-<32 hex digits: the run>-<16: of the digest of endpoint, bucket and prefix>

#include <string>
#include <vector>

#include "base/result.h"
#include "storage/s3_place.h"

namespace ocu::storage {

// The name of a new run's marker. `random`: 32 hex digits.
std::string marker_of(S3Place const& place, std::string_view random);
// The prefix of that run's objects, if the marker is one of that place.
std::string run_prefix(S3Place const& place, std::string_view marker);

// `store`: STATE/store, lent.
Result<void> make_marker(int store, std::string const& marker);
void remove_marker(int store, std::string const& marker);
// All there are, of whatever place.
std::vector<std::string> markers_in(int store);

}  // namespace ocu::storage
