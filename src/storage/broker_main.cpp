// SPDX-License-Identifier: GPL-3.0-or-later
#include <sys/stat.h>

#include "appliance/profiles/broker.h"
#include "proto/broker_to_storage.h"
#include "storage/file_channels.h"
#include "storage/helpers.h"
#include "storage/mount_face.h"

namespace ocu::storage {

namespace {

enum Descriptor : std::size_t { kNamespace, kConnection, kDirectory, kDescriptors };

TreeLimits limits_from(proto::BrokerConfig const& config)
{
    return {config.file_bytes_max, config.session_bytes_max, kEntriesMax, kOpenFilesMax};
}

}  // namespace

// Entered by re-execution, one for each session: `ocu-appliance helper broker`. The guest's first request is read after confine().
Result<void> broker_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::BrokerConfig>());
    auto& descriptors = helper.descriptors();
    if (descriptors.size() != kDescriptors) return fail(Fault::malformed, "broker needs three descriptors");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kBroker));
    auto const directory = OCU_TRY(duplicate(descriptors[kDirectory].get()));
    SessionTree tree(std::move(descriptors[kDirectory]), config.owner, limits_from(config));
    auto const face = OCU_TRY(MountFace::attach(std::move(descriptors[kConnection]), tree));
    OCU_CHECK(helper.confine(profiles::kBroker, std::array{directory.get()}));
    ::umask(0);  // the guest's own umask has been applied by the kernel
    wire::Loop loop;
    FileService files(tree, [&face](NodeId node) { face->gone(node); });
    std::optional<FileChannels> channels;
    wire::Link link(
        loop, OCU_TRY(helper.report_ready()), {proto::kStorageMaySendBroker},
        [&channels, &loop](wire::Link::Frame frame) {
            if (!channels->storage_said(frame)) loop.stop();
        },
        [&loop](wire::Lost) { loop.stop(); });
    channels.emplace(loop, files, link);
    OCU_CHECK(face->serve(loop, [&loop] { loop.stop(); }));
    loop.run();
    return {};
}

}  // namespace ocu::storage
