// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where a session's segments lie when the engine is "s3", and how to get there. The endpoint's name serves for the signature, the Host field
// and the certificate: who is connected to is not this process's to choose (T-31). What is given here was admitted with the manifest.

#include <functional>
#include <string>

#include "base/unique_fd.h"
#include "storage/answer.h"

namespace ocu::storage {

struct S3Place {
    std::string endpoint;  // "https://NAME[:PORT]", or "http://" where the manifest says so; no path
    std::string region;
    std::string bucket;
    std::string prefix;  // of all objects of this session: ends with "/"
    bool path_style = false;  // the bucket in the path, not in the name
    std::string ca_pem;  // the only authorities believed; empty with "http://"
};

// One connected stream to the endpoint, made by the storage lane. Blocking; EIO if the lane has none to give.
using S3Connect = std::function<Answer<UniqueFd>()>;

}  // namespace ocu::storage
