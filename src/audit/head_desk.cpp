// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/head_desk.h"

#include <algorithm>
#include <format>
#include <optional>

#include "audit/head_proof.h"
#include "audit/layout.h"
#include "audit/lend.h"
#include "base/log.h"
#include "helper/helper.h"

namespace ocu::audit {

using proto::HeadAnswer;
using proto::HeadHealth;
using proto::What;

namespace {

constexpr std::size_t kQueueBytesMax = 64u << 10;
constexpr std::uint64_t kFirstDial = 1ull << 63;  // sinks count from 1: neither takes the other's answer
constexpr unsigned kRequestTimeout = 408, kUnprovable = 422, kTooManyRequests = 429, kServerError = 500;
constexpr unsigned kDoublingsMax = 16;

// The helper's first frame says that it is confined.
constexpr std::array kHelperSays{proto::kWitnessToAudit[0], wire::Permit{helper::kReadyType, 0, 4096}};

bool is_word(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == ':'; });
}

// The partial tile, which is there until the full one is.
Result<UniqueFd> open_tile(int directory, TilePlace const& place)
{
    auto file = open_to_lend(directory, tile_path(place.level, place.index, place.width));
    if (!file && place.width < kTileWidth) return open_to_lend(directory, tile_path(place.level, place.index));
    return file;
}

}  // namespace

struct HeadDesk::Running {
    Witness witness;
    UniqueFd roots;
    std::uint32_t number = 0;
    std::uint32_t place = 0;

    // An attempt.
    bool under_way = false;
    Monotonic begun{};
    std::uint64_t dial = 0;  // 0: none
    helper::Child child;
    std::unique_ptr<wire::Link> link;
    std::uint64_t generation = 0;
    bool ready = false;
    bool told_size = false;  // the witness has said what it knows, and is asked once more
    SignedHead shown;
    std::uint64_t old_size = 0;

    std::uint64_t known = 0;  // the size that the witness has seen last, as far as is known
    Monotonic next{};         // not before
    std::optional<Monotonic> owed;  // since when a head is
    unsigned failures = 0;    // in a row
    bool overdue_said = false;

    HeadHealth health = HeadHealth::untried;
    std::string word;
    std::uint16_t status = 0;
    std::uint64_t witnessed = 0;
    std::uint64_t witnessed_s = 0;
    std::string on_record;    // the cause that the record has of its failing
    Monotonic on_record_at{};
};

HeadDesk::HeadDesk(wire::Loop& loop, Clock const& clock, Ground ground, helper::Spawner& spawner, Calls calls, HeadPace pace)
    : loop_(loop), clock_(clock), log_(std::move(ground.log)), spawner_(spawner), calls_(std::move(calls)), pace_(pace), graves_(loop),
      last_dial_(kFirstDial)
{
    OCU_ASSERT(ground.witnesses.size() == ground.roots.size() && ground.witnesses.size() <= proto::kWitnessesMax);
    for (std::size_t i = 0; i < ground.witnesses.size(); ++i) {
        auto& each = *witnesses_.emplace_back(std::make_unique<Running>());
        each.witness = std::move(ground.witnesses[i]);
        each.roots = std::move(ground.roots[i]);
        each.number = static_cast<std::uint32_t>(i);
        each.place = ground.first_place + each.number;
    }
}

HeadDesk::~HeadDesk() { stop(); }

// A head is owed at every start. If the last one is older than that, the debt is.
void HeadDesk::opened(std::span<proto::KeptHead const> kept)
{
    if (witnesses_.empty() || stopped_ || std::exchange(open_, true)) return;
    auto const now = clock_.now();
    auto const now_s = std::chrono::floor<std::chrono::seconds>(clock_.wall().time_since_epoch()).count();
    for (auto const& each : witnesses_) {
        each->owed = now;
        auto const found = std::ranges::find_if(kept, [&](auto const& head) { return head.witness.view() == each->witness.name; });
        if (found == kept.end()) continue;
        each->known = each->witnessed = found->size;
        each->witnessed_s = found->time_s;
        auto const age = std::chrono::seconds(std::max<std::int64_t>(now_s - static_cast<std::int64_t>(std::min<std::uint64_t>(found->time_s, INT64_MAX)), 0));
        if (age > each->witness.interval) each->owed = now - (age - each->witness.interval);
    }
    timer_ = loop_.after(pace_.look, [this] { look(); });
    tell();
}

void HeadDesk::head(SignedHead head)
{
    head_ = std::move(head);
    if (!witnesses_.empty()) tell();
}

void HeadDesk::custody_up() { custody_ = true; }

void HeadDesk::look()
{
    if (stopped_) return;
    for (auto const& each : witnesses_) look(*each);
    timer_ = loop_.after(pace_.look, [this] { look(); });
}

void HeadDesk::look(Running& witness)
{
    auto const now = clock_.now();
    if (witness.under_way) {
        if (now - witness.begun >= pace_.attempt) failed(witness, Because::failing, "timed_out");
        return;
    }
    if (now < witness.next) return;
    if (!witness.owed) witness.owed = now;
    if (head_.size == 0) {
        if (now - *witness.owed >= pace_.attempt) failed(witness, Because::failing, "no_head");
        return;
    }
    witness.told_size = false;
    begin(witness);
}

void HeadDesk::begin(Running& witness)
{
    if (witness.witness.shows_certificate && !custody_) return failed(witness, Because::failing, "custody_down");
    // A witness that is known to have seen more than there is has seen another log; it is asked, and says so itself.
    witness.old_size = witness.known <= head_.size ? witness.known : 0;
    witness.shown = head_;
    witness.under_way = true;
    witness.begun = clock_.now();
    witness.dial = ++last_dial_;
    calls_.dial({RequestId{witness.dial}, witness.place});
}

bool HeadDesk::dialled(proto::SinkDialled& dialled)
{
    if (dialled.request.value <= kFirstDial) return false;
    auto const found = std::ranges::find_if(witnesses_, [&](auto const& each) { return each->dial == dialled.request.value; });
    if (found == witnesses_.end() || stopped_) return true;  // it was for an attempt that is over
    Running& witness = **found;
    witness.dial = 0;
    if (!dialled.socket) {
        failed(witness, Because::failing, dialled.why.view());
        return true;
    }
    ask(witness, std::move(dialled.socket));
    return true;
}

void HeadDesk::ask(Running& witness, UniqueFd socket)
{
    if (auto const started = spawn(witness, std::move(socket)); !started) {
        log::failure("a head cannot be shown to a witness", started.error());
        failed(witness, Because::failing, started.error().fault == Fault::os ? "log_unreadable" : "not_started");
    }
}

Result<void> HeadDesk::spawn(Running& witness, UniqueFd socket)
{
    auto const& to = witness.witness;
    std::vector<UniqueFd> tiles;
    for (auto const& place : OCU_TRY(tiles_of_proof(witness.old_size, witness.shown.size))) tiles.push_back(OCU_TRY(open_tile(log_.get(), place)));
    proto::WitnessConfig config{to.name, wire::Text<253>(to.host), wire::Text<300>(to.authority), wire::Text<1024>(to.target), to.shows_certificate,
        wire::Text<proto::kWitnessKeyBytesMax>(format_key(to.key)), witness.old_size, wire::Text<proto::kHeadNoteBytesMax>(witness.shown.note)};
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(OCU_TRY(duplicate(witness.roots.get())));
    if (to.shows_certificate) {
        auto channel = OCU_TRY(make_socket_pair());
        descriptors.push_back(std::move(channel.theirs));
        calls_.channel(witness.place, std::move(channel.ours));
    }
    auto spawned = OCU_TRY(spawner_.spawn(helper::Kind::audit_witness, Slot{witness.number}, wire::encode(config), std::move(descriptors)));
    witness.child = std::move(spawned.child);
    witness.ready = false;
    ++witness.generation;
    witness.link = std::make_unique<wire::Link>(
        loop_, std::move(spawned.link), wire::Link::Options{kHelperSays, kQueueBytesMax},
        [this, &witness](wire::Link::Frame frame) { hear(witness, frame); },
        [this, &witness, generation = witness.generation](wire::Lost why) {
            loop_.post([this, &witness, generation, why] {
                if (witness.generation == generation && !stopped_) lost(witness, why);
            });
        });
    auto const lend = [&](auto message, UniqueFd file) {
        std::vector<UniqueFd> one;
        one.push_back(std::move(file));
        witness.link->send(message, std::move(one));
    };
    for (auto& each : tiles) lend(proto::HeadTile{}, std::move(each));
    lend(proto::HeadSocket{}, std::move(socket));
    return {};
}

// T-40: what cannot be so is said by a process that is not what it was.
void HeadDesk::hear(Running& witness, wire::Link::Frame const& frame)
{
    if (frame.type == helper::kReadyType) {
        if (std::exchange(witness.ready, true)) witness.link->violation();
        return;
    }
    auto const outcome = wire::decode<proto::HeadOutcome>(frame.body);
    if (!outcome || !witness.ready || !is_word(outcome->word.view()) || outcome->status > 999) return witness.link->violation();
    // Not from within the link's own call.
    loop_.post([this, &witness, generation = witness.generation, told = *outcome] {
        if (witness.generation == generation && !stopped_) over(witness, told);
    });
}

void HeadDesk::lost(Running& witness, wire::Lost why)
{
    note(witness, why == wire::Lost::closed ? What::helper_death : What::helper_violation, {});
    failed(witness, Because::failing, "ended");
}

void HeadDesk::end(Running& witness)
{
    witness.link.reset();
    graves_.bury(std::move(witness.child));
    ++witness.generation;
    witness.dial = 0;
    witness.under_way = false;
}

void HeadDesk::over(Running& witness, proto::HeadOutcome const& outcome)
{
    switch (outcome.answer) {
    case HeadAnswer::cosigned: return over_cosigned(witness, outcome);
    case HeadAnswer::other_size: return over_size(witness, outcome);
    case HeadAnswer::answered: return over_status(witness, outcome);
    case HeadAnswer::not_cosigned:
    case HeadAnswer::other_key:
    case HeadAnswer::grammar:
    case HeadAnswer::too_large: return failed(witness, Because::refused, name_of(outcome.answer), outcome.status);
    case HeadAnswer::tls: return failed(witness, Because::failing, "tls:" + outcome.word.str());
    case HeadAnswer::no_proof:
    case HeadAnswer::closed:
    case HeadAnswer::timed_out: return failed(witness, Because::failing, name_of(outcome.answer));
    }
}

// Here and not only there: a process that was taken over cannot say that a head is witnessed (T-40).
void HeadDesk::over_cosigned(Running& witness, proto::HeadOutcome const& outcome)
{
    auto const& key = witness.witness.key;
    Cosignature const cosignature{outcome.time_s, outcome.signature};
    if (!verifies(cosignature, witness.shown.body, key)) return failed(witness, Because::refused, "bad_cosignature", outcome.status);
    auto const now_s = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(clock_.wall().time_since_epoch()).count());
    auto const off = outcome.time_s > now_s ? outcome.time_s - now_s : now_s - outcome.time_s;
    if (off > static_cast<std::uint64_t>(kWitnessClockOff.count())) return failed(witness, Because::refused, "wrong_time", outcome.status);
    auto const line = cosignature_line(key, cosignature);
    end(witness);
    witness.known = witness.witnessed = witness.shown.size;
    witness.witnessed_s = outcome.time_s;
    witness.next = clock_.now() + witness.witness.interval;
    witness.owed.reset();
    witness.failures = 0;
    witness.overdue_said = false;
    witness.on_record.clear();
    witness.health = HeadHealth::witnessed;
    witness.word.clear();
    witness.status = 0;
    calls_.keep({witness.witness.name, wire::Text<proto::kWitnessKeyBytesMax>(format_key(key)), {witness.shown.note + line}});
    // The line itself stands in the record, so that each head that was ever witnessed can be shown again, and not only the last.
    note(witness, What::audit_head_witnessed, std::format("time={} cosignature={}", outcome.time_s, line.substr(line.rfind(' ') + 1, line.size() - line.rfind(' ') - 2)));
    tell();
}

// T-41: more than there is, or what there is with another root, is another history: this log was cut or written anew, or is not the only one with its key.
void HeadDesk::over_size(Running& witness, proto::HeadOutcome const& outcome)
{
    if (outcome.size > witness.shown.size) return failed(witness, Because::conflict, "ahead", outcome.status);
    if (outcome.size == witness.old_size && witness.old_size == witness.shown.size)
        return failed(witness, Because::conflict, "other_root", outcome.status);
    bool const asked_already = std::exchange(witness.told_size, true);
    if (outcome.size == witness.old_size || asked_already) return failed(witness, Because::refused, "contradiction", outcome.status);
    witness.known = outcome.size;
    end(witness);
    begin(witness);
}

void HeadDesk::over_status(Running& witness, proto::HeadOutcome const& outcome)
{
    auto const status = outcome.status;
    // The proof was checked before it was sent: from what this log has had, and not from what the witness has seen.
    if (status == kUnprovable && witness.old_size > 0) return failed(witness, Because::conflict, "other_history", status);
    bool const later = status >= kServerError || status == kTooManyRequests || status == kRequestTimeout;
    failed(witness, later ? Because::failing : Because::refused, "answered", status);
}

void HeadDesk::failed(Running& witness, Because because, std::string_view word, std::uint16_t status)
{
    end(witness);
    auto const now = clock_.now();
    auto const wait = pace_.again_first * (1u << std::min(witness.failures++, kDoublingsMax));
    witness.next = now + std::min<std::chrono::seconds>(wait, pace_.again_max);
    witness.word = word;
    witness.status = status;
    witness.health = because == Because::conflict ? HeadHealth::conflict : because == Because::refused ? HeadHealth::refused : HeadHealth::failing;
    auto const cause = std::format("why={} status={}", word, status);
    bool const said = witness.on_record == cause && now - witness.on_record_at < pace_.record_every;
    if (because != Because::failing && !said) {
        witness.on_record = cause;
        witness.on_record_at = now;
        bool const alarm = because == Because::conflict;
        if (alarm) log::error("a witness has seen another history of the audit log than this one:", witness.witness.name);
        note(witness, alarm ? What::audit_head_conflict : What::audit_head_refused, cause);
    }
    if (witness.owed && now - *witness.owed >= witness.witness.interval && !std::exchange(witness.overdue_said, true)) {
        auto const owed_s = std::chrono::floor<std::chrono::seconds>(now - *witness.owed).count();
        note(witness, What::audit_head_overdue, std::format("{} owed_s={} heads={}", cause, owed_s, 1 + owed_s / witness.witness.interval.count()));
    }
    tell();
}

void HeadDesk::note(Running const& witness, What what, std::string detail)
{
    proto::Event event;
    event.what = what;
    event.outcome = what == What::audit_head_witnessed ? proto::Outcome::success : proto::Outcome::failure;
    event.actor = "core";
    event.resource = wire::Text<512>(std::format("audit-witness {}", witness.witness.name));
    event.detail = wire::Text<1024>::cut(detail.empty() ? witness.witness.place : witness.witness.place + " " + detail);
    event.number = static_cast<std::int64_t>(witness.witnessed);
    calls_.note(std::move(event));
}

void HeadDesk::tell()
{
    auto const now = clock_.now();
    auto const wall = clock_.wall();
    proto::WitnessStates states;
    for (auto const& each : witnesses_) {
        // Whole seconds, so that what has not changed is not told anew.
        auto const owed = each->owed ? std::chrono::floor<std::chrono::seconds>(wall - std::chrono::duration_cast<std::chrono::milliseconds>(now - *each->owed))
                                           .time_since_epoch()
                                     : std::chrono::seconds(0);
        states.push({each->witness.name, wire::Text<320>::cut(each->witness.place), each->health, wire::Text<32>::cut(each->word), each->status,
            each->witnessed, static_cast<std::int64_t>(std::min<std::uint64_t>(each->witnessed_s, INT64_MAX)), size_,
            std::chrono::milliseconds(owed).count(), each->witness.interval.count()});
    }
    if (states == told_) return;
    told_ = states;
    calls_.tell(std::move(states));
}

void HeadDesk::stop()
{
    if (std::exchange(stopped_, true)) return;
    timer_.reset();
    for (auto const& each : witnesses_) {
        each->link.reset();
        each->child.forget();
        ++each->generation;
    }
    graves_.forget();
}

}  // namespace ocu::audit
