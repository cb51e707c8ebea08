// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The relay's machine, between http_relay.cpp (what it does with messages), http_relay_adapt.cpp (with those that are
// shown to somebody first) and http_relay_wait.cpp (when it reads, writes, and gives up).
// Nobody else includes it.

#include <optional>

#include "wire/http_relay.h"
#include "wire/http_relay_side.h"

namespace ocu::wire {

class HttpRelay::State : public std::enable_shared_from_this<HttpRelay::State> {
public:
    State(Loop& loop, std::unique_ptr<Transport> guest, std::unique_ptr<Transport> upstream, std::string already, RelayLimits limits,
        RelayOwner& owner);

    void soon();  // a turn, later
    void forward(RelayRequest const& request, std::string_view authority, Secret secret, Then then);
    void refuse(HttpResponse const& response, Then then);
    void set_upstream(std::unique_ptr<Transport> upstream);
    void adapt_request(std::unique_ptr<BodyAdapter> adapter);
    void adapt_response(std::unique_ptr<BodyAdapter> adapter);
    void answer_with(RelayResponse const& head);
    void refuse_answer(HttpResponse const& response);
    void cut();
    RelayTotals totals() const { return {guest_.bytes_read(), guest_.bytes_written()}; }

private:
    enum class Up : std::uint8_t { head, asking, body, done };
    enum class Down : std::uint8_t { idle, head, held, body, done };
    enum class Mode : std::uint8_t { messages, tunnel, finishing, closed };
    enum class Wait : std::uint8_t { none, head, idle, quiet, linger };

    // Each of these moves things on by a step, and says whether it did.
    bool step();
    bool step_request_head();
    bool step_request_body();
    bool step_response_head();
    bool step_response_body();
    bool step_next();
    bool step_tunnel();
    bool step_finish();

    // With an adapter: http_relay_adapt.cpp.
    bool step_show_request();
    bool step_give_request();
    bool step_show_response();
    bool step_give_response();
    void drop_adapters();

    bool take_response(RelayResponse response);
    bool end_response();
    bool no_answer(RelayFault fault);
    void pass_down(std::string_view piece, bool last);
    void give_down(std::string_view piece, bool last);
    void answer(HttpResponse const& response);
    bool reject(RelayFault fault);
    void finish(RelayFault fault);
    void break_off(RelayFault fault);
    void tell_ended();
    void tell_done(unsigned status);

    void turn();
    void move_bytes();
    void set_waits();
    void set_wait(Wait wait);
    void expired();
    void watch_stalls();
    std::chrono::milliseconds time_of(Wait wait) const;

    Loop& loop_;
    RelayLimits limits_;
    RelayOwner* owner_;
    RelaySide guest_;
    RelaySide upstream_;
    bool has_upstream_ = false;

    Mode mode_ = Mode::messages;
    Up up_ = Up::head;
    Down down_ = Down::idle;
    RelayRequest request_;
    BodyReader request_body_;
    Framing request_framing_ = Framing::none;
    BodyReader response_body_;
    Framing response_framing_ = Framing::none;
    std::unique_ptr<BodyFilter> filter_;
    std::unique_ptr<BodyAdapter> request_adapter_;
    std::unique_ptr<BodyAdapter> response_adapter_;
    bool request_shown_ = false;   // the adapter has all of it
    bool response_shown_ = false;
    RelayDone done_;
    unsigned status_ = 0;
    unsigned informational_ = 0;
    std::uint64_t requests_ = 0;
    Goes goes_ = Goes::on;
    RelayFault fault_ = RelayFault::none;
    bool in_flight_ = false;       // forwarded, and done() not told yet
    bool end_said_[2] = {};        // tunnel: to the upstream, to the guest
    bool linger_begun_ = false;
    std::uint64_t linger_from_ = 0;

    bool turning_ = false;
    bool turn_posted_ = false;
    Wait wait_ = Wait::none;
    Watch wait_watch_;
    Watch stall_watch_;
    Watch held_watch_;
    std::uint64_t progress_seen_ = 0;
    std::uint64_t written_seen_[2] = {};
};

}  // namespace ocu::wire
