// SPDX-License-Identifier: GPL-3.0-or-later

// `ocu-appliance run`: from a signed manifest to a machine that serves, and back to nothing.

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "appliance/callers_file.h"
#include "appliance/client/client.h"
#include "appliance/commands.h"
#include "appliance/embedded.h"
#include "appliance/listeners.h"
#include "appliance/manifest/files.h"
#include "appliance/manifest/trust.h"
#include "appliance/plans.h"
#include "appliance/roots.h"
#include "appliance/shipped.h"
#include "appliance/status_line.h"
#include "base/clock_check.h"
#include "base/crypto/certificate.h"
#include "appliance/profiles/launcher.h"
#include "base/log.h"
#include "base/sealed_face.h"
#include "helper/bounding_set.h"
#include "proto/custody_helper_to_custody.h"

namespace ocu::appliance {

namespace {

constexpr rlim_t kOpenFilesMax = 65'536;
constexpr std::chrono::seconds kStopWait{20};
constexpr std::chrono::milliseconds kProbeEvery{50};
constexpr int kProbesMax = 400;
constexpr std::chrono::milliseconds kStatusEvery{1'000};
constexpr std::size_t kReadmeBytesMax = 32u << 10;
constexpr char kAuthorityFile[] = "authority.pem";

// What the core keeps: the launcher's own, and what starting, feeding and ending helpers takes. Everything else is gone for good.
constexpr std::array kOwnCapabilities{
    CAP_SETPCAP,           // helpers empty their bounding sets
    CAP_KILL,              // helpers run as other users
    CAP_FOWNER,            // a session's directory belongs to its broker
    CAP_NET_BIND_SERVICE,  // listeners below 1024, if the manifest wants them
};
constexpr auto kCoreCapabilities = profiles::joined(profiles::kLauncherCapabilities, kOwnCapabilities);

int refuse(std::string_view what, std::string_view why)
{
    std::fprintf(stderr, "error: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(), static_cast<int>(why.size()), why.data());
    return 1;
}

int refuse(std::string_view what, Error const& error)
{
    std::string why(error.what.view());
    if (error.os_errno != 0) why += std::string(" (") + ::strerrordesc_np(error.os_errno) + ")";
    return refuse(what, why);
}

// Descriptors for a few hundred sessions; the process is not dumpable and gains nothing by executing anything.
void set_up_process()
{
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = std::min(files.rlim_max, kOpenFilesMax);
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    rlimit const no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::prctl(PR_SET_DUMPABLE, 0);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

Result<UniqueFd> take_signals()
{
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGINT);
    ::sigaddset(&wanted, SIGTERM);
    ::sigaddset(&wanted, SIGHUP);
    if (::sigprocmask(SIG_BLOCK, &wanted, nullptr) != 0) return fail_os("block signals");
    UniqueFd signals(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) return fail_os("signalfd");
    return signals;
}

std::string url_of(manifest::Listen const& listen, int listener)
{
    auto bound = listen;
    if (auto const port = port_of(listener)) bound.port = *port;
    return bound.url();
}

class Machine {
public:
    explicit Machine(Prepared prepared, RunDir run_dir, UniqueFd signals)
        : prepared_(std::move(prepared)), run_dir_(std::move(run_dir)), signals_(std::move(signals)), supervisor_(loop_, clock_, health_)
    {}

    Result<void> start();
    void serve() { loop_.run(); }
    // Which key of the manifest was not taken and why, once custody has looked at what is sealed in it; empty: none.
    std::string const& refusal() const { return refusal_; }
    // Only what serves may be stopped in order; what failed to start ends with its process.
    void finish();

private:
    void record_downgrade();
    void record_start();
    void custody_ready(std::span<std::byte const> report);
    void refuse_manifest(std::string const& key, crypto::IdentityFault fault);
    void put_authority(std::string_view certificate);
    void probe(int attempt);
    void announce();
    void tell_status();
    void stop();

    SystemClock clock_;
    wire::Loop loop_;
    Prepared prepared_;
    RunDir run_dir_;
    UniqueFd signals_;
    helper::Health health_;
    Supervisor supervisor_;
    std::unique_ptr<HelperSpawner> spawner_;
    std::unique_ptr<Core> core_;
    wire::Watch signal_watch_;
    wire::Watch probe_watch_;
    wire::Watch stop_guard_;
    wire::Watch status_watch_;
    std::string last_status_;
    std::string mcp_url_;
    std::string files_url_;
    client::Endpoint probe_endpoint_;
    std::string refusal_;
    bool authority_put_ = false;
    bool stopping_ = false;
};

Result<void> Machine::start()
{
    auto const& applied = prepared_.applied;
    mcp_url_ = url_of(applied.mcp, prepared_.mcp_listener.get());
    files_url_ = url_of(applied.files, prepared_.files_listener.get());
    spawner_ = std::make_unique<HelperSpawner>(
        OCU_TRY(make_empty_network_namespace()), [this](helper::Kind kind) { supervisor_.report_violation(kind); });
    RoleConfigs configs{
        applied.gateway, applied.control, applied.storage, applied.sandbox, applied.audit, applied.edge, custody_sources(applied),
        prepared_.state.path + "/callers/table"};
    std::vector<std::string> reserved;
    for (auto const& each : applied.storage.files.embed_keys) reserved.push_back(each.key.name);
    configs.control.callers = open_callers(configs.callers_file, applied.gateway.callers, std::move(reserved), clock_);
    // From the first moment: who is revoked is not let in until control has said so.
    configs.gateway.callers = configs.storage.files.callers = configs.control.callers.in_force();
    configs.control.mcp_url = mcp_url_ + "/mcp";
    configs.audit.clock_is_checked = clock_is_checked;
    configs.gateway.public_url = mcp_url_;
    auto const gateway_config = configs.gateway;
    RoleDescriptors descriptors;
    descriptors.operator_listener = OCU_TRY(listen_unix(prepared_.state.path + "/operator.sock"));
    descriptors.store = std::move(prepared_.state.store);
    descriptors.audit = OCU_TRY(duplicate(prepared_.state.audit.get()));
    descriptors.roots = OCU_TRY(make_roots(applied.edge.extra_roots_pem));
    descriptors.sinks = {OCU_TRY(duplicate(prepared_.state.audit.get())), std::move(prepared_.sinks), std::move(prepared_.witness_roots)};
    core_ = std::make_unique<Core>(
        loop_, clock_, std::move(configs), std::move(descriptors), *spawner_, health_, [this] { loop_.post([this] { stop(); }); });
    plan_helpers(supervisor_, *core_, prepared_, gateway_config);
    supervisor_.when_ready(helper::Kind::custody, [this](std::span<std::byte const> report) { custody_ready(report); });
    supervisor_.record_to(core_->recorder());
    core_->start_threads();
    OCU_CHECK(supervisor_.start(kStartFirst));
    // Before anything serves, and before this manifest is remembered as applied. A machine that runs already goes on without.
    if (!refusal_.empty()) return fail(Fault::denied, "what is sealed in the manifest is refused");
    record_downgrade();
    OCU_CHECK(supervisor_.start(kStartThen));
    signal_watch_ = loop_.on_readable(signals_.get(), [this] {
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof info) > 0) {
        }
        stop();
    });
    record_start();
    return {};
}

// What others need of custody's keys: the certificate to trust, its key for our own probe, and the key to which secrets are sealed.
void Machine::custody_ready(std::span<std::byte const> bytes)
{
    auto const report = wire::decode<proto::CustodyReport>(bytes);
    if (!report) return;  // its role has it ended
    auto const put = [this](std::string const& name, std::string_view content) {
        auto const path = prepared_.state.path + name;
        if (auto const written = manifest::write_file(path, crypto::as_bytes(content), 0644, manifest::Replace::yes); !written)
            log::failure("a public key cannot be written beside the state", written.error());
    };
    put("/appliance.pub", sealed::write_key(report->appliance_public));
    if (report->credential_fault != crypto::IdentityFault::none)
        refuse_manifest("credentials[" + std::to_string(report->credential) + "].sealed", report->credential_fault);
    if (!report->bump_ca.empty()) put_authority(report->bump_ca.view());
    if (report->fault != crypto::IdentityFault::none) {
        refuse_manifest("mcp.tls." + std::string(crypto::text_of(report->fault).key), report->fault);
    } else if (report->certificate.empty()) {
        ::unlink((prepared_.state.path + "/mcp.crt").c_str());  // of an earlier manifest
    } else {
        put("/mcp.crt", report->certificate.view());
        if (auto pin = crypto::certificate_key_pin(report->certificate.view())) probe_endpoint_.key_pin = *std::move(pin);
    }
}

void Machine::refuse_manifest(std::string const& key, crypto::IdentityFault fault)
{
    refusal_ = key + ": " + std::string(crypto::text_of(fault).reason);
    log::error("the manifest is refused:", refusal_);
}

// For the launcher, which starts after custody. One that is renewed later is for the same key and name: what guests have stays good.
void Machine::put_authority(std::string_view certificate)
{
    if (std::exchange(authority_put_, true)) return;
    if (auto const put = run_dir_.put_file(kAuthorityFile, certificate, 0444); !put)
        log::failure("the authority that guests trust cannot be put in place", put.error());
}

// CT-9. Queued before there is a process that could take a call: in this source's order it is on disk before the start is, for which READY waits.
void Machine::record_downgrade()
{
    auto const& applied = prepared_.applied;
    auto change = manifest::downgrade(manifest::recall_trust(prepared_.state.path), {applied.profile, applied.tier});
    if (!change) return;
    log::warning("this manifest holds its guests less than the one before:", *change);
    proto::Event event;
    event.what = proto::What::trust_profile_downgraded;
    event.resource = wire::Text<512>::cut(*change);
    event.detail = wire::Text<1024>::cut(applied.digest);
    event.number = applied.serial;
    core_->recorder().note(std::move(event));
}

void Machine::record_start()
{
    proto::Event applied;
    applied.what = proto::What::manifest_applied;
    applied.actor = "core";
    applied.resource = wire::Text<512>::cut(prepared_.applied.name);
    applied.detail = wire::Text<1024>::cut(prepared_.applied.digest);
    applied.number = prepared_.applied.serial;
    core_->recorder().note(std::move(applied));
    proto::Event start;
    start.what = proto::What::appliance_start;
    start.actor = "core";
    start.resource = wire::Text<512>(OCU_VERSION);
    start.detail = wire::Text<1024>("vault-key=" + std::string(name_of(prepared_.machine_key.binding())));
    // Nobody is told that this machine serves before the record says so.
    core_->recorder().record(std::move(start), [this](Result<EventNumber> written) {
        if (written) return probe(0);
        log::failure("the start cannot be put on record", written.error());
        stop();
    });
}

void Machine::probe(int attempt)
{
    if (stopping_) return;
    if (client::probe(mcp_url_ + "/health", probe_endpoint_)) return announce();
    if (attempt == kProbesMax) {
        log::error("does not become healthy");
        return stop();
    }
    probe_watch_ = loop_.after(kProbeEvery, [this, attempt] { probe(attempt + 1); });
}

void Machine::announce()
{
    // Trust first: were it lost after the serial, a weaker manifest that follows would be measured by an older one and might pass unsaid.
    if (auto const kept = manifest::remember_trust(prepared_.state.path, {prepared_.applied.profile, prepared_.applied.tier}); !kept) {
        log::failure("the manifest's trust profile cannot be kept", kept.error());
        return stop();
    }
    if (auto const kept = manifest::remember_serial(prepared_.state.path, prepared_.applied); !kept) {
        log::failure("the manifest's serial cannot be kept", kept.error());
        return stop();
    }
    auto const& state = prepared_.state.path;
    if (prepared_.options.status_lines) tell_status();  // before it: what is told of READY has this in it
    std::printf("READY mcp=%s/mcp token-file=%s/callers/dev.token files=%s/ operator-socket=%s/operator.sock state=%s\n", mcp_url_.c_str(),
        state.c_str(), files_url_.c_str(), state.c_str(), state.c_str());
    std::fflush(stdout);
}

void Machine::tell_status()
{
    CoreStatus status{core_->vitals().sessions, 0, helper::kStandingKinds, core_->vitals().frozen, prepared_.machine_key.binding(),
        core_->vitals().webhook, core_->vitals().audit_disk_alarm};
    for (auto const& up : health_.up) status.helpers_up += up ? 1u : 0u;
    if (auto line = status_line(status); line != last_status_) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
        last_status_ = std::move(line);
    }
    status_watch_ = loop_.after(kStatusEvery, [this] { tell_status(); });
}

void Machine::stop()
{
    if (stopping_) return;
    stopping_ = true;
    log::info("stopping");
    stop_guard_ = loop_.after(std::chrono::milliseconds(kStopWait), [this] {
        log::warning("some role did not stop in time; ending anyway");
        loop_.stop();
    });
    proto::Event event;
    event.what = proto::What::appliance_stop;
    event.actor = "core";
    core_->recorder().note(std::move(event));
    supervisor_.expect_ends();
    core_->stop([this] { loop_.stop(); });
}

void Machine::finish()
{
    if (core_) core_->join();  // links close: helpers end, the launcher takes away what is left
    supervisor_.stop();
    ::unlink((prepared_.state.path + "/operator.sock").c_str());
}

std::string in_words(manifest::Refusal const& refusal) { return refusal.key.empty() ? refusal.reason : refusal.key + ": " + refusal.reason; }

// Where the files of sandbox.mounts are looked for when nothing is said.
std::string beside(std::string const& manifest)
{
    auto const slash = manifest.rfind('/');
    return (slash == std::string::npos ? "." : manifest.substr(0, slash)) + "/mounts";
}

// A taken port is the commonest reason not to start: say which one.
Result<UniqueFd> listen_as_told(manifest::Listen const& listen)
{
    auto listener = listen_tcp(listen.authority());
    if (!listener) log::error("cannot listen on", listen.authority());
    return listener;
}

// Each sink's own folder, and whom it believes.
Result<std::vector<audit::SinkGround>> sink_ground(StateDir const& state, manifest::Applied const& applied)
{
    std::vector<audit::SinkGround> out;
    for (std::size_t i = 0; i < applied.audit.sinks.size(); ++i) {
        auto const& sink = applied.audit.sinks[i];
        auto& each = out.emplace_back();
        each.folder = OCU_TRY(open_sink_folder(state, sink.name, static_cast<std::uint32_t>(i)));
        if (sink.kind == proto::SinkKind::file) continue;
        auto const& ca = applied.edge.sinks[i].ca_pem;
        each.roots = ca.empty() ? OCU_TRY(make_roots(applied.edge.extra_roots_pem)) : OCU_TRY(make_only_root(ca));
    }
    return out;
}

Result<std::vector<UniqueFd>> witness_roots(manifest::Applied const& applied)
{
    std::vector<UniqueFd> out;
    for (auto const& each : applied.witnesses.endpoints)
        out.push_back(each.ca_pem.empty() ? OCU_TRY(make_roots(applied.edge.extra_roots_pem)) : OCU_TRY(make_only_root(each.ca_pem)));
    return out;
}

Result<Prepared> prepare(RunOptions options, manifest::Applied applied, std::vector<UniqueFd> shipped, RunDir const& run_dir)
{
    Prepared prepared;
    prepared.shipped = std::move(shipped);
    prepared.state = OCU_TRY(open_state_dir(options.state));
    prepared.machine_key = OCU_TRY(MachineKey::choose(prepared.state.state.get(), options.tpm));
    prepared.run_directory = run_dir.path();
    prepared.cgroup_prefix = run_dir.path().substr(run_dir.path().rfind('/') + 1);
    prepared.agent_file = OCU_TRY(run_dir.put_file("agent", embedded_guest(), 0555));
    std::string readme;
    if (!options.guest_readme.empty()) readme = OCU_TRY(manifest::read_file(options.guest_readme, kReadmeBytesMax));
    readme += shipped_in_words(applied.shipped);
    prepared.readme_file = OCU_TRY(run_dir.put_file("README.md", readme, 0444));
    applied.gateway.instructions = readme;
    applied.sandbox.trusts_authority = applied.bumps();
    if (applied.bumps()) prepared.authority_file = run_dir.path() + "/" + kAuthorityFile;
    prepared.mcp_listener = OCU_TRY(listen_as_told(applied.mcp));
    prepared.files_listener = OCU_TRY(listen_as_told(applied.files));
    auto const& webhook = applied.edge.webhook;
    prepared.notifier_roots = webhook && !webhook->ca_pem.empty() ? OCU_TRY(make_only_root(webhook->ca_pem))
                                                                  : OCU_TRY(make_roots(webhook ? applied.edge.extra_roots_pem : ""));
    prepared.sinks = OCU_TRY(sink_ground(prepared.state, applied));
    prepared.witness_roots = OCU_TRY(witness_roots(applied));
    prepared.options = std::move(options);
    prepared.applied = std::move(applied);
    return prepared;
}

}  // namespace

int version_main(int, char**)
{
    std::puts("ocu-appliance " OCU_VERSION);
    return 0;
}

int run_main(int argc, char** argv)
{
    if (argc == 2 && std::string_view(argv[1]) == "--help") {
        std::fputs(kRunUsage, stdout);
        return 0;
    }
    auto options = parse_run_options(argc, argv);
    if (!options) {
        std::fprintf(stderr, "error: %s\n%s", options.error().c_str(), kRunUsage);
        return 2;
    }
    if (::geteuid() != 0) return refuse("run", "needs root: it makes namespaces, mounts and cgroups");
    if (::mkdir(options->state.c_str(), 0711) != 0 && errno != EEXIST) return refuse("run", "cannot make the state directory");
    std::unique_ptr<char, void (*)(void*)> const absolute(::realpath(options->state.c_str(), nullptr), std::free);
    if (absolute) options->state = absolute.get();
    auto applied = manifest::load_manifest(options->manifest, options->trust, options->state, {options->service_address});
    if (!applied) return refuse("manifest refused", in_words(applied.error()));
    auto shipped = open_shipped(options->mounts.empty() ? beside(options->manifest) : options->mounts, applied->shipped);
    if (!shipped) return refuse("manifest refused", in_words(shipped.error()));
    set_up_process();
    if (auto const begun = client::begin(); !begun) return refuse("run", begun.error());
    if (auto const kept = helper::keep_only_capabilities(kCoreCapabilities); !kept) return refuse("run", kept.error());
    auto signals = take_signals();
    if (!signals) return refuse("run", signals.error());
    auto run_dir = RunDir::make();
    if (!run_dir) return refuse("run", run_dir.error());
    auto prepared = prepare(std::move(*options), std::move(*applied), std::move(*shipped), *run_dir);
    if (!prepared) return refuse("run", prepared.error());
    if (auto const& place = prepared->applied.store.place; place && place->ca_pem.empty())
        log::warning("the store of session files is reached without TLS, as the manifest wants it");
    log::info("the vault's key is", in_words(prepared->machine_key.binding()));
    Machine machine(std::move(*prepared), std::move(*run_dir), std::move(*signals));
    auto const started = machine.start();
    if (started) machine.serve();
    machine.finish();
    if (started) return 0;
    return machine.refusal().empty() ? refuse("run", started.error()) : refuse("manifest refused", machine.refusal());
}

}  // namespace ocu::appliance
