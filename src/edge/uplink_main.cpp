// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/uplink.h"
#include "edge/dialler.h"
#include "edge/helpers.h"
#include "edge/names.h"

namespace ocu::edge {

namespace {

class Server {
public:
    Server(wire::Loop& loop, Names& names, proto::ChainedProxy proxy, UniqueFd link)
        : loop_(loop), link_(
                           loop, std::move(link), {proto::kEdgeToUplink, kQueueBytesMax}, [this](wire::Link::Frame frame) { serve(frame); },
                           [this](wire::Lost) { loop_.stop(); }),
          dialler_(loop, names, std::move(proxy),
              {[this](proto::Dialled dialled, UniqueFd socket) { send(dialled, std::move(socket)); },
                  [this](proto::DialFailed failed) { link_.send(failed); }, [this](proto::DialJudged judged) { link_.send(judged); }})
    {}

private:
    static constexpr std::size_t kQueueBytesMax = 1u << 20;

    void serve(wire::Link::Frame const& frame)
    {
        if (frame.type == static_cast<std::uint16_t>(proto::Type::dial)) {
            if (auto asked = wire::decode<proto::Dial>(frame.body); asked && dialler_.dial(*std::move(asked))) return;
        } else if (auto const cancelled = wire::decode<proto::DialCancel>(frame.body)) {
            return dialler_.cancel(cancelled->request);
        }
        link_.violation();
    }

    void send(proto::Dialled const& dialled, UniqueFd socket)
    {
        std::vector<UniqueFd> descriptors;
        descriptors.push_back(std::move(socket));
        link_.send(dialled, std::move(descriptors));
    }

    wire::Loop& loop_;
    wire::Link link_;
    Dialler dialler_;
};

// Each connecting dial is a socket and the watch's duplicate, and each question, also of a dial that was cancelled, two sockets and theirs.
static_assert(kAddressesMax <= proto::kJudgedMax);
static_assert(2 * kDialsMax + 4 * kQuestionsMax + 256 <= profiles::kUplink.open_files_max);

}  // namespace

Result<void> uplink_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::UplinkConfig>());
    std::vector<std::string> resolvers;
    for (auto const& each : config.resolvers.items()) resolvers.push_back(each.str());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kUplink));
    wire::Loop loop;
    // Here, because the host's own list of resolvers cannot be read any more afterwards.
    auto const names = OCU_TRY(Names::open(loop, resolvers));
    OCU_CHECK(helper.confine(profiles::kUplink));
    Server server(loop, *names, config.proxy, OCU_TRY(helper.report_ready()));
    loop.run();
    return {};
}

}  // namespace ocu::edge
