// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/launcher.h"

#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <map>
#include <optional>

#include "base/assert.h"
#include "base/log.h"
#include "proto/sandbox_to_launcher.h"
#include "sandbox/child.h"
#include "sandbox/files.h"
#include "sandbox/ground.h"
#include "sandbox/limits.h"
#include "sandbox/mounts.h"
#include "sandbox/runtime.h"
#include "wire/link.h"

namespace ocu::sandbox {

namespace {

// prepared -> starting -> running; from any of them -> ending -> dead; dead is forgotten once it is cleared. A slot that a predecessor
// made enters at `ending`.
enum class Phase { prepared, starting, running, ending, dead };

struct Box {
    Place place;
    proto::Tier tier{};
    Phase phase = Phase::prepared;
    UniqueFd channel;         // the guest's end, until the runtime has it
    pid_t runtime = 0;        // the runtime command, while it runs
    pid_t first = 0;          // the guest's first process, once known
    bool kill_wanted = false;     // answer Killed when dead
    bool destroy_wanted = false;  // clear when dead, answer Destroyed
    std::chrono::milliseconds spent{};  // on the current ending or clearing
    wire::Watch timer;
};

}  // namespace

struct Launcher::State {
    State(wire::Loop& loop_in, Ground ground_in) : loop(loop_in), ground(std::move(ground_in)) {}

    void frame(wire::Link::Frame frame);
    void prepare(proto::LauncherPrepare const& wanted);
    void start(Slot slot);
    Result<pid_t> launch(Box& box);
    void kill(Slot slot);
    void destroy(Slot slot);
    void measure(Slot slot);
    void freeze(Slot slot, bool frozen);
    Box& box_of(Slot slot);
    void end(Slot slot);
    void kill_round(Slot slot);
    void died(Slot slot);
    void clear_round(Slot slot);
    void reap();
    void ended(pid_t pid, bool good);
    void runtime_ended(Slot slot, bool good);
    void core_is_gone();
    void finish_if_clean();
    template <class Message>
    void tell(Message message, std::vector<UniqueFd> descriptors = {});
    bool valid(Slot slot) const { return slot.value < ground.config().slots; }

    wire::Loop& loop;
    Ground ground;
    std::unique_ptr<wire::Link> link;
    std::function<void()> finished;
    std::map<Slot, Box> boxes;
    UniqueFd child_signals;
    wire::Watch child_watch;
    wire::Watch last_deadline;
    bool closing = false;  // the core is gone: nobody is told anything
    bool swept = false;    // and every slot has been looked at
};

template <class Message>
void Launcher::State::tell(Message message, std::vector<UniqueFd> descriptors)
{
    if (link && !closing) link->send(message, std::move(descriptors));
}

void Launcher::State::frame(wire::Link::Frame frame)
{
    // Every verb names a slot; only Prepare says more.
    auto const slot_of = [&](auto decoded) -> std::optional<Slot> {
        if (!decoded || !valid(decoded->slot)) return std::nullopt;
        return decoded->slot;
    };
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::launcher_prepare:
        if (auto const wanted = wire::decode<proto::LauncherPrepare>(frame.body); wanted && valid(wanted->slot)) return prepare(*wanted);
        break;
    case proto::Type::launcher_start:
        if (auto const slot = slot_of(wire::decode<proto::LauncherStart>(frame.body))) return start(*slot);
        break;
    case proto::Type::launcher_kill:
        if (auto const slot = slot_of(wire::decode<proto::LauncherKill>(frame.body))) return kill(*slot);
        break;
    case proto::Type::launcher_destroy:
        if (auto const slot = slot_of(wire::decode<proto::LauncherDestroy>(frame.body))) return destroy(*slot);
        break;
    case proto::Type::launcher_measure:
        if (auto const slot = slot_of(wire::decode<proto::LauncherMeasure>(frame.body))) return measure(*slot);
        break;
    case proto::Type::launcher_pause:
        if (auto const slot = slot_of(wire::decode<proto::LauncherPause>(frame.body))) return freeze(*slot, true);
        break;
    case proto::Type::launcher_resume:
        if (auto const slot = slot_of(wire::decode<proto::LauncherResume>(frame.body))) return freeze(*slot, false);
        break;
    default: break;
    }
    link->violation();
}

void Launcher::State::prepare(proto::LauncherPrepare const& wanted)
{
    auto const refuse = [&] { tell(proto::LauncherFailed{wanted.slot, proto::LaunchStage::prepare}); };
    if (boxes.contains(wanted.slot)) return refuse();  // not destroyed yet
    auto const place = place_of(ground.config(), wanted.slot);
    auto made = ground.prepare(place, wanted.tier);
    if (!made) {
        log::failure("a slot could not be prepared", made.error());
        (void)ground.clear(place);
        return refuse();
    }
    Box& box = boxes[wanted.slot];
    box.place = place;
    box.tier = wanted.tier;
    box.channel = std::move(made->channel_guest);
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(made->fuse));
    descriptors.push_back(std::move(made->lane.tcp_listener));
    descriptors.push_back(std::move(made->lane.dns_socket));
    descriptors.push_back(std::move(made->channel_host));
    descriptors.push_back(std::move(made->monitor));
    descriptors.push_back(std::move(made->lane.program));
    tell(proto::LauncherPrepared{wanted.slot}, std::move(descriptors));
}

Result<pid_t> Launcher::State::launch(Box& box)
{
    OCU_CHECK(ground.write_bundle(box.place, box.tier));
    Command command{start_command(ground.config(), box.place, box.tier), box.channel.get(), {}};
    command.cgroup_joins = OCU_TRY(ground.cgroups().open_joins(box.place.cgroup));
    return start_child(command);
}

void Launcher::State::start(Slot slot)
{
    auto const found = boxes.find(slot);
    auto const refuse = [&] { tell(proto::LauncherFailed{slot, proto::LaunchStage::start}); };
    if (found == boxes.end() || found->second.phase != Phase::prepared) return refuse();
    Box& box = found->second;
    auto const pid = launch(box);
    box.channel.reset();
    if (!pid) {
        log::failure("a runtime could not be started", pid.error());
        return refuse();
    }
    box.runtime = *pid;
    box.phase = Phase::starting;
    box.timer = loop.after(kRuntimeDeadline, [this, slot] {
        log::error("a runtime did not start its guest in time");
        ::kill(boxes.at(slot).runtime, SIGKILL);  // its end is noticed like any other, as a failure
    });
}

void Launcher::State::runtime_ended(Slot slot, bool good)
{
    Box& box = boxes.at(slot);
    box.runtime = 0;
    if (box.phase != Phase::starting) return;  // it was killed on the way; the kill round goes on
    box.timer.reset();
    auto const text = read_text(box.place.pid_file, 32);
    auto const parsed = std::from_chars(text.data(), text.data() + text.size(), box.first);
    if (!good || parsed.ec != std::errc()) {
        box.phase = Phase::prepared;  // without a channel: it can be killed and destroyed, not started
        log::error("a guest could not be started", printable_tail(box.place.log, kLogShownBytesMax));
        return tell(proto::LauncherFailed{slot, proto::LaunchStage::start});
    }
    box.phase = Phase::running;
    tell(proto::LauncherStarted{slot});
    // It may have ended, and been reaped, before its number was known.
    if (::kill(box.first, 0) != 0 && errno == ESRCH) tell(proto::LauncherExited{slot});
}

// A slot that is not known may have been a predecessor's: what it left has the same names.
Box& Launcher::State::box_of(Slot slot)
{
    auto const [found, fresh] = boxes.try_emplace(slot);
    if (fresh) found->second.place = place_of(ground.config(), slot);
    return found->second;
}

void Launcher::State::kill(Slot slot)
{
    Box& box = box_of(slot);
    box.kill_wanted = true;
    if (box.phase == Phase::dead) return died(slot);
    if (box.phase != Phase::ending) end(slot);
}

void Launcher::State::destroy(Slot slot)
{
    Box& box = box_of(slot);
    box.destroy_wanted = true;
    if (box.phase == Phase::dead) return died(slot);
    if (box.phase != Phase::ending) end(slot);
}

// By the slot alone: it may be a predecessor's that runs on.
void Launcher::State::measure(Slot slot)
{
    auto const usage = ground.cgroups().usage(place_of(ground.config(), slot).cgroup);
    tell(proto::LauncherMeasured{
        slot, usage.cpu_us.has_value(), usage.memory_bytes.has_value(), usage.cpu_us.value_or(0), usage.memory_bytes.value_or(0)});
}

// By the slot alone, likewise; but not what is dying.
void Launcher::State::freeze(Slot slot, bool frozen)
{
    if (auto const found = boxes.find(slot); found != boxes.end() && found->second.phase != Phase::running) return;
    ground.cgroups().freeze(place_of(ground.config(), slot).cgroup, frozen);
}

void Launcher::State::end(Slot slot)
{
    Box& box = boxes.at(slot);
    box.phase = Phase::ending;
    box.spent = {};
    box.channel.reset();
    // First, or a process of the guest that waits in the file mount cannot die.
    (void)abort_and_unmount(box.place.files);
    kill_round(slot);
}

// Kills until nothing is left. Each round reaches what the last one's victims may have started, and a runtime that had not joined its
// cgroup yet.
void Launcher::State::kill_round(Slot slot)
{
    Box& box = boxes.at(slot);
    if (box.runtime != 0) ::kill(box.runtime, SIGKILL);
    if (box.runtime == 0 && ground.cgroups().empty(box.place.cgroup)) return died(slot);
    ground.cgroups().kill(box.place.cgroup);
    if (box.spent == kKillWarning) log::error("a guest is taking long to die");
    box.spent += kKillRound;
    box.timer = loop.after(kKillRound, [this, slot] {
        reap();
        if (boxes.contains(slot)) kill_round(slot);
    });
}

void Launcher::State::died(Slot slot)
{
    Box& box = boxes.at(slot);
    box.phase = Phase::dead;
    box.timer.reset();
    if (std::exchange(box.kill_wanted, false)) {
        measure(slot);  // nothing of it runs any more, and its cgroup is still there
        tell(proto::LauncherKilled{slot});
    }
    if (!box.destroy_wanted) return;
    box.spent = {};
    clear_round(slot);
}

void Launcher::State::clear_round(Slot slot)
{
    Box& box = boxes.at(slot);
    if (ground.clear(box.place)) {
        boxes.erase(slot);
        tell(proto::LauncherDestroyed{slot});
        return finish_if_clean();
    }
    if (box.spent >= kRemoveDeadline) {
        log::error("the remains of a slot cannot be removed");
        box.destroy_wanted = false;
        return tell(proto::LauncherFailed{slot, proto::LaunchStage::destroy});
    }
    box.spent += kKillRound;
    box.timer = loop.after(kKillRound, [this, slot] { clear_round(slot); });
}

void Launcher::State::reap()
{
    signalfd_siginfo news{};
    while (::read(child_signals.get(), &news, sizeof news) == sizeof news) {
    }
    int status = 0;
    for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG))
        ended(pid, WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void Launcher::State::ended(pid_t pid, bool good)
{
    for (auto& [slot, box] : boxes) {
        if (box.runtime == pid) return runtime_ended(slot, good);
        if (box.first != pid) continue;
        box.first = 0;
        if (box.phase == Phase::running) tell(proto::LauncherExited{slot});
        return;
    }
}

void Launcher::State::core_is_gone()
{
    closing = true;
    link.reset();
    for (std::uint32_t number = 0; number < ground.config().slots; ++number) destroy(Slot{number});
    swept = true;
    if (boxes.empty()) return finish_if_clean();
    last_deadline = loop.after(kLastCleanDeadline, [this] {
        log::error("not everything could be taken away before the end");
        finished();
    });
}

void Launcher::State::finish_if_clean()
{
    if (!swept || !boxes.empty()) return;
    ground.close();
    finished();
}

Launcher::Launcher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Launcher::~Launcher() = default;

Result<std::unique_ptr<Launcher>> Launcher::begin(wire::Loop& loop, LauncherConfig config, std::vector<UniqueFd> shipped)
{
    if (config.slots == 0 || config.slots > kSlotsMax) return fail(Fault::malformed, "number of slots");
    auto state = std::make_unique<State>(loop, OCU_TRY(Ground::open(std::move(config), shipped)));
    sigset_t children;
    ::sigemptyset(&children);
    ::sigaddset(&children, SIGCHLD);
    state->child_signals = UniqueFd(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!state->child_signals) return fail_os("signalfd");
    state->child_watch = loop.on_readable(state->child_signals.get(), [raw = state.get()] { raw->reap(); });
    return std::unique_ptr<Launcher>(new Launcher(std::move(state)));
}

void Launcher::serve(UniqueFd link, std::function<void()> finished)
{
    State& state = *state_;
    state.finished = std::move(finished);
    state.link = std::make_unique<wire::Link>(
        state.loop, std::move(link), wire::Link::Options{proto::kSandboxToLauncher},
        [&state](wire::Link::Frame frame) { state.frame(std::move(frame)); },
        [&state](wire::Lost) { state.loop.post([&state] { state.core_is_gone(); }); });
}

}  // namespace ocu::sandbox
