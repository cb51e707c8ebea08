// SPDX-License-Identifier: GPL-3.0-or-later
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/profiles/stick.h"
#include "helper/frame.h"
#include "proto/stick_to_init.h"
#include "stick/beneath.h"
#include "stick/copied_file.h"
#include "stick/device_cell.h"
#include "stick/helpers.h"
#include "stick/limits.h"
#include "stick/manifest_files.h"
#include "stick/report.h"
#include "stick/volume_face.h"

namespace ocu::stick {

namespace {

constexpr char kNode[] = "device";
constexpr std::chrono::seconds kReportFrameWait{10};  // the files follow at once
// Above it a write would be the end of the process, and not a refusal.
static_assert(profiles::kStickCopy.file_bytes_max >= proto::kCopiedFileBytesMax);

template <class Message>
Result<void> answer(UniqueFd const& link, Message const& message)
{
    return helper::write_frame(link.get(), static_cast<std::uint16_t>(Message::kType), wire::encode(message), {});
}

bool read_device(int device, std::uint64_t offset, std::span<std::byte> into)
{
    if (offset > static_cast<std::uint64_t>(INT64_MAX) - into.size()) return false;
    while (!into.empty()) {
        ssize_t const got = ::pread(device, into.data(), into.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        into = into.subspan(static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
    return true;
}

Result<void> probe(int cell, UniqueFd const& link)
{
    auto const device = open_beneath(cell, kNode, O_RDONLY);
    // No medium, or pulled out already: a volume that is not there has no label.
    if (!device) return answer(link, proto::VolumeProbed{});
    return answer(
        link, probe_volume([&device](std::uint64_t offset, std::span<std::byte> into) { return read_device(device.get(), offset, into); }));
}

Result<void> read(int mount, UniqueFd const& link)
{
    auto const found = read_manifest_files(mount);
    if (auto const* const refusal = std::get_if<proto::StickRefusal>(&found)) return answer(link, proto::StickRefused{*refusal});
    return answer(link, std::get<proto::StickFiles>(found));
}

Result<void> copy(int mount, int into, proto::StickConfig const& config, UniqueFd const& link)
{
    auto const copied = copy_file(mount, config.name.str(), config.sha256.view(), into);
    if (!copied) return answer(link, proto::StickRefused{copied.error()});
    return answer(link, proto::FileCopied{*copied});
}

helper::Profile const& profile_of(proto::StickWork work)
{
    switch (work) {
    case proto::StickWork::probe:
    case proto::StickWork::read: break;
    case proto::StickWork::report: return profiles::kStickReport;
    case proto::StickWork::copy: return profiles::kStickCopy;
    }
    return profiles::kStick;
}

Result<void> report(int mount, UniqueFd const& link)
{
    ::umask(0022);
    auto opened = Report::open(mount);
    if (!opened) return answer(link, proto::StickRefused{opened.error()});
    for (std::uint16_t written = 0;;) {
        auto const frame = OCU_TRY(helper::read_frame(link.get(), proto::kReportFileBytesMax + 128, kReportFrameWait));
        if (frame.type == static_cast<std::uint16_t>(proto::Type::report_end)) {
            auto const end = OCU_TRY(wire::decode<proto::ReportEnd>(frame.body));
            if (end.files != written) return fail(Fault::malformed, "report is not whole");
            if (auto const refusal = opened->sync()) return answer(link, proto::StickRefused{*refusal});
            return answer(link, proto::ReportWritten{written});
        }
        if (frame.type != static_cast<std::uint16_t>(proto::Type::report_file)) return fail(Fault::malformed, "no file of a report");
        if (written == kReportFilesMax) return fail(Fault::over_limit, "too many files in a report");
        auto const file = OCU_TRY(wire::decode<proto::ReportFile>(frame.body));
        if (auto const refusal = opened->write(file)) return answer(link, proto::StickRefused{*refusal});
        ++written;
    }
}

}  // namespace

// Entered by re-execution: `ocu-appliance helper stick`. The one directory that it can open anything in is its own; the first byte of a
// stick is read when nothing else is left.
Result<void> stick_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::StickConfig>());
    std::size_t const wanted = config.work == proto::StickWork::copy ? 2 : 1;
    if (helper.descriptors().size() != wanted) return fail(Fault::malformed, "no device and no mount");
    auto directory = std::move(helper.descriptors().front());
    if (config.work == proto::StickWork::probe) directory = OCU_TRY(make_device_cell(directory.get(), kNode));
    auto const& profile = profile_of(config.work);
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profile));
    std::array const directories{directory.get()};
    OCU_CHECK(helper.confine(profile, directories));
    auto const link = OCU_TRY(helper.report_ready());
    switch (config.work) {
    case proto::StickWork::probe: return probe(directory.get(), link);
    case proto::StickWork::read: return read(directory.get(), link);
    case proto::StickWork::report: return report(directory.get(), link);
    case proto::StickWork::copy: return copy(directory.get(), helper.descriptors()[1].get(), config, link);
    }
    return fail(Fault::malformed, "no such work");
}

}  // namespace ocu::stick
