// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/sink_desk.h"

#include <algorithm>
#include <format>
#include <optional>

#include "audit/layout.h"
#include "audit/lend.h"
#include "audit/limits.h"
#include "base/log.h"
#include "helper/helper.h"

namespace ocu::audit {

using proto::SinkHealth;
using proto::What;

namespace {

constexpr std::size_t kQueueBytesMax = 64u << 10;

// The helper's first frame says that it is confined.
constexpr auto kHelperSays = [] {
    std::array<wire::Permit, proto::kSinkToAudit.size() + 1> out{};
    std::ranges::copy(proto::kSinkToAudit, out.begin());
    out.back() = {helper::kReadyType, 0, 4096};
    return out;
}();

bool is_word(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == ':'; });
}

bool is_bad(SinkHealth health) { return health == SinkHealth::failing || health == SinkHealth::refused; }

}  // namespace

struct SinkDesk::Running {
    Sink sink;
    SinkGround ground;
    std::uint32_t number = 0;
    helper::Child child;
    std::unique_ptr<wire::Link> link;
    wire::Watch again;
    std::uint64_t generation = 0;
    unsigned deaths = 0;
    bool ready = false;
    bool asked = false;  // a tick is not answered
    Monotonic asked_at{};
    std::uint64_t size_told = 0;
    proto::SinkReport report;  // the last one
    bool damage_said = false;  // by this process
    std::uint64_t dial = 0;  // under way; 0: none
    SinkHealth health = SinkHealth::untried;
    std::string word;
    std::uint16_t status = 0;
    SinkHealth on_record = SinkHealth::delivering;  // what the record says of it
    std::optional<Monotonic> failed_at, refused_at;  // when it last said so
    std::uint64_t failures = 0;  // since then

    bool needs_custody() const { return sink.shows_certificate || sink.has_token; }
    bool is_done(std::uint64_t size) const
    {
        return size_told == size && report.position == size && !report.wants_segment && !report.wants_socket;
    }
};

SinkDesk::SinkDesk(wire::Loop& loop, Clock const& clock, std::string appliance, std::vector<Sink> sinks, UniqueFd log,
    std::vector<SinkGround> ground, helper::Spawner& spawner, Calls calls)
    : loop_(loop), clock_(clock), appliance_(std::move(appliance)), log_(std::move(log)), spawner_(spawner), calls_(std::move(calls)), graves_(loop)
{
    OCU_ASSERT(sinks.size() == ground.size() && sinks.size() <= proto::kSinksMax);
    for (std::size_t i = 0; i < sinks.size(); ++i) {
        auto& each = *sinks_.emplace_back(std::make_unique<Running>());
        each.sink = std::move(sinks[i]);
        each.ground = std::move(ground[i]);
        each.number = static_cast<std::uint32_t>(i);
    }
}

SinkDesk::~SinkDesk() { stop(); }

void SinkDesk::grew(std::uint64_t size)
{
    size_ = size;
    if (sinks_.empty() || stopped_) return;
    if (!std::exchange(open_, true))
        for (auto const& each : sinks_) start(*each);
    keep_ticking();
}

void SinkDesk::custody_up()
{
    custody_ = true;
    for (auto const& each : sinks_)
        if (open_ && !each->link) start(*each);
}

void SinkDesk::start(Running& sink)
{
    sink.again.reset();
    if (stopped_ || sink.link || (sink.needs_custody() && !custody_)) return;
    if (auto const started = spawn(sink); !started) {
        log::failure("the process of a sink could not be started", started.error());
        lost(sink, wire::Lost::closed);
    }
    keep_ticking();
}

Result<void> SinkDesk::spawn(Running& sink)
{
    auto const& what = sink.sink;
    ++sink.generation;
    sink.ready = sink.asked = sink.damage_said = false;
    sink.size_told = 0;
    sink.report = {};
    proto::SinkConfig config{what.name, what.kind, what.format, what.shape, wire::Text<253>(appliance_), what.file_bytes, what.files,
        wire::Text<253>(what.host), what.port, wire::Text<300>(what.authority), wire::Text<1024>(what.target), what.tls,
        what.shows_certificate};
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(OCU_TRY(duplicate(sink.ground.folder.get())));
    if (sink.ground.roots) descriptors.push_back(OCU_TRY(duplicate(sink.ground.roots.get())));
    if (sink.needs_custody()) {
        auto channel = OCU_TRY(make_socket_pair());
        descriptors.push_back(std::move(channel.theirs));
        calls_.channel(sink.number, std::move(channel.ours));
    }
    auto spawned = OCU_TRY(spawner_.spawn(helper::Kind::audit_sink, Slot{sink.number}, wire::encode(config), std::move(descriptors)));
    sink.child = std::move(spawned.child);
    sink.link = std::make_unique<wire::Link>(
        loop_, std::move(spawned.link), wire::Link::Options{kHelperSays, kQueueBytesMax},
        [this, &sink](wire::Link::Frame frame) { hear(sink, frame); },
        [this, &sink, generation = sink.generation](wire::Lost why) {
            loop_.post([this, &sink, generation, why] {
                if (sink.generation == generation && !stopped_) lost(sink, why);
            });
        });
    return {};
}

void SinkDesk::lost(Running& sink, wire::Lost why)
{
    sink.link.reset();
    graves_.bury(std::move(sink.child));
    ++sink.generation;
    sink.dial = 0;
    note(sink, why == wire::Lost::closed ? What::helper_death : What::helper_violation, {});
    is_now(sink, SinkHealth::down, {}, 0);
    auto const wait = std::min<std::chrono::milliseconds>(kSinkRestartFirst * (1u << std::min(sink.deaths, 6u)), kSinkRestartMax);
    ++sink.deaths;
    sink.again = loop_.after(wait, [this, &sink] { start(sink); });
    tell();
}

void SinkDesk::hear(Running& sink, wire::Link::Frame const& frame)
{
    if (frame.type == helper::kReadyType) {
        if (std::exchange(sink.ready, true)) return sink.link->violation();
        return tick(sink);
    }
    auto const report = wire::decode<proto::SinkReport>(frame.body);
    if (!report || !sink.ready || !std::exchange(sink.asked, false) || !obey(sink, *report)) sink.link->violation();
}

// T-14: what cannot be so is said by a process that is not what it was.
bool SinkDesk::obey(Running& sink, proto::SinkReport const& report)
{
    bool const sane = report.position <= sink.size_told && report.position >= sink.report.position && is_word(report.word.view()) &&
                      report.status <= 999 && report.health != SinkHealth::down && report.segment < kSegmentsMax && report.oldest_ms >= 0 &&
                      !(report.damaged && std::exchange(sink.damage_said, true));
    if (!sane) return false;
    if (report.position > sink.report.position) sink.deaths = 0;
    sink.report = report;
    if (report.damaged) note(sink, What::sink_position_damaged, "begins at the beginning");
    is_now(sink, report.health, report.word.view(), report.status);
    if (report.wants_segment) give_segment(sink, report.segment);
    if (report.wants_socket && sink.dial == 0) {
        sink.dial = ++last_dial_;
        calls_.dial({RequestId{sink.dial}, sink.number});
    }
    return true;
}

std::uint64_t SinkDesk::copied() const
{
    auto least = std::numeric_limits<std::uint64_t>::max();
    for (auto const& each : sinks_) least = std::min(least, each->report.position);
    return least;
}

// One that was removed by age gives way to the first that is there.
void SinkDesk::give_segment(Running& sink, std::uint64_t segment)
{
    segment = std::max(segment, first_segment_);
    auto file = open_to_lend(log_.get(), segment_path(segment));
    if (!file) {
        log::failure("a sink gets no segment", file.error());
        return sink.link->send(proto::SinkNotGiven{false, "log_unreadable"});
    }
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(*std::move(file));
    sink.link->send(proto::SinkSegment{segment}, std::move(descriptors));
}

void SinkDesk::dialled(proto::SinkDialled dialled)
{
    auto const found = std::ranges::find_if(sinks_, [&](auto const& each) { return each->dial == dialled.request.value; });
    if (found == sinks_.end() || dialled.request.value == 0) return;  // it was for a process that has ended
    Running& sink = **found;
    sink.dial = 0;
    if (!sink.link) return;
    if (!dialled.socket) return sink.link->send(proto::SinkNotGiven{true, dialled.why});
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(dialled.socket));
    sink.link->send(proto::SinkSocket{}, std::move(descriptors));
}

void SinkDesk::is_now(Running& sink, SinkHealth health, std::string_view word, std::uint16_t status)
{
    if (is_bad(health) && health != sink.health) ++sink.failures;
    sink.health = health;
    sink.word = word;
    sink.status = status;
    put_on_record(sink);
}

// When it begins to fail and when it is good again, and not for each attempt: each record is one more that is to be delivered.
void SinkDesk::put_on_record(Running& sink)
{
    auto const now = clock_.now();
    if (sink.health == SinkHealth::delivering && sink.on_record != SinkHealth::delivering) {
        sink.on_record = SinkHealth::delivering;
        return note(sink, What::sink_recovered, {});
    }
    bool const refused = sink.health == SinkHealth::refused;
    if (!is_bad(sink.health) || sink.on_record == sink.health || (is_bad(sink.on_record) && !refused)) return;
    auto& noted_at = refused ? sink.refused_at : sink.failed_at;
    if (noted_at && now - *noted_at < kSinkNoteEvery) return;
    sink.on_record = sink.health;
    noted_at = now;
    auto const times = std::exchange(sink.failures, 0);
    note(sink, refused ? What::sink_refused : What::sink_failing, std::format("why={} status={} times={}", sink.word, sink.status, times));
}

void SinkDesk::note(Running const& sink, What what, std::string detail)
{
    proto::Event event;
    event.what = what;
    event.outcome = what == What::sink_recovered ? proto::Outcome::success : proto::Outcome::failure;
    event.actor = "core";
    event.resource = wire::Text<512>(std::format("audit-sink {}", sink.sink.name));
    event.detail = wire::Text<1024>::cut(detail.empty() ? sink.sink.place : sink.sink.place + " " + detail);
    event.number = static_cast<std::int64_t>(sink.report.position);
    calls_.note(std::move(event));
}

void SinkDesk::keep_ticking()
{
    if (timer_ || stopped_) return;
    timer_ = loop_.after(kSinkTick, [this] {
        timer_.reset();
        tick();
    });
}

void SinkDesk::tick()
{
    for (auto const& each : sinks_) tick(*each);
    tell();
    if (std::ranges::any_of(sinks_, [this](auto const& each) { return each->link && !each->is_done(size_); })) keep_ticking();
}

void SinkDesk::tick(Running& sink)
{
    if (!sink.link || !sink.ready || stopped_) return;
    if (sink.asked) {
        if (clock_.now() - sink.asked_at >= kSinkSilence) is_now(sink, SinkHealth::failing, "silent", 0);
        return;
    }
    if (sink.is_done(size_)) return;
    sink.asked = true;
    sink.asked_at = clock_.now();
    sink.size_told = size_;
    sink.link->send(proto::SinkTick{size_});
}

void SinkDesk::tell()
{
    proto::SinkStates states;
    for (auto const& each : sinks_)
        states.push({each->sink.name, each->sink.kind, each->sink.format, wire::Text<320>::cut(each->sink.place), each->health,
            wire::Text<32>::cut(each->word), each->status, each->report.position, size_, each->report.oldest_ms});
    if (states == told_) return;
    told_ = states;
    calls_.tell(std::move(states));
}

void SinkDesk::stop()
{
    if (std::exchange(stopped_, true)) return;
    timer_.reset();
    for (auto const& each : sinks_) {
        each->again.reset();
        each->link.reset();
        each->child.forget();
        ++each->generation;
    }
    graves_.forget();
}

}  // namespace ocu::audit
