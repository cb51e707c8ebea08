// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The words between the plan and the machine.

#include <chrono>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "appliance/init/ending.h"
#include "appliance/init/sticks.h"
#include "appliance/manifest/admit.h"

namespace ocu::init {

enum class Timer { address, ready, restart };
enum class Answer { yes, no };
enum class CoreEnd { asked, failed };  // asked: exit 0, somebody told it to shut down
enum class Signed { no, yes };         // whether the candidate's signature held under the trusted key

// One line for the log and the consoles; also the note on the screen.
struct Say {
    std::string text;
};
struct Ask {
    std::string title;
    std::string text;
};
struct Withdraw {};
// A person said yes: trust this key from now on.
struct KeepTrust {
    std::string public_key;
};
// Copy files that a manifest names from its stick into memory; fetched() answers with the same number.
struct Fetch {
    struct File {
        std::string key;  // in the manifest: "sandbox.mounts[0]"
        std::string name;
        std::string sha256;
    };
    unsigned number = 0;
    Candidate from;
    std::vector<File> files;
};
// Of the files that were fetched, only these hashes are needed.
struct KeepFiles {
    std::set<std::string> hashes;
};
// Put the manifest where the core can read it, and make host name, network and clock what it says.
struct Configure {
    Candidate candidate;
    manifest::Applied applied;
};
struct StartCore {
    std::string digest;  // of a manifest that was configured before
    std::string address;
    std::string rootfs;
    std::vector<manifest::ShippedDirectory> shipped;  // all of them were fetched
};
// In order; killed when it takes too long. core_ended() follows in any case.
struct StopCore {};
struct SetTimer {
    Timer timer{};
    std::chrono::milliseconds after{};
};
struct ClearTimer {
    Timer timer{};
};
// Write ocu-report/ on a stick whose signature held.
struct WriteReport {
    Candidate on;
    std::string refused_key;     // both empty: applied
    std::string refused_reason;
};
struct End {
    Power power{};
};

using Action =
    std::variant<Say, Ask, Withdraw, KeepTrust, Fetch, KeepFiles, Configure, StartCore, StopCore, SetTimer, ClearTimer, WriteReport, End>;
using Actions = std::vector<Action>;

}  // namespace ocu::init
