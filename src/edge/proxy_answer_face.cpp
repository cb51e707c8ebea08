// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/proxy_answer_face.h"

#include <algorithm>

#include "wire/http_relay_head.h"

namespace ocu::edge {

namespace {

constexpr std::string_view kBegin = "HTTP/1.";
constexpr std::string_view kEnd = "\r\n\r\n";

static_assert(kProxyAnswerBytesMax <= wire::kRelayHeadBytesMax);

}  // namespace

std::size_t ProxyAnswer::take(std::string_view bytes)
{
    std::size_t taken = 0;
    while (state_ == State::wants_more && taken < bytes.size()) taken += take_head(bytes.substr(taken));
    return taken;
}

std::size_t ProxyAnswer::take_head(std::string_view bytes)
{
    std::size_t const before = head_.size();
    std::size_t const room = kProxyAnswerBytesMax - earlier_bytes_ - before;
    head_ += bytes.substr(0, room);
    auto const end = head_.find(kEnd, before < kEnd.size() ? 0 : before - kEnd.size() + 1);
    if (end != std::string::npos) head_.resize(end + kEnd.size());
    std::size_t const taken = head_.size() - before;
    auto const begins = std::min(head_.size(), kBegin.size());
    if (head_.compare(0, begins, kBegin, 0, begins) != 0) {
        state_ = State::malformed;  // whatever listens there speaks something else: nobody waits for the end of it
    } else if (end != std::string::npos) {
        read_head();
    } else if (earlier_bytes_ + head_.size() == kProxyAnswerBytesMax) {
        state_ = State::malformed;
    }
    return taken;
}

void ProxyAnswer::read_head()
{
    // As the answer to HEAD: that it has no body is what is known of it, and what it says of one is read over.
    auto const read = wire::read_response_head(head_, {.head = true, .websocket = false});
    if (!read) {
        state_ = State::malformed;
        return;
    }
    if (read->status / 100 == 1) {
        earlier_bytes_ += head_.size();
        head_.clear();
        if (earlier_bytes_ == kProxyAnswerBytesMax) state_ = State::malformed;
        return;
    }
    status_ = read->status;
    state_ = status_ / 100 == 2 ? State::tunnel : State::refused;
}

}  // namespace ocu::edge
