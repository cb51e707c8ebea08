// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The serving half of files-front: HTTP on one side, the link to the storage thread on the other, the pure face between them, and a job for each request
// that was given a channel. It keeps no token, cookie or digest beyond the request that brought it. Threading: the loop's thread.

#include <functional>
#include <memory>
#include <optional>

#include "storage/files_face.h"
#include "wire/http.h"
#include "wire/loop.h"

namespace ocu::storage {

class FilesFront {
public:
    struct Options {
        FilesRules rules;
        wire::HttpLimits http;
        std::optional<wire::TlsIdentity> tls;
    };

    // `gone` is called once, when the storage thread's end of the link has closed or broken its grammar.
    FilesFront(wire::Loop& loop, Options options, UniqueFd listener, UniqueFd link, std::function<void()> gone);
    ~FilesFront();

private:
    struct State;
    std::shared_ptr<State> state_;  // shared with the requests in flight, which hold it weakly
};

}  // namespace ocu::storage
