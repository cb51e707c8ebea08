// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstdlib>
#include <ctime>

#include "appliance/profiles/parser.h"
#include "storage/helpers.h"
#include "storage/parser_face.h"

namespace ocu::storage {

// Entered by re-execution: `ocu-appliance helper parser`. A request that runs out of memory or time ends this process, and with it
// nothing but that request.
Result<void> parser_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::ParserConfig>());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kParser));
    // The archive library turns dates into local time: with a zone that is known already, no file of zones is looked for later.
    ::setenv("TZ", "UTC0", 1);
    ::tzset();
    OCU_CHECK(helper.confine(profiles::kParser));
    wire::Loop loop;
    std::unique_ptr<wire::Link> link;
    auto const answer = [&link, &config](wire::Link::Frame frame) {
        if (frame.type == static_cast<std::uint16_t>(proto::Type::check_archive)) {
            auto const request = wire::decode<proto::CheckArchive>(frame.body);
            return request ? link->send(check(*request, std::move(frame.descriptors.front()))) : link->violation();
        }
        auto const request = wire::decode<proto::Inspect>(frame.body);
        if (request)
            link->send(inspect(*request, config));
        else
            link->violation();
    };
    link = std::make_unique<wire::Link>(loop, OCU_TRY(helper.report_ready()), wire::Link::Options{proto::kStorageMaySendParser}, answer,
        [&loop](wire::Lost) { loop.stop(); });
    loop.run();
    return {};
}

}  // namespace ocu::storage
