// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Asks resolvers for the addresses of names, by c-ares on our loop (EG-4). Only DNS: no hosts file, no search domains, no aliases. Nothing
// is cached: an answer is used for the one dial that asked. Threading: the loop's thread.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edge/address.h"
#include "wire/loop.h"

namespace ocu::edge {

inline constexpr std::size_t kQuestionsMax =
    640;  // open at once, some for dials that were cancelled; each is two queries of one socket each

class Names {
public:
    enum class Outcome : std::uint8_t { found, no_such_name, failed, over_limit };
    struct Answer {
        Outcome outcome{};
        std::vector<Address> addresses;  // in the resolver's order, at most kAddressesMax of dial_plan.h
    };
    using Told = std::function<void(Answer)>;

    // Before confinement: without resolvers it reads the host's list of them, once. `resolvers`: numeric, with an optional port.
    // Errors: malformed (not an address), unavailable.
    static Result<std::unique_ptr<Names>> open(wire::Loop& loop, std::vector<std::string> const& resolvers);
    ~Names();
    Names(Names const&) = delete;
    Names& operator=(Names const&) = delete;

    // `name` satisfies is_host_name. `told` is called once, perhaps before this returns, and not at all when this object ends first.
    void ask(std::string const& name, Told told);

private:
    struct State;
    explicit Names(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace ocu::edge
