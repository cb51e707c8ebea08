// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The HTTP/2 relay's machine, between http2_relay.cpp (streams: the guest's side), http2_relay_upstream.cpp (the upstream's side),
// http2_relay_adapt.cpp (bodies that are shown to somebody first) and http2_relay_wait.cpp (when it reads, writes, and gives up). Nobody else includes it.

#include <map>
#include <unordered_map>

#include "wire/http2_relay.h"
#include "wire/http_relay_side.h"

namespace ocu::wire {

// Bytes that wait, taken from the front.
class ByteQueue {
public:
    std::size_t size() const { return bytes_.size() - start_; }
    bool empty() const { return size() == 0; }
    void put(std::string_view bytes) { bytes_.append(bytes); }
    std::string& tail() { return bytes_; }  // to append to
    std::size_t move_to(std::span<char> into);
    std::size_t drop_all();

private:
    std::string bytes_;
    std::size_t start_ = 0;
};

struct Http2Stream {
    enum class Stage : std::uint8_t {
        asking,
        forwarded,
        answered,  // from here: what the guest still sends is nobody's
    };

    Stage stage = Stage::asking;
    Http2StreamId upstream = 0;  // 0: none, or closed
    bool head_request = false;
    bool expects_continue = false;
    bool guest_open = true;
    bool guest_told = false;      // the answer's head is on its way
    bool in_flight = false;       // done() is owed
    bool upstream_bad = false;    // it broke the grammar
    bool up_over = false;         // the guest has said all
    bool down_over = false;       // the upstream, or we, have said all
    bool end_sent = false;        // to the guest
    bool seen_waiting = false;    // at the last sweep, and
    std::uint64_t seen_moved = 0;
    unsigned quiet_sweeps = 0;
    unsigned informational = 0;
    unsigned status = 0;
    std::uint64_t moved = 0;      // whatever came or went of it
    ByteQueue up, down;
    std::unique_ptr<BodyAdapter> adapter;  // of the request: then `up` is empty
    std::size_t up_owed = 0;      // of the guest's window: came to the adapter, which has had no room for it
    std::size_t down_owed = 0;    // of the upstream's window: came, and has not gone on
    Http2Fields up_trailers, down_trailers;
    std::unique_ptr<BodyFilter> filter;
    Watch held;
    RelayDone done;
};

class Http2Relay::State : public std::enable_shared_from_this<Http2Relay::State> {
public:
    State(Loop& loop, std::unique_ptr<Transport> guest, std::unique_ptr<Transport> upstream, RelayLimits limits, Http2Owner& owner);

    void soon();
    void forward(Http2StreamId id, RelayRequest const& request, std::string_view authority, Secret secret);
    void refuse(Http2StreamId id, HttpResponse const& response, HttpRelay::Then then);
    void adapt_request(Http2StreamId id, std::unique_ptr<BodyAdapter> adapter);
    void cut();
    RelayTotals totals() const { return {guest_.bytes_read(), guest_.bytes_written()}; }

private:
    enum class Mode : std::uint8_t { streams, finishing, closed };

    // What comes from one side.
    class Side : public Http2Events {
    public:
        explicit Side(State& state) : state_(state) {}

    protected:
        State& state_;
    };
    class GuestEvents final : public Side {
    public:
        using Side::Side;
        void head_begun() override;
        void head(Http2StreamId stream, Head kind, Http2Fields fields, Http2End end, Fits fits) override;
        void data(Http2StreamId stream, std::string_view bytes) override;
        void data_over(Http2StreamId stream) override;
        void closed(Http2StreamId stream, std::uint32_t error) override;
        void end_sent(Http2StreamId stream) override;
        void went_away() override { state_.guest_left_ = true; }  // it opens no more; what runs goes on
        void broken(Http2StreamId stream) override;
        void control(unsigned cost) override;
        Http2Pull pull(Http2StreamId stream, std::span<char> into) override;
    };
    class UpstreamEvents final : public Side {
    public:
        using Side::Side;
        void head_begun() override {}
        void head(Http2StreamId stream, Head kind, Http2Fields fields, Http2End end, Fits fits) override;
        void data(Http2StreamId stream, std::string_view bytes) override;
        void data_over(Http2StreamId stream) override;
        void closed(Http2StreamId stream, std::uint32_t error) override;
        void end_sent(Http2StreamId) override {}
        void went_away() override;
        void broken(Http2StreamId stream) override;
        void control(unsigned cost) override;
        Http2Pull pull(Http2StreamId stream, std::span<char> into) override;
    };
    struct Leg {
        Http2StreamId id = 0;  // the guest's
        Http2Stream* stream = nullptr;
    };

    Http2Stream* find(Http2StreamId id);
    Leg find_upstream(Http2StreamId id);
    void take_request(Http2StreamId id, Http2Stream& stream, Http2Fields const& fields, Http2End end, Http2Events::Fits fits);
    void take_answer(Leg leg, RelayResponse response, Http2End end);
    void take_down(Leg leg, std::string_view bytes, bool last);
    void hold(Http2StreamId id, Http2Stream& stream);
    void answer(Http2StreamId id, Http2Stream& stream, HttpResponse const& response);
    void reject(Http2StreamId id, Http2Stream& stream, RelayFault fault);
    void no_answer(Http2StreamId id, Http2Stream& stream, RelayFault fault);
    void fail_stream(Http2StreamId id, Http2Stream& stream, std::uint32_t error);
    // With an adapter: http2_relay_adapt.cpp.
    void show_up(Http2StreamId id, Http2Stream& stream, std::string_view bytes, bool last);
    void adapter_moved(Http2StreamId id);
    void pay_up(Http2StreamId id, Http2Stream& stream);
    Http2Pull pull_adapted(Leg leg, std::span<char> into);
    void drop_up(Http2StreamId id, Http2Stream& stream);
    void drop_upstream(Http2Stream& stream, std::uint32_t error);
    void tell_done(Http2StreamId id, Http2Stream& stream, unsigned status);
    void forget_if_over(Http2StreamId id);
    void go_away(RelayFault fault);
    void spend(unsigned cost);

    void turn();
    bool move_frames();
    bool feed_guest();
    bool feed_upstream();
    bool drain(Http2Session& session, RelaySide& side);
    void look_at_ends();
    void upstream_lost(RelayFault fault);
    void finish(RelayFault fault);
    void step_finish();
    void break_off(RelayFault fault);
    void tell_ended();
    void move_bytes();
    void set_waits();
    void sweep();

    Loop& loop_;
    RelayLimits limits_;
    Http2Owner* owner_;
    RelaySide guest_;
    RelaySide upstream_;
    GuestEvents guest_events_{*this};
    UpstreamEvents upstream_events_{*this};
    std::unique_ptr<Http2Session> guest_session_;
    std::unique_ptr<Http2Session> upstream_session_;  // null: there is no upstream, or no longer

    Mode mode_ = Mode::streams;
    std::map<Http2StreamId, Http2Stream> streams_;
    std::unordered_map<Http2StreamId, Http2StreamId> by_upstream_;
    RelayFault fault_ = RelayFault::none;
    bool going_away_ = false;
    bool guest_left_ = false;       // GOAWAY
    bool guest_broken_ = false;     // nothing more is taken from it
    bool upstream_broken_ = false;
    bool secret_queued_ = false;    // towards the upstream, and not all of it has been drained
    bool linger_begun_ = false;
    std::uint64_t linger_from_ = 0;
    unsigned spent_ = 0;            // on frames that carry nothing, in this second
    std::uint64_t written_seen_[2] = {};
    bool waiting_seen_[2] = {};

    bool turning_ = false;
    bool turn_posted_ = false;
    Watch head_watch_;
    Watch idle_watch_;
    Watch sweep_watch_;
    Watch linger_watch_;
    Watch second_watch_;
};

}  // namespace ocu::wire
