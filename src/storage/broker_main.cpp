// SPDX-License-Identifier: GPL-3.0-or-later
#include <ctime>

#include "appliance/profiles/broker.h"
#include "base/crypto/crypto.h"
#include "base/secret.h"
#include "proto/broker_to_storage.h"
#include "storage/engine.h"
#include "storage/file_channels.h"
#include "storage/helpers.h"
#include "storage/local_segments.h"
#include "storage/mount_face.h"
#include "storage/remote_parts.h"
#include "storage/resource_service.h"
#include "storage/sealed_log.h"
#include "storage/tree_keeper.h"
#include "storage/withholding.h"
#include "wire/http_client.h"

namespace ocu::storage {

namespace {

// With a store elsewhere: the supply of channels to it, and where the credential is read, in the place of the directory.
enum Descriptor : std::size_t { kNamespace, kConnection, kMeter, kDirectory, kDescriptors, kSupply = kDirectory, kCredential, kRemoteDescriptors };

constexpr std::size_t kDataKeyBytes = 32;

std::vector<WithholdRule> rules_from(proto::BrokerConfig const& config)
{
    std::vector<WithholdRule> out;
    for (auto const& each : config.withhold.items()) out.emplace_back(each.view());
    return out;
}

TreeLimits limits_from(proto::BrokerConfig const& config)
{
    return {config.file_bytes_max, config.session_bytes_max, kEntriesMax, kOpenFilesMax};
}

// The session's data key is made here, is in this process's memory alone, and ends with it (SB-3).
Result<Secret> new_key()
{
    auto key = OCU_TRY(Secret::make(kDataKeyBytes));
    crypto::random_bytes(key.bytes());
    return key;
}

// A store that is not empty is another session's: nothing of it is read.
Result<std::unique_ptr<SealedLog>> new_store(std::unique_ptr<Segments> segments, Secret key)
{
    auto opened =
        SealedLog::open(std::move(segments), std::move(key), [](std::span<std::byte const>) -> Answer<void> { return refuse(EIO); });
    if (!opened) return fail(Fault::conflict, "session's store is not empty");
    return std::move(opened->log);
}

timespec wall_time()
{
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

}  // namespace

// Entered by re-execution, one for each session: `ocu-appliance helper broker`. The guest's first request is read after confine().
Result<void> serve_broker(helper::Helper& helper, RemoteEngine const& remote)
{
    auto const config = OCU_TRY(helper.receive_config<proto::BrokerConfig>());
    auto& descriptors = helper.descriptors();
    bool const elsewhere = static_cast<bool>(config.place);
    if (descriptors.size() != (elsewhere ? kRemoteDescriptors : kDescriptors)) return fail(Fault::malformed, "broker lacks descriptors");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(elsewhere ? profiles::kRemoteBroker : profiles::kBroker));
    auto meter = OCU_TRY(MountMeter::map(descriptors[kMeter].get(), MountMeter::Side::counts));
    auto const face = OCU_TRY(MountFace::attach(std::move(descriptors[kConnection]), std::move(meter)));
    auto key = OCU_TRY(new_key());  // locked memory can be had now, and no more after confine()
    std::optional<RemoteParts> way;
    std::unique_ptr<Segments> segments;
    if (elsewhere) {
        way = OCU_TRY(RemoteParts::make(std::move(descriptors[kSupply]), std::move(descriptors[kCredential])));
        OCU_CHECK(wire::http_begin());  // opens files
        OCU_CHECK(helper.confine(profiles::kRemoteBroker));
        segments = OCU_TRY(remote(place_of(config.place), OCU_TRY(way->credential()), way->connect()));
    } else {
        OCU_CHECK(helper.confine(profiles::kBroker, std::array{descriptors[kDirectory].get()}));
        segments = std::make_unique<LocalSegments>(std::move(descriptors[kDirectory]));
    }
    auto const store = OCU_TRY(new_store(std::move(segments), std::move(key)));
    SessionTree tree(*store, config.owner, limits_from(config), wall_time);
    tree.on_foreign_change([&face](NodeId node) { face->changed(node); });
    wire::Loop loop;
    SystemClock const clock;
    Withholding withholding(tree, clock, rules_from(config));
    FileService files(tree, withholding, {TypeRules(config.uploads), TypeRules(config.outputs)});
    std::optional<FileChannels> channels;
    std::unique_ptr<wire::Link> link;
    wire::Watch looking;
    auto const heard = [&](wire::Link::Frame frame) {
        if (frame.type == static_cast<std::uint16_t>(proto::Type::broker_resource_ask)) {
            auto const asked = wire::decode<proto::BrokerAskResource>(frame.body);
            if (!asked) return loop.stop();
            return link->send(proto::BrokerResource{asked->request, answer_resource(files, asked->ask)});
        }
        if (frame.type == static_cast<std::uint16_t>(proto::Type::broker_files_ask)) {
            auto const asked = wire::decode<proto::BrokerAskFiles>(frame.body);
            if (!asked) return loop.stop();
            auto told = files.operator_says(asked->question, asked->actor.view());
            told.request = asked->request;
            return link->send(proto::BrokerFiles{std::move(told)});
        }
        if (!channels->storage_said(frame)) loop.stop();
    };
    link = std::make_unique<wire::Link>(loop, OCU_TRY(helper.report_ready()), wire::Link::Options{proto::kStorageMaySendBroker}, heard,
        [&loop](wire::Lost) { loop.stop(); });
    channels.emplace(loop, files, *link);
    withholding.on_changed([&link](proto::WithheldChange change) { link->send(proto::ContentsWithheld{std::move(change)}); });
    std::function<void()> const look = [&] {
        looking.reset();
        if (withholding.step()) looking = loop.after(kLookPause, look);
    };
    withholding.on_pending([&] {
        if (!looking) looking = loop.after(kLookPause, look);
    });
    TreeKeeper const keeper(loop, clock, tree, [&link] { link->send(proto::StoreDamaged{}); });
    face->serve(loop, tree, [&loop] { loop.stop(); });
    loop.run();
    return {};
}

Result<void> broker_main(helper::Helper& helper) { return serve_broker(helper, s3_engine); }

}  // namespace ocu::storage
