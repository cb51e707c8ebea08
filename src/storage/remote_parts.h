// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What broker and sweeper have in common where the store is elsewhere: the place as they were told it, a way there, and the credential.

#include "helper/handed_secret.h"
#include "proto/store_place.h"
#include "storage/lane_client.h"
#include "storage/s3_place.h"

namespace ocu::storage {

S3Place place_of(proto::StorePlace const& told);

class RemoteParts {
public:
    // Before confine(): memory for the credential can be locked now, and no more after it. Errors: os.
    static Result<RemoteParts> make(UniqueFd supply, UniqueFd credential);
    // After it, once. Errors: unavailable (custody has none to give, or none came in time: nothing begins without), malformed.
    Result<Secret> credential();
    // A way to the store, for as long as this is there.
    S3Connect connect();

private:
    RemoteParts(LaneClient lane, helper::SecretReceiver receiver) : lane_(std::move(lane)), receiver_(std::move(receiver)) {}
    LaneClient lane_;
    helper::SecretReceiver receiver_;
};

}  // namespace ocu::storage
