// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Custody's ends of the channels to processes that ask secret sources, one for each lease in the making
// (proto/source_helper_to_custody_helper.h). Such a process has read a stranger's bytes: it can give this lease a value, have one handshake
// signed with this source's certificate, and nothing else (T-26). Threading: the loop's thread.

#include <functional>
#include <map>
#include <memory>

#include "custody/credentials.h"
#include "custody/fetched_secrets.h"
#include "proto/custody_helper_to_custody.h"
#include "wire/link.h"
#include "wire/loop.h"

namespace ocu::custody {

class SourceChannels {
public:
    // `told`: once for each channel, unless it is closed from here.
    SourceChannels(wire::Loop& loop, Clock const& clock, Credentials const& credentials, FetchedSecrets& fetched,
        std::function<void(proto::SourceHeld const&)> told)
        : loop_(loop), clock_(clock), credentials_(credentials), fetched_(fetched), told_(std::move(told))
    {}

    // One that cannot be opened is told at once, as lost or over_limit.
    void open(proto::OpenSourceChannel const& asked, UniqueFd end);
    void close(LeaseNumber lease) { channels_.erase(lease); }
    void close(SessionId session);
    std::size_t size() const { return channels_.size(); }

private:
    struct Channel {
        proto::OpenSourceChannel asked;
        std::uint64_t number = 0;
        bool proved = false;
        std::unique_ptr<wire::Link> link;
    };

    void hear(Channel& channel, wire::Link::Frame const& frame);
    bool prove(Channel& channel, std::span<std::byte const> body);
    bool answered(Channel& channel, std::span<std::byte const> body);
    void end(LeaseNumber lease, std::uint64_t number, proto::SourceHeld held);

    wire::Loop& loop_;
    Clock const& clock_;
    Credentials const& credentials_;
    FetchedSecrets& fetched_;
    std::function<void(proto::SourceHeld const&)> told_;
    std::uint64_t last_ = 0;
    std::map<LeaseNumber, std::unique_ptr<Channel>> channels_;
};

}  // namespace ocu::custody
