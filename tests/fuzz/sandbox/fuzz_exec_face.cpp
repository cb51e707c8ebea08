// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz: what a guest's agent may send to the exec helper, between calls, cancels and the passing of time. Whatever it is, every call is
// answered exactly once and no answer is larger than its type allows.

#include <cstdlib>
#include <map>

#include "sandbox/exec_calls.h"

namespace {

using namespace ocu;
using namespace ocu::sandbox;

void demand(bool condition)
{
    if (!condition) std::abort();
}

class Session {
public:
    Session() { demand(calls_.guest_says(proto::GuestReady{"t"})); }
    ~Session()
    {
        calls_.lose_guest(GuestLost::went_away);
        for (auto const& [id, open] : open_) demand(open == 0);
    }

    void ask(std::uint8_t what, std::uint8_t which)
    {
        std::uint64_t const id = what >> 4;
        if (open_[id] != 0) return calls_.cancel({id});
        ++open_[id];
        proto::ExecCall call;
        call.call = {id};
        call.arguments.tool = static_cast<proto::Tool>(which % (static_cast<unsigned>(proto::Tool::kLast) + 1));
        call.arguments.process.process = which >> 4;
        call.arguments.process.wait = std::chrono::seconds(1);
        call.arguments.command = "grep a | diff";
        call.arguments.path = "p";
        call.arguments.timeout = std::chrono::seconds(5);
        call.progress_wanted = (what & 4) != 0;
        calls_.call(std::move(call));
    }
    void wait(std::uint8_t how_long)
    {
        clock_.advance(std::chrono::milliseconds(how_long * 20));
        calls_.advance();
    }
    bool hear(std::uint16_t type, std::span<std::byte const> body)
    {
        auto message = parse_guest_frame(type, body);
        return message && calls_.guest_says(*std::move(message));
    }

private:
    void told(std::uint16_t type, wire::Bytes const& body)
    {
        for (auto const& permit : proto::kExecMaySend)
            if (permit.type == type) demand(body.size() <= permit.body_bytes_max);
        if (static_cast<proto::Type>(type) == proto::Type::exec_done) --open_[wire::decode<proto::ExecDone>(body).value().call.value];
    }

    ManualClock clock_;
    std::map<std::uint64_t, int> open_;
    ExecCalls calls_{clock_, {"t", 1000, std::chrono::seconds(3), {}},
        {[](std::uint16_t, wire::Bytes) {}, [this](std::uint16_t type, wire::Bytes body) { told(type, body); }}};
};

}  // namespace

// Steps: 0 call or cancel (and a byte that says of what tool and process), 1 wait, else a frame of type 0x200 + step with a length byte and that many bytes.
extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size)
{
    Session session;
    for (std::size_t at = 0; at + 2 <= size;) {
        auto const step = data[at];
        auto const argument = data[at + 1];
        at += 2;
        if (step == 0) {
            if (at == size) return 0;
            session.ask(argument, data[at++]);
        } else if (step == 1) {
            session.wait(argument);
        } else {
            auto const length = std::min<std::size_t>(argument, size - at);
            if (!session.hear(static_cast<std::uint16_t>(0x200 + step), {reinterpret_cast<std::byte const*>(data + at), length})) return 0;
            at += length;
        }
    }
    return 0;
}
