// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the helper may say to the thread, as an interface: in production the link of proto/edge_helper_to_edge.h. Never blocks.

#include "proto/edge_helper_to_edge.h"

namespace ocu::edge {

class Asker {
public:
    virtual ~Asker() = default;
    virtual void say(proto::NameAsked const& message) = 0;
    virtual void say(proto::ConnectAsked const& message) = 0;
    virtual void say(proto::RouteAsked const& message) = 0;
    virtual void say(proto::RequestAsked const& message) = 0;
    virtual void say(proto::RequestDone const& message) = 0;
    virtual void say(proto::IcapAsked const& message) = 0;
    virtual void say(proto::ConnectionEnded const& message) = 0;
    // Bounded by a DenialFold before it goes out.
    virtual void say(proto::EgressDenied const& message) = 0;
};

}  // namespace ocu::edge
