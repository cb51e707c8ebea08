// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One HTTP message shown to an ICAP server, and what it says goes on in its place (EG-11). Streamed: at most about 64 KiB wait in each
// direction, and of the original nothing is kept but the preview.
//
//     feed ──> preview ──> [100] ──> the rest in chunks ──> end           sent
//                 │ 204: as it is: the preview, then what is fed, untouched
//                 └ 200: a head, then perhaps a body ──> take             received; may begin before all is sent
//
// What the server does otherwise (another status, what it may not say now, bytes that nobody asked for, a body that is longer or shorter than
// its head says, silence, its end) is `unusable`, or `broken` once something was decided.
// Threading: the loop's thread. The calls come from the loop.

#include <chrono>
#include <memory>
#include <optional>

#include "wire/http_adapter.h"
#include "wire/http_relay_side.h"
#include "wire/icap.h"
#include "wire/loop.h"

namespace ocu::wire {

// A connection to an ICAP server, used for one message after the other.
class IcapConnection : public std::enable_shared_from_this<IcapConnection> {
public:
    explicit IcapConnection(std::unique_ptr<Transport> transport) : side(std::move(transport), {}) {}
    // Closes it. Letting go of it is not enough: what is pending holds it.
    void end();
    // Reads and writes what there is to; `moved` runs after each operation.
    void move_bytes();
    bool is_usable() const { return !side.ended() && !side.deaf() && side.in().empty() && side.waiting() == 0; }

    RelaySide side;
    std::function<void()> moved;
};

struct IcapLimits {
    std::size_t buffer_bytes_max = 64u << 10;
    std::size_t preview_bytes = 1024;
    std::chrono::milliseconds gather{200};    // a preview that does not fill is sent as it is
    std::chrono::milliseconds quiet{60'000};  // the server owes something and moves nothing
};

struct IcapVerdict {
    enum class Kind : std::uint8_t {
        as_it_is,
        request,   // the head in place of the request's
        response,  // the head in place of the answer's; asked about a request: the server answered it, that is, refused it
        unusable,
    };
    Kind kind = Kind::unusable;
    bool found = false;
    RelayRequest request;    // with the framing of what take() gives
    RelayResponse response;
};

class IcapAdapter final : public BodyAdapter {
public:
    struct Calls {
        std::function<void(IcapVerdict)> decided;  // once
        std::function<void(std::shared_ptr<IcapConnection>)> spare;  // the connection, if it can be used again
    };

    // `asked`: of the request whose answer this is.
    IcapAdapter(Loop& loop, std::shared_ptr<IcapConnection> connection, IcapQuestion question, Asked asked, IcapLimits limits, Calls calls);
    ~IcapAdapter() override;
    IcapAdapter(IcapAdapter const&) = delete;
    IcapAdapter& operator=(IcapAdapter const&) = delete;

    std::size_t room() const override;
    void feed(std::string_view piece, bool last) override;
    std::string take(std::size_t bytes_max) override;
    State state() const override;
    void on_moved(std::function<void()> moved) override;

private:
    class Machine;
    std::shared_ptr<Machine> machine_;  // shared with what is pending on the loop
};

}  // namespace ocu::wire
