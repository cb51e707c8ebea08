// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/sticks.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <variant>

#include "appliance/spawn.h"
#include "base/log.h"
#include "helper/helper.h"
#include "stick/limits.h"
#include "stick/report.h"

namespace ocu::init {

namespace {

using proto::StickRefusal;
using proto::StickWork;
using proto::VolumeAccess;
using proto::VolumeFormat;

enum class Step { waiting, probe, mount, use };
enum class Task { look, report, copy };
using Answer = std::variant<std::monostate, proto::VolumeProbed, proto::VolumeMounted, proto::VolumeRefused, proto::StickFiles,
    proto::StickRefused, proto::ReportWritten, proto::FileCopied>;

constexpr std::string_view kLate = "the stick did not answer in time";
constexpr std::string_view kPulled = "the stick was pulled out";
constexpr std::string_view kBroken = "the process that works on the stick failed";
constexpr std::chrono::seconds kTurnWaitMax{60};  // of a report or a copy, before its own limit begins

std::string_view words(StickRefusal why)
{
    switch (why) {
    case StickRefusal::no_manifest: return "there is no manifest.json in the volume's root directory";
    case StickRefusal::no_signature: return "there is no manifest.json.minisig beside the manifest";
    case StickRefusal::too_large: return "a file of the manifest is too large";
    case StickRefusal::unreadable: return "a file or directory on the stick is damaged or not a plain one";
    case StickRefusal::read_only: return "the stick is read-only";
    case StickRefusal::full: return "the stick is full";
    case StickRefusal::no_file: return "there is no such file on the stick";
    case StickRefusal::other_file: return "it is another file than the one named";
    case StickRefusal::no_room: return "there is no room for it in this machine's memory";
    }
    return kBroken;
}

std::string_view words(proto::VolumeRefused const& refused)
{
    switch (refused.os_errno) {
    case EROFS:
    case EACCES: return words(StickRefusal::read_only);
    case ENODEV: return "the kernel does not know the stick's file system";
    case EBUSY: return "the volume is in use";
    default: return "the stick's file system is damaged";
    }
}

template <class Message>
bool take(wire::Link::Frame const& frame, Answer& answer)
{
    auto message = wire::decode<Message>(frame.body);
    if (message) answer = *std::move(message);
    return message.has_value();
}

// Only what the step that runs may answer.
bool take_answer(Step step, Task task, wire::Link::Frame const& frame, Answer& answer)
{
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::volume_probed: return step == Step::probe && take<proto::VolumeProbed>(frame, answer);
    case proto::Type::volume_mounted: return step == Step::mount && take<proto::VolumeMounted>(frame, answer);
    case proto::Type::volume_refused: return step == Step::mount && take<proto::VolumeRefused>(frame, answer);
    case proto::Type::stick_files: return step == Step::use && task == Task::look && take<proto::StickFiles>(frame, answer);
    case proto::Type::stick_refused: return step == Step::use && take<proto::StickRefused>(frame, answer);
    case proto::Type::report_written: return step == Step::use && task == Task::report && take<proto::ReportWritten>(frame, answer);
    case proto::Type::file_copied: return step == Step::use && task == Task::copy && take<proto::FileCopied>(frame, answer);
    default: return false;
    }
}

std::optional<std::string_view> bad_report(std::vector<ReportFile> const& files)
{
    std::size_t bytes = 0;
    if (files.empty() || files.size() > stick::kReportFilesMax) return "a report has 1 to 64 files";
    for (auto const& each : files) {
        bytes += each.content.size();
        if (!stick::is_report_name(each.name)) return "a report's file has a name that is not plain";
        if (each.content.size() > proto::kReportFileBytesMax || bytes > kReportBytesMax) return "the report is too large";
    }
    return std::nullopt;
}

CopyFault about(StickRefusal why)
{
    switch (why) {
    case StickRefusal::other_file: return CopyFault::content;
    case StickRefusal::no_file:
    case StickRefusal::too_large:
    case StickRefusal::unreadable:
    case StickRefusal::no_room: return CopyFault::file;
    default: return CopyFault::stick;
    }
}

StickWork in_order(Task task) { return task == Task::look ? StickWork::read : task == Task::report ? StickWork::report : StickWork::copy; }

}  // namespace

struct Sticks::Work {
    std::string device;
    Task task{};
    Step step = Step::waiting;
    std::vector<UniqueFd> node;   // the device's node, O_PATH: one, in the form in which it is passed on
    std::vector<UniqueFd> mount;  // the mount, between mounter and stick
    VolumeFormat format{};
    helper::Child child;
    std::unique_ptr<wire::Link> link;
    wire::Watch late;
    Answer answer;
    std::vector<ReportFile> files;  // a report
    FileToCopy copy;                // a copy
    std::function<void(std::optional<StickFailure>)> done;  // of both
};

bool may_be_a_stick(std::string_view device)
{
    auto const digit = [](char c) { return c >= '0' && c <= '9'; };
    bool const plain = !device.empty() && device.size() <= 32 &&
                       std::ranges::all_of(device, [&digit](char c) { return digit(c) || (c >= 'a' && c <= 'z'); });
    if (!plain) return false;
    for (std::string_view const kind : {"loop", "ram", "zram", "md"})
        if (device.starts_with(kind) && device.size() > kind.size() && digit(device[kind.size()])) return false;
    return true;
}

Sticks::Sticks(wire::Loop& loop, Clock const& clock, Events events, StickSettings settings)
    : loop_(loop), clock_(clock), events_(std::move(events)), settings_(std::move(settings))
{}

Sticks::~Sticks()
{
    for (auto& [device, work] : work_) release(*work);
    for (auto& each : endings_) each.child.forget();
}

std::size_t Sticks::busy() const { return work_.size(); }

void Sticks::appeared(std::string const& device)
{
    if (!may_be_a_stick(device)) return;
    vanished(device);
    auto work = std::make_shared<Work>();
    work->device = device;
    enqueue(std::move(work));
}

void Sticks::vanished(std::string const& device)
{
    auto const found = work_.find(device);
    if (found == work_.end()) return;
    auto const work = found->second;
    auto const done = std::move(work->done);
    finish(work);
    if (done) loop_.post([done] { done(StickFailure{CopyFault::stick, kPulled}); });
}

void Sticks::write_report(Candidate const& on, std::vector<ReportFile> files, std::function<void(std::string_view)> done)
{
    auto refusal = bad_report(files);
    if (on.format == VolumeFormat::iso9660) refusal = words(StickRefusal::read_only);
    if (auto const unusable = cannot_use(on)) refusal = unusable;
    if (refusal) return loop_.post([done = std::move(done), reason = *refusal] { done(reason); });
    auto work = std::make_shared<Work>();
    work->device = on.device;
    work->format = on.format;
    work->task = Task::report;
    work->files = std::move(files);
    work->done = [done = std::move(done)](std::optional<StickFailure> failure) { done(failure ? failure->reason : std::string_view()); };
    limit(work, kTurnWaitMax);
    enqueue(std::move(work));
}

void Sticks::copy_file(Candidate const& on, FileToCopy file, std::function<void(std::optional<StickFailure>)> done)
{
    if (auto const unusable = cannot_use(on))
        return loop_.post([done = std::move(done), reason = *unusable] { done(StickFailure{CopyFault::stick, reason}); });
    auto work = std::make_shared<Work>();
    work->device = on.device;
    work->format = on.format;
    work->task = Task::copy;
    work->copy = std::move(file);
    work->done = std::move(done);
    limit(work, kTurnWaitMax);
    enqueue(std::move(work));
}

// Why nothing can be begun on it now.
std::optional<std::string_view> Sticks::cannot_use(Candidate const& on) const
{
    if (!may_be_a_stick(on.device)) return "not a stick";
    if (work_.contains(on.device)) return "the stick is being worked on";
    if (work_.size() >= kStickDevicesMax) return "there are too many sticks";
    return std::nullopt;
}

void Sticks::enqueue(WorkPtr work)
{
    if (work_.size() >= kStickDevicesMax) return log::warning("too many block devices; this one is not looked at:", work->device);
    std::erase_if(waiting_, [](auto const& each) { return each.expired(); });
    waiting_.push_back(work);
    work_[work->device] = std::move(work);
    loop_.post([this, alive = std::weak_ptr(waiting_.back())] {
        if (alive.lock()) begin_waiting();
    });
}

void Sticks::begin_waiting()
{
    auto const running = [this] {
        return static_cast<std::size_t>(std::ranges::count_if(work_, [](auto const& each) { return each.second->step != Step::waiting; }));
    };
    while (!waiting_.empty() && running() < kSticksAtOnceMax && endings_.size() < kHangingHelpersMax) {
        auto const work = waiting_.front().lock();
        waiting_.pop_front();
        if (work) begin(work);
    }
}

void Sticks::begin(WorkPtr const& work)
{
    auto const path = settings_.device_directory + "/" + work->device;
    // The node only: opening the device itself can take as long as the device likes.
    UniqueFd node(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    bool const block = node && ::fstat(node.get(), &status) == 0 && S_ISBLK(status.st_mode);
    if (!block) return fail_work(work, kPulled);
    work->node.push_back(std::move(node));
    if (work->task == Task::look)
        probe(work);
    else
        mount(work);
}

bool Sticks::start(WorkPtr const& work, helper::Kind kind, wire::Bytes const& config, std::vector<UniqueFd> const& descriptors)
{
    auto spawned = appliance::start_helper(kind, config, descriptors);
    if (!spawned) {
        log::failure("a stick's helper does not start", spawned.error());
        return false;
    }
    auto const weak = std::weak_ptr(work);
    work->answer = {};
    retire(std::exchange(work->child, std::move(spawned->child)));
    wire::Link::Options options{proto::kStickMaySend};
    if (kind == helper::Kind::mounter) options.permits = proto::kMounterMaySend;
    work->link = std::make_unique<wire::Link>(
        loop_, std::move(spawned->link), options,
        [this, weak](wire::Link::Frame frame) {
            if (auto const alive = weak.lock()) heard(alive, std::move(frame));
        },
        [this, weak](wire::Lost) {
            auto const alive = weak.lock();
            if (alive && std::holds_alternative<std::monostate>(alive->answer)) fail_work(alive, kBroken);
        });
    return true;
}

void Sticks::probe(WorkPtr const& work)
{
    work->step = Step::probe;
    if (!start(work, helper::Kind::stick, wire::encode(proto::StickConfig{StickWork::probe, {}, {}}), work->node))
        return fail_work(work, kBroken);
    limit(work, settings_.probe_max);
}

void Sticks::mount(WorkPtr const& work)
{
    work->step = Step::mount;
    auto const access = work->task == Task::report ? VolumeAccess::write : VolumeAccess::read;
    proto::MounterConfig const config{work->device, work->format, access};
    if (!start(work, helper::Kind::mounter, wire::encode(config), work->node)) return fail_work(work, kBroken);
    limit(work, settings_.mount_max);
}

void Sticks::use_mount(WorkPtr const& work)
{
    work->step = Step::use;
    proto::StickConfig const config{in_order(work->task), work->copy.name, work->copy.sha256};
    // What is to be filled goes the way of the mount, and is not kept here: only the helper writes into it.
    if (work->copy.into) work->mount.push_back(std::move(work->copy.into));
    // Mounter holds the mount too, until start() has put this helper in its place: so this process never closes it last.
    auto mounter = std::exchange(work->child, {});
    auto const mounter_link = std::move(work->link);
    bool const started = start(work, helper::Kind::stick, wire::encode(config), work->mount);
    work->mount.clear();
    retire(std::move(mounter));
    if (!started) return fail_work(work, kBroken);
    if (work->task == Task::copy) return limit(work, settings_.copy_max);
    if (work->task == Task::look) return limit(work, settings_.read_max);
    limit(work, settings_.report_max);
    for (auto const& each : work->files) work->link->send(proto::ReportFile{each.name, each.content});
    work->link->send(proto::ReportEnd{static_cast<std::uint16_t>(work->files.size())});
}

// The answer is kept and acted on from the loop: the link that delivers it is not to be destroyed from inside.
void Sticks::heard(WorkPtr const& work, wire::Link::Frame frame)
{
    if (frame.type == helper::kReadyType || !std::holds_alternative<std::monostate>(work->answer)) return;
    bool const good = take_answer(work->step, work->task, frame, work->answer);
    if (good && !frame.descriptors.empty()) work->mount = std::move(frame.descriptors);
    work->link->pause_reading();
    loop_.post([this, good, weak = std::weak_ptr(work)] {
        auto const alive = weak.lock();
        if (!alive) return;
        if (good)
            answered(alive);
        else
            fail_work(alive, kBroken);
    });
}

void Sticks::answered(WorkPtr const& work)
{
    auto const answer = std::exchange(work->answer, {});
    if (auto const* const probed = std::get_if<proto::VolumeProbed>(&answer)) {
        if (!probed->labelled) return finish(work);
        work->format = probed->format;
        work->step = Step::mount;
        if (probed->format == VolumeFormat::none)
            return fail_work(work, "the file system labelled OCU-MANIFEST has features that are not taken");
        return mount(work);
    }
    if (std::holds_alternative<proto::VolumeMounted>(answer)) return use_mount(work);
    if (auto const* const refused = std::get_if<proto::VolumeRefused>(&answer)) return fail_work(work, words(*refused));
    if (auto const* const refused = std::get_if<proto::StickRefused>(&answer))
        return fail_work(work, words(refused->why), about(refused->why));
    auto const done = std::move(work->done);
    auto const format = work->format;
    finish(work);
    if (auto const* const files = std::get_if<proto::StickFiles>(&answer))
        events_.on_candidate({work->device, format, files->manifest.str(), files->signature.str(), files->public_key.str()});
    else if (done)
        done({});
}

void Sticks::limit(WorkPtr const& work, std::chrono::milliseconds most)
{
    work->late = loop_.after(most, [this, weak = std::weak_ptr(work)] {
        if (auto const alive = weak.lock()) fail_work(alive, kLate);
    });
}

// Tells whoever waits, if anyone: a device that was not found to carry the label concerns nobody.
void Sticks::fail_work(WorkPtr const& work, std::string_view reason, CopyFault about)
{
    auto const keep = work;
    auto const done = std::move(keep->done);
    bool const labelled = keep->step == Step::mount || keep->step == Step::use;
    if (!labelled && !done) log::info("a block device was not looked at to the end:", keep->device);
    finish(keep);
    if (done) return loop_.post([done, reason, about] { done(StickFailure{about, reason}); });
    if (!labelled) return;
    loop_.post([this, alive = std::weak_ptr(alive_), device = keep->device, reason] {
        if (alive.lock()) events_.on_refused(device, reason);
    });
}

void Sticks::finish(WorkPtr const& work)
{
    release(*work);
    if (auto const found = work_.find(work->device); found != work_.end() && found->second == work) work_.erase(found);
    begin_waiting();
}

// In this order: the mount, while mounter still holds it; then the link and the process.
void Sticks::release(Work& work)
{
    work.late.reset();
    work.mount.clear();
    work.node.clear();
    retire(std::exchange(work.child, {}));
    work.link.reset();
}

// Ended, and reaped when it has. A process that hangs in a device cannot die before the device lets it go; nobody waits for that.
void Sticks::retire(helper::Child child)
{
    if (!child) return;
    child.kill();
    auto const at = endings_.insert(endings_.end(), Ending{std::move(child), {}, clock_.now()});
    at->watch = loop_.on_readable(at->child.pidfd(), [this, at] {
        auto const hung = std::chrono::duration_cast<std::chrono::seconds>(clock_.now() - at->since);
        if (hung > std::chrono::seconds(1))
            log::warning("a stick's helper that hung has ended, after seconds:", std::to_string(hung.count()));
        at->child.end();
        endings_.erase(at);
        begin_waiting();
    });
}

}  // namespace ocu::init
