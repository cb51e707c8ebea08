// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a guest's first bytes on a connection are: enough to refuse in the way that its program understands. Pure.

#include <string>
#include <string_view>

#include "proto/edge_helper_to_edge.h"

namespace ocu::edge {

struct FirstLook {
    bool complete = false;  // false: more bytes could change the answer
    proto::EgressProtocol protocol = proto::EgressProtocol::tcp;
    std::string host;  // http: the Host field, made printable
};

FirstLook look_at(std::string_view bytes);

// Printable ASCII without spaces, at most `bytes_max`; anything else becomes '?'. For text that goes into events (T-02, T-09).
std::string printable(std::string_view text, std::size_t bytes_max);

}  // namespace ocu::edge
