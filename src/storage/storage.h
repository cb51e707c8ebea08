// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The storage broker: whose files a mount shows (F7), and who may open what strangers made.
//
//   runs as   a thread of the core, `ocu:storage`; helpers `broker` (one per session: FUSE), `parser` (archives, images), `files-front` (F11),
//             `sweeper` (what is left in a store elsewhere)
//   hears     sandbox  proto/sandbox_to_storage.h   attach, detach
//             gateway  proto/gateway_to_storage.h   look inside this image or archive
//             control  proto/control_to_all.h       sever; whose session that is (F11)
//             files-front  proto/files_front_to_storage.h   who asks for files
//             broker   proto/broker_to_storage.h    what it did for the file API; may this archive be let in
//             edge     proto/storage_to_edge.h      the way to the store is there again
//   tells     audit    proto/any_to_audit.h         mount attached, detached; what was done with files by the file API
//             control  proto/storage_to_control.h   session wanted (F11); how many bytes a session's mount has carried
//             edge     proto/storage_to_edge.h      a way to the store wanted, for a session's broker or for what sweeps after it
//             custody  proto/storage_to_custody.h   the store's credential wanted, for the same; it does not pass here
//   never     a way out of its own, an upstream credential, kill state

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/control_to_all.h"
#include "proto/core_to_role.h"
#include "proto/gateway_to_storage.h"
#include "proto/sandbox_to_storage.h"
#include "proto/storage_to_custody.h"
#include "proto/storage_to_edge.h"
#include "storage/files_desk.h"
#include "storage/s3_place.h"

namespace ocu::storage {

struct Config {
    std::uint64_t file_bytes_max = 1ull << 30;  // largest single file on a mount
    std::uint64_t session_bytes_max = 4ull << 30;  // all files of a session
    proto::TypeLists upload_types{};  // what the file API takes in
    proto::TypeLists output_types{};  // what it and the resources give out
    std::vector<std::string> withhold{};  // patterns without fault, at most proto::kWithholdRulesMax
    FilesDeskConfig files{};
    std::optional<S3Place> s3{};  // where session files lie; none: beneath the store's directory
};

class Storage {
public:
    struct Wires {
        proto::CoreToRole& core_in;
        proto::SandboxToStorage& sandbox_in;
        proto::GatewayToStorage& gateway_in;
        proto::ControlToStorage& control_in;
        proto::StorageToSandbox& sandbox;
        proto::StorageToGateway& gateway;
        proto::StorageToControl& files_control;
        proto::EdgeToStorage& edge_in;
        proto::StorageToEdge& edge;
        proto::StorageToCustody& custody;
        proto::Recorder& recorder;
        helper::Spawner& spawner;
        std::function<void()> stopped;
    };

    // `store`: an open directory, STATE/store. Each session's files lie in a directory of its own beneath it, removed at detach.
    Storage(wire::Loop& loop, Clock const& clock, Config config, UniqueFd store, Wires wires);
    ~Storage();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ocu::storage
