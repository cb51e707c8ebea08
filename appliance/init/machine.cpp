// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/machine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <deque>
#include <format>

#include "appliance/init/boot_medium.h"
#include "appliance/init/core_process.h"
#include "appliance/init/ground.h"
#include "appliance/init/guest_images.h"
#include "appliance/init/kernel_events.h"
#include "appliance/init/machine_view.h"
#include "appliance/init/own_log.h"
#include "appliance/init/power_button.h"
#include "appliance/init/screens.h"
#include "appliance/init/secure_boot.h"
#include "appliance/init/shipped_files.h"
#include "appliance/init/signals.h"
#include "appliance/init/state_files.h"
#include "appliance/init/watchdog.h"
#include "base/log.h"

namespace ocu::init {

namespace {

constexpr std::chrono::milliseconds kShowEvery{1'000};
constexpr std::chrono::milliseconds kLastWords{500};  // for the screens to print them

// The image's own age, as the verified root has it on every file.
std::int64_t build_time()
{
    struct stat self{};
    return ::stat("/sbin/init", &self) == 0 ? self.st_mtim.tv_sec : 0;
}

class Machine {
public:
    Machine(CommandLine line, Announcer announcer)
        : line_(std::move(line)), announcer_(std::move(announcer)), images_(line_.guests), watchdog_(loop_),
          screens_(
              loop_, clock_, {.on_wish = [this](proto::Wish wish) { stop(wish == proto::Wish::restart ? Power::restart : Power::off); }}),
          network_(loop_, clock_, [this] { act(plan_.address_is(network_.service_address())); }),
          time_(loop_, clock_, build_time(), [this] { show(); }),
          sticks_(loop_, clock_,
              {.on_candidate = [this](Candidate found) { act(plan_.candidate(std::move(found))); },
                  .on_refused = [this](std::string const& device,
                                    std::string_view why) { say("refused: " + device + ": " + std::string(why)); }}),
          shipped_(kShippedDirectory, [this](Candidate const& on, FileToCopy file,
                                          ShippedFiles::Copied done) { sticks_.copy_file(on, std::move(file), std::move(done)); }),
          core_(loop_, core_events()), plan_(clock_, plan_config())
    {}

    Result<void> start();
    void serve() { loop_.run(); }

private:
    CoreProcess::Events core_events();
    PlanConfig plan_config();
    void open_screens();
    void look_around();
    void heard(KernelEvent const& event);
    void stop(Power power) { act(plan_.stop(power)); }

    void act(Actions actions);
    void perform(Say const& action) { say(action.text); }
    void perform(Ask const& action);
    void perform(Withdraw const&) { screens_.withdraw(); }
    void perform(KeepTrust const& action);
    void perform(Fetch const& action);
    void perform(KeepFiles const& action) { shipped_.keep_only(action.hashes); }
    void perform(Configure const& action);
    void perform(StartCore const& action);
    void perform(StopCore const&) { core_.stop(); }
    void perform(SetTimer const& action);
    void perform(ClearTimer const& action) { timers_[static_cast<std::size_t>(action.timer)].reset(); }
    void perform(WriteReport const& action);
    void perform(End const& action);

    Result<void> start_core(StartCore const& action);
    void say(std::string_view text);
    void show();
    void show_again();
    MachineView view() const { return {plan_, network_, time_, clock_, urls_, status_, secure_boot_, started_}; }

    SystemClock clock_;
    wire::Loop loop_;
    CommandLine line_;
    Announcer announcer_;
    Monotonic started_ = clock_.now();
    std::string secure_boot_ = in_words(secure_boot_now());
    GuestImages images_;
    Watchdog watchdog_;
    Screens screens_;
    Network network_;
    TimeKeeper time_;
    Sticks sticks_;
    ShippedFiles shipped_;
    CoreProcess core_;
    BootPlan plan_;
    std::unique_ptr<OwnLog> own_log_;
    std::unique_ptr<Signals> signals_;
    std::optional<KernelEvents> kernel_events_;
    std::optional<PowerButton> power_button_;
    std::deque<Action> to_do_;
    bool acting_ = false;
    std::array<wire::Watch, 3> timers_;
    wire::Watch show_watch_;
    wire::Watch last_words_;
    CoreReady urls_;
    CoreStatus status_;
    std::string fingerprint_;
};

CoreProcess::Events Machine::core_events()
{
    return {.on_ready =
                [this](CoreReady urls) {
                    urls_ = std::move(urls);
                    fingerprint_ = own_fingerprint();
                    say(std::format("READY mcp={} fingerprint={}", urls_.mcp_url, fingerprint_.empty() ? "none" : fingerprint_));
                    act(plan_.core_ready());
                },
        .on_status =
            [this](CoreStatus status) {
                status_ = status;
                show();
            },
        .on_line = [this](std::string_view line) { screens_.log(printable_line(line)); },
        .on_end = [this](CoreEnd how, manifest::Refusal why) { act(plan_.core_ended(how, std::move(why))); }};
}

PlanConfig Machine::plan_config()
{
    auto const found = find_trusted_key();
    // Never on to enrolment: a key was meant to be here.
    if (!found) give_up(announcer_, in_words("the trusted key cannot be read", found.error()), Power::off);
    return {.trusted = found->key, .built_in = found->built_in, .images = images_.variants(), .remembered_serial = remembered_serial};
}

Result<void> Machine::start()
{
    signals_ = OCU_TRY(Signals::take(loop_, {.on_child = [this](pid_t pid, int status) { core_.reaped(pid, status); },
                                                .on_restart = [this] { stop(Power::restart); },
                                                .on_stop = [this] { stop(Power::off); }}));
    own_log_ = OCU_TRY(OwnLog::take(loop_, [this](std::string_view line) { screens_.log(printable_line(line)); }));
    open_screens();
    if (secure_boot_ != "on") say("WARNING: Secure Boot is " + secure_boot_);
    time_.check_hardware_clock();
    if (!watchdog_.start()) say("this machine has no hardware watchdog");
    power_button_.emplace(loop_, [this] { stop(Power::off); });
    act(plan_.begin());
    kernel_events_ = OCU_TRY(KernelEvents::listen(loop_, [this](KernelEvent event) { heard(event); }, [this] { look_around(); }));
    look_around();
    show_again();
    return {};
}

// `console=` says where; a machine without any has both kinds tried.
void Machine::open_screens()
{
    auto names = line_.consoles;
    if (names.empty()) names = {"tty1", "ttyS0"};
    for (auto const& each : names) {
        bool const picture = each.starts_with("tty") && each.size() > 3 && each[3] >= '0' && each[3] <= '9';
        screens_.add("/dev/" + (each == "tty0" ? "tty1" : each), picture ? proto::ScreenKind::picture : proto::ScreenKind::line);
    }
}

// What is there already, or came while the kernel had to drop its events.
void Machine::look_around()
{
    network_.devices_changed();
    for (auto const& device : block_devices())
        if (may_be_medium(device)) sticks_.appeared(device);
}

void Machine::heard(KernelEvent const& event)
{
    if (event.of == DeviceClass::net) return network_.devices_changed();
    if (!may_be_medium(event.device)) return;
    if (event.what == DeviceEvent::appeared) return sticks_.appeared(event.device);
    sticks_.vanished(event.device);
    act(plan_.stick_gone(event.device));
}

// In the order given; what an action causes comes after what was planned before it.
void Machine::act(Actions actions)
{
    for (auto& each : actions) to_do_.push_back(std::move(each));
    if (acting_) return;
    acting_ = true;
    while (!to_do_.empty()) {
        auto const next = std::move(to_do_.front());
        to_do_.pop_front();
        std::visit([this](auto const& action) { perform(action); }, next);
    }
    acting_ = false;
    show();
}

void Machine::perform(Ask const& action)
{
    screens_.ask(action.title, action.text, [this](bool yes) { act(plan_.answered(yes ? Answer::yes : Answer::no)); });
}

void Machine::perform(KeepTrust const& action)
{
    if (auto const kept = keep_trusted_key(action.public_key); !kept) say(in_words("the key cannot be kept", kept.error()));
}

void Machine::perform(Fetch const& action)
{
    shipped_.fetch(action, [this, number = action.number](manifest::Refusal const& why) { act(plan_.fetched(number, why)); });
}

void Machine::perform(Configure const& action)
{
    auto const& wanted = action.applied.network;
    auto done = keep_manifest(action.candidate, action.applied.digest);
    if (done) done = set_host_name(action.applied.name);
    if (done) done = network_.apply(wanted);
    if (!done) return act(plan_.cannot(in_words("this machine cannot do what the manifest says", done.error())));
    time_.apply(wanted);
    act(plan_.address_is(network_.service_address()));
}

Result<void> Machine::start_core(StartCore const& action)
{
    return core_.start({.manifest = manifest_file(action.digest),
        .trust = trusted_key_file(),
        .image = OCU_TRY(images_.device_of(action.rootfs)),
        .service_address = action.address,
        .mounts = OCU_TRY(shipped_.lay_out(action.shipped))});
}

void Machine::perform(StartCore const& action)
{
    status_ = {};
    if (auto const started = start_core(action); !started) act(plan_.cannot(in_words("the core cannot be started", started.error())));
}

void Machine::perform(SetTimer const& action)
{
    timers_[static_cast<std::size_t>(action.timer)] = loop_.after(action.after, [this, timer = action.timer] { act(plan_.due(timer)); });
}

void Machine::perform(WriteReport const& action)
{
    sticks_.write_report(action.on, make_report(report_facts(view(), action)), [this, device = action.on.device](std::string_view failure) {
        say(failure.empty() ? "report written on " + device : "no report on " + device + ": " + std::string(failure));
    });
}

void Machine::perform(End const& action)
{
    last_words_ = loop_.after(kLastWords, [this, power = action.power] {
        // Screens and whoever else is left: nothing writes any more.
        ::kill(-1, SIGKILL);
        watchdog_.stop();
        end_machine(announcer_, power);
    });
}

void Machine::say(std::string_view text)
{
    // The screens put the word before it that every line of ours begins with.
    screens_.log(printable_line(text));
}

void Machine::show() { screens_.show(screen_state(view(), fingerprint_)); }

void Machine::show_again()
{
    show();
    show_watch_ = loop_.after(kShowEvery, [this] { show_again(); });
}

// Whatever is opened later must not become a standard descriptor.
void fill_standard_descriptors()
{
    int fd = 0;
    do {
        fd = ::open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) ::close(fd);
}

}  // namespace

void run_machine()
{
    log::set_process_name("init");
    fill_standard_descriptors();
    auto line = read_command_line();
    Announcer const announcer(line ? line->consoles : std::vector<std::string>{});
    if (!line) give_up(announcer, in_words("second root", line.error()), Power::restart);
    announcer.say(std::format("version {}, on the verified root", OCU_VERSION));
    settle_first_process(announcer);
    if (auto const mounted = mount_ground(announcer); !mounted)
        give_up(announcer, in_words("second root", mounted.error()), Power::restart);
    apply_kernel_settings(announcer);
    wait_for_entropy(announcer);
    if (auto const made = make_state_directories(); !made) give_up(announcer, in_words("the state", made.error()), Power::restart);
    Machine machine(std::move(*line), announcer);
    if (auto const started = machine.start(); !started) give_up(announcer, in_words("second root", started.error()), Power::restart);
    machine.serve();
    give_up(announcer, "the first process has nothing more to do", Power::restart);
}

}  // namespace ocu::init
