// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The thread's half of asking secret sources (docs/formats/secret-source.md): for a lease, it has the source dialled, starts the process that asks,
// gives custody the other end of its channel, and waits for custody's word. No secret passes here. Threading: the loop's thread.

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "custody/lease_table.h"
#include "helper/spawner.h"
#include "proto/custody_helper_to_custody.h"
#include "proto/edge_to_custody.h"
#include "proto/secret_source.h"
#include "wire/link.h"

namespace ocu::custody {

// A rule whose credential is asked for.
struct SourcedRule {
    std::string rule;
    proto::SecretSource source;
    bool basic = false;  // a user and a password
};

struct Config {
    std::string appliance;
    std::vector<SourcedRule> sources;
};

class Sources {
public:
    struct Told {
        proto::SourceFailure failure{};
        std::uint16_t status = 0;
        Monotonic ends{};  // of what was answered, counted from when the question was begun
        std::string version;
    };
    // Once for each question that is not given up, never from within ask().
    using Done = std::function<void(LeaseNumber, Told)>;

    // Everything that is referred to outlives this.
    Sources(wire::Loop& loop, Clock const& clock, Config config, proto::CustodyToEdge& edge, helper::Spawner& spawner, Done done)
        : loop_(loop), clock_(clock), config_(std::move(config)), edge_(edge), spawner_(spawner), done_(std::move(done))
    {}

    // Null: the rule's credential is sealed in the manifest.
    SourcedRule const* find(std::string_view rule) const;

    // `link` is lent until helper_down(), which gives up all questions.
    void helper_up(wire::Link& link) { link_ = &link; }
    void helper_down();

    // For a lease of a rule that find() knows, once.
    void ask(Lease const& lease);
    // Nothing is told of it. What custody may hold of it is the caller's to revoke.
    void give_up(LeaseNumber lease);
    void dialled(proto::SourceDialled dialled);
    void held(proto::SourceHeld const& held);

private:
    struct Question {
        Lease lease;
        SourcedRule const* rule = nullptr;
        Monotonic began{};
        std::uint64_t dial = 0;  // 0: not dialling
        std::uint64_t place = 0;  // of its process among those that run: one user for each
        helper::Child child;
        std::unique_ptr<wire::Link> link;
    };

    void connect(LeaseNumber lease);
    void begin(Question& question, UniqueFd stream);
    Result<void> start(Question& question, UniqueFd stream);
    void finish(LeaseNumber lease, Told told);
    void fail_soon(LeaseNumber lease, proto::SourceFailure why);
    void keep_time();
    std::uint64_t free_place() const;

    wire::Loop& loop_;
    Clock const& clock_;
    Config config_;
    proto::CustodyToEdge& edge_;
    helper::Spawner& spawner_;
    Done done_;
    wire::Link* link_ = nullptr;
    std::unordered_map<LeaseNumber, Question> questions_;
    std::uint64_t last_dial_ = 0;
    wire::Watch tick_;
};

}  // namespace ocu::custody
