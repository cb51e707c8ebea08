// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One session's synthetic addresses (EG-4): a name that may be reached gets an address that stands for it and for nothing else. A place is
// given again only when the guest has long forgotten it: what was least recently asked for or connected to goes first, and one that is
// still alive in the guest's memory never does. Pure.

#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "edge/address.h"

namespace ocu::edge {

class NamePool {
public:
    // `rest`: how long a place is the name's own after it was last used.
    NamePool(std::size_t names_max, std::chrono::seconds rest) : names_max_(names_max), rest_(rest) {}

    struct Addresses {
        Address v4;
        Address v6;
    };
    // Of a name that is known or for which there is room; nothing if every place is in use.
    std::optional<Addresses> place(std::string const& name, Monotonic now);
    bool knows(std::string const& name) const { return by_name_.contains(name); }
    // What an address stands for; nothing for one that stands for no name.
    std::optional<std::string> name_behind(Address const& address, Monotonic now);
    // Whether it is one of those that only this pool gives out.
    static bool is_synthetic(Address const& address);

private:
    struct Place {
        std::string name;
        std::uint32_t index;
        Monotonic used;
    };
    using Places = std::list<Place>;  // most recently used first
    void use(Places::iterator place, Monotonic now);

    std::size_t names_max_;
    std::chrono::seconds rest_;
    Places places_;
    std::unordered_map<std::string, Places::iterator> by_name_;
    std::unordered_map<std::uint32_t, Places::iterator> by_index_;
};

}  // namespace ocu::edge
