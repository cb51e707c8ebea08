// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The first process of a booted machine asks two kinds of one-shot helper about a stick: `mounter` mounts one volume and hands over the
// mount; `stick` looks at a volume's label, reads the few files of a manifest, copies one file that a signed manifest names, or writes the
// report. Each process does one thing, answers
// and ends. Whatever they say is a stranger's word (T-18): bounded here, verified by the signature only.

#include <array>

#include "helper/helper.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

enum class VolumeFormat : std::uint8_t { none, fat, ext4, iso9660, kLast = iso9660 };
enum class VolumeAccess : std::uint8_t { read, write, kLast = write };
enum class StickWork : std::uint8_t { probe, read, report, copy, kLast = copy };

inline constexpr std::uint32_t kManifestFileBytesMax = 1u << 20;
inline constexpr std::uint32_t kSignatureFileBytesMax = 16u << 10;
inline constexpr std::uint32_t kPublicKeyFileBytesMax = 4u << 10;
inline constexpr std::uint32_t kReportFileBytesMax = 256u << 10;
inline constexpr std::uint64_t kCopiedFileBytesMax = 1u << 30;

// With one descriptor: the block device's node, O_PATH.
struct MounterConfig {
    wire::Text<32> device;  // kernel name, [a-z0-9]+
    VolumeFormat format{};
    VolumeAccess access{};

    static void fields(auto& wire, auto& m) { wire(m.device, m.format, m.access); }
};

// With one descriptor: the mount. Mounter stays until the link closes, so that it, and not the first process, closes the mount last and
// waits for the device.
struct VolumeMounted {
    static constexpr Type kType = Type::volume_mounted;
    std::uint8_t nothing = 0;
    static void fields(auto& wire, auto& m) { wire(m.nothing); }
};

struct VolumeRefused {
    static constexpr Type kType = Type::volume_refused;
    std::int32_t os_errno = 0;
    static void fields(auto& wire, auto& m) { wire(m.os_errno); }
};

// With one descriptor: the block device's node, O_PATH (probe), or the mount (read, report). With two: the mount, and the empty file that
// is to be filled (copy).
struct StickConfig {
    StickWork work{};
    wire::Text<32> name;    // copy: mounts/NAME.erofs; [a-z0-9-]
    wire::Text<64> sha256;  // copy: what it must have, hex

    static void fields(auto& wire, auto& m) { wire(m.work, m.name, m.sha256); }
};

struct VolumeProbed {
    static constexpr Type kType = Type::volume_probed;
    VolumeFormat format{};
    bool labelled = false;  // OCU-MANIFEST; together with the format `none`: on a file system that is not taken
    static void fields(auto& wire, auto& m) { wire(m.format, m.labelled); }
};

struct StickFiles {
    static constexpr Type kType = Type::stick_files;
    wire::Text<kManifestFileBytesMax> manifest;
    wire::Text<kSignatureFileBytesMax> signature;
    wire::Text<kPublicKeyFileBytesMax> public_key;
    static void fields(auto& wire, auto& m) { wire(m.manifest, m.signature, m.public_key); }
};

enum class StickRefusal : std::uint8_t {
    no_manifest,
    no_signature,
    too_large,
    unreadable,
    read_only,
    full,
    no_file,     // copy
    other_file,  // copy: another hash
    no_room,     // copy: on this machine
    kLast = no_room
};

struct StickRefused {
    static constexpr Type kType = Type::stick_refused;
    StickRefusal why{};
    static void fields(auto& wire, auto& m) { wire(m.why); }
};

struct ReportFile {
    static constexpr Type kType = Type::report_file;
    wire::Text<64> name;
    wire::Text<kReportFileBytesMax> content;
    static void fields(auto& wire, auto& m) { wire(m.name, m.content); }
};

struct ReportEnd {
    static constexpr Type kType = Type::report_end;
    std::uint16_t files = 0;
    static void fields(auto& wire, auto& m) { wire(m.files); }
};

struct ReportWritten {
    static constexpr Type kType = Type::report_written;
    std::uint16_t files = 0;
    static void fields(auto& wire, auto& m) { wire(m.files); }
};

// Every byte is where it was to go, and has the hash.
struct FileCopied {
    static constexpr Type kType = Type::file_copied;
    std::uint64_t bytes = 0;
    static void fields(auto& wire, auto& m) { wire(m.bytes); }
};

inline constexpr std::array kMounterMaySend{wire::Permit{helper::kReadyType, 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::volume_mounted), 1}, wire::Permit{static_cast<std::uint16_t>(Type::volume_refused)}};
inline constexpr std::uint32_t kStickFilesFrameBytesMax = kManifestFileBytesMax + kSignatureFileBytesMax + kPublicKeyFileBytesMax + 64;
inline constexpr std::array kStickMaySend{wire::Permit{helper::kReadyType, 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::volume_probed)},
    wire::Permit{static_cast<std::uint16_t>(Type::stick_files), 0, kStickFilesFrameBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::stick_refused)}, wire::Permit{static_cast<std::uint16_t>(Type::report_written)},
    wire::Permit{static_cast<std::uint16_t>(Type::file_copied)}};
inline constexpr std::array kInitMaySendStick{wire::Permit{static_cast<std::uint16_t>(Type::report_file), 0, kReportFileBytesMax + 128},
    wire::Permit{static_cast<std::uint16_t>(Type::report_end)}};

}  // namespace ocu::proto
