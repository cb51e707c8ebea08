// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One CONNECT on one connection to a chained proxy (EG-9). Reads the answer's head and not a byte more: what comes behind it stays in the
// socket, for whoever gets it. Time is the owner's to bound. Threading: the loop's thread.

#include <functional>
#include <string>

#include "edge/proxy_answer_face.h"
#include "wire/loop.h"

namespace ocu::edge {

struct ProxySaid {
    enum class Kind { tunnel, refused, malformed, gone };
    Kind kind{};
    unsigned status = 0;
};

class ProxyTunnel {
public:
    // `socket` is lent, connected and non-blocking. `said` is called once, later, and may destroy this. Nothing watches the socket by then.
    ProxyTunnel(wire::Loop& loop, int socket, std::string request, std::function<void(ProxySaid)> said);
    ProxyTunnel(ProxyTunnel const&) = delete;
    ProxyTunnel& operator=(ProxyTunnel const&) = delete;

private:
    void write();
    void read();
    void end(ProxySaid::Kind kind);

    wire::Loop& loop_;
    int socket_;
    std::string request_;  // what has not gone yet
    std::function<void(ProxySaid)> said_;
    ProxyAnswer answer_;
    wire::Watch watch_;
};

}  // namespace ocu::edge
