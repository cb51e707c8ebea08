// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An HTTP/2 relay between two socket pairs, a client and a server that speak it, and both ends of the bytes in the test's hands.

#include <set>

#include "support/http2_peer.h"
#include "support/relay_stand.h"
#include "wire/http2_relay.h"

namespace test_support {

struct Http2Stand : Http2Owner {
    explicit Http2Stand(RelayLimits limits = {})
    {
        auto guest_pair = *make_socket_pair();
        auto upstream_pair = *make_socket_pair();
        guest = FarEnd(std::move(guest_pair.theirs));
        upstream = FarEnd(std::move(upstream_pair.theirs));
        relay.emplace(
            loop, plain_transport(loop, std::move(guest_pair.ours)), plain_transport(loop, std::move(upstream_pair.ours)), limits, *this);
    }

    // Bytes between the peers and their ends. What does not fit a socket waits.
    void pump()
    {
        carry(client, guest, client_out);
        carry(server, upstream, server_out);
    }
    bool until(std::function<bool()> const& so)
    {
        bool late = false;
        auto const guard = loop.after(std::chrono::seconds(10), [&] { late = true; });
        for (pump(); !so(); pump()) {
            if (late) return false;
            auto const again = loop.after(std::chrono::milliseconds(1), [] {});
            loop.run_one();
        }
        return true;
    }
    void settle()
    {
        bool over = false;
        auto const guard = loop.after(std::chrono::milliseconds(40), [&] { over = true; });
        until([&] { return over; });
    }
    // The server's stream that has this path.
    Http2StreamId at_server(std::string_view path)
    {
        for (auto const& [id, story] : server.stories)
            if (!story.heads.empty() && Http2Peer::field(story.heads[0], ":path") == path) return id;
        return 0;
    }
    bool reaches_server(std::string_view path)
    {
        return until([&] { return at_server(path) != 0; });
    }

    void request(Http2StreamId stream, RelayRequest const& head) override
    {
        requests.push_back({stream, head});
        if (on_request)
            on_request(stream, head);
        else
            relay->forward(stream, head, head.host, HttpRelay::Secret::none);
    }
    std::optional<HttpResponse> response(Http2StreamId, RelayResponse& head) override
    {
        return on_response ? on_response(head) : std::nullopt;
    }
    std::unique_ptr<BodyFilter> filter(Http2StreamId, RelayResponse const&) override { return make_filter ? make_filter() : nullptr; }
    HttpResponse explain(Http2StreamId, RelayFault fault) override
    {
        faults.push_back(fault);
        return {
            fault == RelayFault::gone || fault == RelayFault::upstream ? 502u : 403u, {{"X-Fault", std::string(name_of(fault))}}, "no\n"};
    }
    bool request_trailers(Http2StreamId, Http2Fields const&) override { return trailers_pass; }
    void response_trailers(Http2StreamId, Http2Fields& trailers) override
    {
        std::erase_if(trailers, [](HttpHeader const& each) { return each.name == "x-secret"; });
    }
    void done(Http2StreamId stream, RelayDone const& told) override { dones[stream] = told; }
    void ended(RelayFault fault, RelayTotals told) override
    {
        end = fault;
        totals = told;
    }

    Loop loop;
    FarEnd guest, upstream;
    Http2Peer client{Http2Session::Side::client}, server{Http2Session::Side::server};
    std::optional<Http2Relay> relay;
    std::vector<std::pair<Http2StreamId, RelayRequest>> requests;
    std::vector<RelayFault> faults;
    std::map<Http2StreamId, RelayDone> dones;
    std::optional<RelayFault> end;
    RelayTotals totals;
    bool trailers_pass = true;
    bool client_speaks = true;  // false: the test writes the guest's bytes itself
    std::function<void(Http2StreamId, RelayRequest const&)> on_request;
    std::function<std::optional<HttpResponse>(RelayResponse&)> on_response;
    std::function<std::unique_ptr<BodyFilter>()> make_filter;

private:
    void carry(Http2Peer& peer, FarEnd& end_of, std::string& out)
    {
        auto const heard = end_of.heard();
        end_of.forget();
        if (!heard.empty()) peer.hear(heard);
        if (&peer == &client && !client_speaks) return;
        out += peer.speak();
        out.erase(0, end_of.say(out));
    }
    std::string client_out, server_out;
};

}  // namespace test_support
