// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a chained proxy answers to CONNECT (EG-9): bytes of somebody else's machine (T-02). Takes them as they come and says how many belong to
// the answer; the first byte behind a head of 2xx is the tunnel's. What such a head says of a body counts for nothing (RFC 9110, 9.3.6).
// Pure; threading: any.

#include <cstddef>
#include <string>
#include <string_view>

namespace ocu::edge {

inline constexpr std::size_t kProxyAnswerBytesMax = 16u << 10;  // with the interim answers before it

class ProxyAnswer {
public:
    enum class State {
        wants_more,
        tunnel,  // 2xx
        refused,  // any other final status
        malformed,  // not HTTP/1, or longer than the bound
    };

    // How many of `bytes` belong to the answer. All of them while more is wanted; none once it is over.
    std::size_t take(std::string_view bytes);
    State state() const { return state_; }
    unsigned status() const { return status_; }  // of the final answer; 0: none was read

private:
    std::size_t take_head(std::string_view bytes);
    void read_head();

    std::string head_;  // of the answer that is being read
    std::size_t earlier_bytes_ = 0;  // of interim ones
    State state_ = State::wants_more;
    unsigned status_ = 0;
};

}  // namespace ocu::edge
