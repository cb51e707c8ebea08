// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Sticks: every volume that appears is looked at, by helpers, and what may be a manifest is handed up. Everything on a stick is hostile
// until its signature has been verified (T-18): this class never reads a byte of one.
//
//   block device ──► stick (probe: is it FAT, ext4 or ISO 9660, and labelled OCU-MANIFEST?)     no privilege, reads a descriptor
//                ──► mounter (fsopen … fsmount, read-only, nosuid, nodev, noexec)               CAP_SYS_ADMIN, one mount, then ends
//                ──► stick (read: manifest.json, .minisig, .pub, bounded)                       no privilege, beneath that mount
//   later, if the signature held: the same mount anew, and stick (copy one file it names, or write the report)
//
// Each step is a process of its own with a time limit; one that hangs in a slow or broken device is killed and forgotten, and nobody
// waits for it: it is reaped when it ends, if it ever does. The mount is attached nowhere: it ends with the last descriptor, which is
// never this process's, because closing that one waits for the device; nor does this process open a device, it passes on its node
// (O_PATH). Threading: the loop's thread only.

#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "helper/spawner.h"
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

// A file that a manifest whose signature held wants from its stick: mounts/NAME.erofs.
struct FileToCopy {
    std::string name;    // [a-z0-9-]{1,32}
    std::string sha256;  // hex
    UniqueFd into;       // an empty file, for writing
};

enum class CopyFault { stick, file, content };  // what the reason is about; content: another file than the one named
struct StickFailure {
    CopyFault about{};
    std::string_view reason;
};

struct StickSettings {
    std::string device_directory = "/dev";
    std::chrono::milliseconds probe_max{10'000};
    std::chrono::milliseconds mount_max{10'000};
    std::chrono::milliseconds read_max{20'000};
    std::chrono::milliseconds report_max{30'000};
    std::chrono::milliseconds copy_max{300'000};  // one file: 1 GiB at 3.6 MB/s
};

// At most this many devices are remembered, in the order in which they appeared: a server with two dozen partitioned disks announces
// more than a hundred at once, and the stick may be the last of them.
inline constexpr std::size_t kStickDevicesMax = 256;
// Looked at together, one process each; and processes that were ended and hang in a broken device still. When that many hang, nothing
// more is begun until one of them is gone.
inline constexpr std::size_t kSticksAtOnceMax = 4;
inline constexpr std::size_t kHangingHelpersMax = 16;
inline constexpr std::size_t kReportBytesMax = 4u << 20;

// Whether a kernel name can be a stick's: [a-z0-9]{1,32}, and no loop, ram, zram, md or device-mapper device.
bool may_be_a_stick(std::string_view device);

class Sticks {
public:
    struct Events {
        std::function<void(Candidate)> on_candidate;
        // A volume that is labelled OCU-MANIFEST and gave nothing: why, in words that were known at compile time.
        std::function<void(std::string const& device, std::string_view reason)> on_refused;
    };

    Sticks(wire::Loop& loop, Clock const& clock, Events events, StickSettings settings = {});
    ~Sticks();
    Sticks(Sticks const&) = delete;
    Sticks& operator=(Sticks const&) = delete;

    // A block device is there (or its medium changed); looking again at one that is being looked at starts over, and ends a report that
    // is being written there. Whole disks and partitions alike. One event follows when its volume carries the label, none otherwise and
    // none when it vanishes first. Events are told from the loop, never from inside a call.
    void appeared(std::string const& device);
    void vanished(std::string const& device);
    // Devices on which something is still going on.
    std::size_t busy() const;

    // Writes `ocu-report/` on a stick whose manifest's signature has been verified; earlier files of the same names are replaced, each
    // one whole. At most 64 files and kReportBytesMax together. Answers once, in words on failure ("the stick is read-only", ...); an
    // empty text means written and synced.
    void write_report(Candidate const& on, std::vector<ReportFile> files, std::function<void(std::string_view failure)> done);

    // Copies a file, at most kCopiedFileBytesMax, and checks its hash while it does. Answers once; nothing means copied, every byte.
    // After any other answer the file holds part of it, or something else.
    void copy_file(Candidate const& on, FileToCopy file, std::function<void(std::optional<StickFailure>)> done);

private:
    struct Work;
    using WorkPtr = std::shared_ptr<Work>;
    // A helper that was ended and has not been reaped.
    struct Ending {
        helper::Child child;
        wire::Watch watch;
        Monotonic since;
    };

    std::optional<std::string_view> cannot_use(Candidate const& on) const;
    void enqueue(WorkPtr work);
    void begin_waiting();
    void begin(WorkPtr const& work);
    void probe(WorkPtr const& work);
    void mount(WorkPtr const& work);
    void use_mount(WorkPtr const& work);
    bool start(WorkPtr const& work, helper::Kind kind, wire::Bytes const& config, std::vector<UniqueFd> const& descriptors);
    void heard(WorkPtr const& work, wire::Link::Frame frame);
    void answered(WorkPtr const& work);
    void limit(WorkPtr const& work, std::chrono::milliseconds most);
    void fail_work(WorkPtr const& work, std::string_view reason, CopyFault about = CopyFault::stick);
    void finish(WorkPtr const& work);
    void release(Work& work);
    void retire(helper::Child child);

    std::map<std::string, WorkPtr> work_;  // by device; the only owner: what is queued in the loop holds it weakly
    std::deque<std::weak_ptr<Work>> waiting_;
    std::list<Ending> endings_;
    wire::Loop& loop_;
    Clock const& clock_;
    Events events_;
    StickSettings settings_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owner: this; what it posted holds it weakly
};

}  // namespace ocu::init
