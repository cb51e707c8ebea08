// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/time.h"
#include "clock/helpers.h"
#include "clock/measure.h"
#include "helper/frame.h"

namespace ocu::clock {

namespace {

constexpr std::chrono::milliseconds kSocketWait{2'000};

template <class Message>
Result<void> tell(int link, Message const& message)
{
    return helper::write_frame(link, static_cast<std::uint16_t>(Message::kType), wire::encode(message), {});
}

// Init alone makes sockets, and only to the address that the manifest names.
Result<UniqueFd> ask_for_socket(int link, std::uint16_t port)
{
    OCU_CHECK(tell(link, proto::TimeSocketWanted{port}));
    auto frame = OCU_TRY(helper::read_frame(link, 16, kSocketWait));
    if (frame.type != static_cast<std::uint16_t>(proto::Type::time_socket) || frame.descriptors.size() != 1)
        return fail(Fault::malformed, "not the socket that was asked for");
    return std::move(frame.descriptors.front());
}

}  // namespace

// Entered by re-execution: `ocu-appliance helper time`. One measurement, one answer, the end.
Result<void> time_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::TimeConfig>());
    if (helper.descriptors().size() != 1) return fail(Fault::malformed, "one connection is needed");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kTime));
    auto keys = OCU_TRY(SessionKeys::make());
    OCU_CHECK(helper.confine(profiles::kTime));
    UniqueFd const tcp = std::move(helper.descriptors().front());
    UniqueFd const link = OCU_TRY(helper.report_ready());

    auto answer = exchange_keys(tcp.get(), config, keys);
    if (!answer) return tell(link.get(), proto::TimeFailed{answer.error()});
    UniqueFd const udp = OCU_TRY(ask_for_socket(link.get(), answer->port));
    auto const measured = ask_time(udp.get(), config, keys, std::move(answer->cookies));
    if (!measured) return tell(link.get(), proto::TimeFailed{measured.error()});
    return tell(link.get(), *measured);
}

}  // namespace ocu::clock
