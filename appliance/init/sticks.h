// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Sticks: every volume that appears is looked at, by helpers, and what may be a manifest is handed up. Everything on a stick is hostile
// until its signature has been verified (T-18): this class never reads a byte of one.
//
//   block device ──► stick (probe: is it FAT, ext4 or ISO 9660, and labelled OCU-MANIFEST?)     no privilege, reads a descriptor
//                ──► mounter (fsopen … fsmount, read-only, nosuid, nodev, noexec)               CAP_SYS_ADMIN, one mount, then ends
//                ──► stick (read: manifest.json, .minisig, .pub, bounded)                       no privilege, beneath that mount
//
// Each step is a process of its own with a time limit; one that hangs in a slow or broken device is killed and forgotten, and nobody
// waits for it. The mount is attached nowhere: it ends with the last descriptor. Threading: the loop's thread only.

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "proto/stick_to_init.h"
#include "wire/loop.h"

namespace ocu::init {

// What a stick labelled OCU-MANIFEST holds, not verified in any way.
struct Candidate {
    std::string device;      // kernel name: "sdb1"
    proto::VolumeFormat format{};
    std::string manifest;    // <= 1 MiB
    std::string signature;   // the .minisig beside it
    std::string public_key;  // manifest.pub, empty if there is none: for enrolment at first boot
};

struct ReportFile {
    std::string name;     // one plain component: [a-z0-9._-]{1,64}
    std::string content;  // <= 256 KiB
};

class Sticks {
public:
    struct Events {
        std::function<void(Candidate)> on_candidate;
        // A volume that is labelled OCU-MANIFEST and gave nothing: why, in words that were known at compile time.
        std::function<void(std::string const& device, std::string_view reason)> on_refused;
    };

    Sticks(wire::Loop& loop, Clock const& clock, Events events);
    ~Sticks();

    // A block device is there (or its medium changed); looking again at one that is being looked at starts over. Whole disks and
    // partitions alike.
    void appeared(std::string const& device);
    void vanished(std::string const& device);
    // Devices on which something is still going on.
    std::size_t busy() const;

    // Writes `ocu-report/` on a stick whose manifest's signature has been verified; earlier files of the same names are replaced, each
    // one whole. Answers once, in words on failure ("the stick is read-only", ...); an empty text means written and synced.
    void write_report(Candidate const& on, std::vector<ReportFile> files, std::function<void(std::string_view failure)> done);

private:
    struct Work;
    std::map<std::string, std::shared_ptr<Work>> work_;  // owners: this map and the callbacks of the helper that is running
    wire::Loop& loop_;
    Clock const& clock_;
    Events events_;
};

}  // namespace ocu::init
