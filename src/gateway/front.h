// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The serving half of gateway-front: HTTP on one side, the link to the gateway thread on the other, the pure face between them. Holds
// the token of a request only while that request waits. Threading: the loop's thread.

#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "gateway/mcp_face.h"
#include "wire/http.h"
#include "wire/link.h"
#include "wire/loop.h"

namespace ocu::gateway {

class Front {
public:
    struct Options {
        FaceRules rules;
        wire::HttpLimits http;
        std::optional<wire::TlsIdentity> tls;
    };

    // `gone` is called once, when the gateway's end of the link has closed or broken its grammar: the front then has nothing to serve.
    Front(wire::Loop& loop, Clock const& clock, Options options, UniqueFd listener, UniqueFd link, std::function<void()> gone);
    ~Front();

private:
    struct State;
    std::shared_ptr<State> state_;  // shared with the requests in flight, which hold it weakly
};

}  // namespace ocu::gateway
