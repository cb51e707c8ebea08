// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/exec_face.h"

#include "wire/codec.h"

namespace ocu::sandbox {

namespace {

template <class Message>
Result<GuestSays> parse(std::span<std::byte const> body)
{
    return GuestSays(OCU_TRY(wire::decode<Message>(body)));
}

}  // namespace

Result<GuestSays> parse_guest_frame(std::uint16_t type, std::span<std::byte const> body)
{
    switch (static_cast<proto::Type>(type)) {
    case proto::Type::guest_ready: return parse<proto::GuestReady>(body);
    case proto::Type::guest_output: return parse<proto::GuestOutput>(body);
    case proto::Type::guest_exited: return parse<proto::GuestExited>(body);
    case proto::Type::guest_file_done: return parse<proto::GuestFileDone>(body);
    case proto::Type::guest_failed: return parse<proto::GuestFailed>(body);
    case proto::Type::guest_process_done: return parse<proto::GuestProcessDone>(body);
    case proto::Type::guest_process_ended: return parse<proto::GuestProcessEnded>(body);
    case proto::Type::guest_idle: return parse<proto::GuestIdle>(body);
    default: return fail(Fault::malformed, "unlisted guest frame");
    }
}

}  // namespace ocu::sandbox
