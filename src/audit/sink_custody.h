// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A sink's end of its channel to custody: what it shows and what it says who it is with. Helper only. Threading: the loop's thread.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proto/sink_helper_to_custody_helper.h"
#include "wire/tls_stream.h"

namespace ocu::audit {

class SinkCustody {
public:
    // `ended`: custody has gone, or broke its grammar. Without it this process is of no use. `begun`: it is ready now.
    SinkCustody(wire::Loop& loop, UniqueFd channel, std::function<void()> ended, std::function<void()> begun = {});
    ~SinkCustody();

    bool ready() const { return begun_; }
    std::string const& token() const { return token_; }
    // Its handshake is signed by custody, for as long as this lives.
    wire::TlsClientIdentity identity();

private:
    using Then = std::function<void(std::optional<std::string>)>;
    void hear(wire::Link::Frame const& frame);

    std::function<void()> tell_begun_;
    bool begun_ = false;
    std::string chain_pem_;
    std::string token_;
    std::deque<Then> wanted_;  // custody answers in order, also those that nobody waits for any more
    std::unique_ptr<wire::Link> link_;
    std::shared_ptr<SinkCustody*> self_ = std::make_shared<SinkCustody*>(this);  // held weakly by handshakes
};

}  // namespace ocu::audit
