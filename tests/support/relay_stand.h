// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A relay between two socket pairs, and both ends of the rest of the world in the test's hands. The loop is turned by the test.

#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "wire/http_relay.h"

namespace test_support {

using namespace ocu;
using namespace ocu::wire;

// The far end of a connection: never blocks.
class FarEnd {
public:
    explicit FarEnd(UniqueFd fd = {}) : fd_(std::move(fd)) {}
    // How much of it was taken.
    std::size_t say(std::string_view text) const
    {
        std::size_t sent = 0;
        while (sent < text.size()) {
            auto const now = ::send(fd_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (now <= 0) break;
            sent += static_cast<std::size_t>(now);
        }
        return sent;
    }
    // All that has come so far, from the beginning or the last forget().
    std::string const& heard()
    {
        char block[16384];
        for (;;) {
            auto const got = ::recv(fd_.get(), block, sizeof block, MSG_DONTWAIT);
            if (got > 0) {
                heard_.append(block, static_cast<std::size_t>(got));
                continue;
            }
            if (got == 0 || (errno != EAGAIN && errno != EINTR)) closed_ = true;
            return heard_;
        }
    }
    bool closed()
    {
        (void)heard();
        return closed_;
    }
    void forget() { heard_.clear(); }
    void end_writing() const { (void)::shutdown(fd_.get(), SHUT_WR); }
    void leave() { fd_.reset(); }

private:
    UniqueFd fd_;
    std::string heard_;
    bool closed_ = false;
};

struct RelayStand : RelayOwner {
    explicit RelayStand(std::string already = {}, RelayLimits limits = {})
    {
        auto guest_pair = *make_socket_pair();
        auto upstream_pair = *make_socket_pair();
        guest = FarEnd(std::move(guest_pair.theirs));
        upstream = FarEnd(std::move(upstream_pair.theirs));
        relay.emplace(loop, plain_transport(loop, std::move(guest_pair.ours)), plain_transport(loop, std::move(upstream_pair.ours)),
            std::move(already), limits, *this);
    }

    // Turns the loop until it is so; false after two seconds.
    bool until(std::function<bool()> const& so)
    {
        bool late = false;
        auto const guard = loop.after(std::chrono::seconds(2), [&] { late = true; });
        while (!so()) {
            if (late) return false;
            loop.run_one();
        }
        return true;
    }
    // Turns it until nothing is left to do for a moment.
    void settle()
    {
        bool over = false;
        auto const guard = loop.after(std::chrono::milliseconds(30), [&] { over = true; });
        while (!over) loop.run_one();
    }

    void request(RelayRequest const& head) override
    {
        requests.push_back(head);
        if (on_request)
            on_request(head);
        else
            relay->forward(head, head.host, HttpRelay::Secret::none);
    }
    std::optional<HttpResponse> response(RelayResponse& head) override { return on_response ? on_response(head) : std::nullopt; }
    std::unique_ptr<BodyFilter> filter(RelayResponse const&) override { return make_filter ? make_filter() : nullptr; }
    HttpResponse explain(RelayFault fault) override
    {
        faults.push_back(fault);
        return {
            fault == RelayFault::gone || fault == RelayFault::upstream ? 502u : 403u, {{"x-fault", std::string(name_of(fault))}}, "no\n"};
    }
    void done(RelayDone const& told) override { dones.push_back(told); }
    void ended(RelayFault fault, RelayTotals told) override
    {
        end = fault;
        totals = told;
    }

    Loop loop;
    FarEnd guest;
    FarEnd upstream;
    std::optional<HttpRelay> relay;
    std::vector<RelayRequest> requests;
    std::vector<RelayFault> faults;
    std::vector<RelayDone> dones;
    std::optional<RelayFault> end;
    RelayTotals totals;
    std::function<void(RelayRequest const&)> on_request;
    std::function<std::optional<HttpResponse>(RelayResponse&)> on_response;
    std::function<std::unique_ptr<BodyFilter>()> make_filter;
};

}  // namespace test_support
