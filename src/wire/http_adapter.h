// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Somebody to whom one message is shown before it goes on, and who gives what goes on in its place (EG-11). The body goes in, in pieces, and
// comes out, perhaps changed; what the head becomes is said to the owner of the relay, not here.
// Threading: the loop's thread. Nothing calls back from within a call.

#include <functional>
#include <string>
#include <string_view>

namespace ocu::wire {

class BodyAdapter {
public:
    enum class State {
        open,    // more may come out
        over,    // all of it has been taken
        broken,  // nothing more will come, and what came is not the whole
    };

    virtual ~BodyAdapter() = default;
    // How much of a body it would take now. A little more is taken all the same.
    virtual std::size_t room() const = 0;
    // `last`: the body is whole with this piece, which may be empty. Called with something, or with last, once.
    virtual void feed(std::string_view piece, bool last) = 0;
    virtual std::string take(std::size_t bytes_max) = 0;
    virtual State state() const = 0;
    // Called, later, when room, state or what can be taken has changed.
    virtual void on_moved(std::function<void()> moved) = 0;
};

}  // namespace ocu::wire
