// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/remote_parts.h"

#include "storage/limits.h"

namespace ocu::storage {

S3Place place_of(proto::StorePlace const& told)
{
    return {told.endpoint.str(), told.region.str(), told.bucket.str(), told.prefix.str(), told.path_style, told.ca_pem.str()};
}

Result<RemoteParts> RemoteParts::make(UniqueFd supply, UniqueFd credential)
{
    auto receiver = OCU_TRY(helper::SecretReceiver::make(std::move(credential)));
    return RemoteParts(LaneClient(std::move(supply), kLanePatience), std::move(receiver));
}

Result<Secret> RemoteParts::credential() { return receiver_.receive(helper::kHandedSecretWait); }

S3Connect RemoteParts::connect()
{
    return [this] { return lane_.connect(); };
}

}  // namespace ocu::storage
