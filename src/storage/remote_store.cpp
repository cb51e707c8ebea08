// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/remote_store.h"

#include <array>

#include "base/crypto/crypto.h"
#include "base/log.h"
#include "storage/limits.h"
#include "storage/session_store.h"

namespace ocu::storage {

namespace {

std::string random_digits()
{
    std::array<std::uint8_t, 16> bytes{};
    crypto::random_bytes(std::as_writable_bytes(std::span(bytes)));
    return crypto::to_hex(bytes);
}

}  // namespace

RemoteStore::RemoteStore(wire::Loop& loop, Clock const& clock, S3Place place, UniqueFd store, Wires wires)
    : loop_(loop), clock_(clock), place_(std::move(place)), store_(std::move(store)), wires_(wires), supplies_(loop, wires.edge)
{}
RemoteStore::~RemoteStore() = default;

Result<void> RemoteStore::begin()
{
    auto const now = clock_.now();
    std::size_t elsewhere = 0;
    for (auto const& marker : markers_in(store_.get())) {
        auto prefix = run_prefix(place_, marker);
        if (prefix.empty() || !queue_.add({std::move(prefix), {}, marker, 0, now})) ++elsewhere;
    }
    if (elsewhere != 0) log::warning("objects of earlier runs remain in a store that the manifest does not name any more");
    auto marker = marker_of(place_, random_digits());
    OCU_CHECK(make_marker(store_.get(), marker));
    marker_ = std::move(marker);
    plan();
    return {};
}

proto::StorePlace RemoteStore::place_under(std::string const& prefix) const
{
    return {wire::Text<280>(place_.endpoint), wire::Text<64>(place_.region), wire::Text<63>(place_.bucket), wire::Text<640>(prefix),
        place_.path_style, wire::Text<proto::kStoreCaBytesMax>(place_.ca_pem)};
}

// Custody writes it to whoever holds the other end; the thread cannot read what it holds neither end of.
Result<UniqueFd> RemoteStore::credential_for(SessionId session)
{
    auto pair = OCU_TRY(make_socket_pair());
    wires_.custody.send(proto::StoreCredentialWanted{std::move(pair.ours), session});
    return std::move(pair.theirs);
}

Result<RemoteStore::Equipment> RemoteStore::equip(SessionId session, std::function<void()> violated)
{
    if (marker_.empty()) return fail(Fault::unavailable, "this run is not marked");
    auto supply = OCU_TRY(supplies_.begin(session, proto::LaneUse::serve, std::move(violated)));
    return Equipment{place_under(run_prefix(place_, marker_) + SessionStore::name_of(session) + "/"), std::move(supply),
        OCU_TRY(credential_for(session))};
}

void RemoteStore::session_over(SessionId session)
{
    supplies_.end(session, proto::LaneUse::serve);
    if (stopping_ || marker_.empty()) return;
    // What the lane had passed on already may still arrive there.
    Sweep sweep{run_prefix(place_, marker_) + SessionStore::name_of(session) + "/", session, {}, 0, clock_.now() + kSweepAfter};
    if (!queue_.add(sweep)) note(sweep, std::nullopt, "too many wait; left to the sweep of the whole run");
    plan();
}

// Wakes tick() when the next one is due.
void RemoteStore::plan()
{
    if (running_) return;
    auto const due = queue_.next_due();
    if (!due) return next_.reset();
    auto const wait = std::max(std::chrono::ceil<std::chrono::milliseconds>(*due - clock_.now()), std::chrono::milliseconds(0));
    next_ = loop_.after(wait, [this] { tick(); });
}

void RemoteStore::tick()
{
    next_.reset();
    if (running_) return;
    auto sweep = queue_.take(clock_.now());
    if (!sweep) return plan();
    running_ = std::make_unique<Running>();
    running_->sweep = std::move(*sweep);
    if (auto const started = start(running_->sweep); !started) {
        log::failure("a sweeper cannot be started", started.error());
        finish(std::nullopt);
    }
}

Result<void> RemoteStore::start(Sweep const& sweep)
{
    // It ends with its link, and what it said on its supply ends it like a broken frame.
    auto const lost = [this, alive = std::weak_ptr(alive_)] {
        loop_.post([this, alive] {
            if (alive.lock() && running_) finish(std::nullopt);
        });
    };
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(OCU_TRY(supplies_.begin(sweep.session, proto::LaneUse::sweep, lost)));
    descriptors.push_back(OCU_TRY(credential_for(sweep.session)));
    auto const config = wire::encode(proto::SweeperConfig{place_under(sweep.prefix)});
    auto spawned = OCU_TRY(wires_.spawner.spawn(helper::Kind::sweeper, Slot{0}, config, std::move(descriptors)));
    running_->child = std::move(spawned.child);
    running_->link = std::make_unique<wire::Link>(
        loop_, std::move(spawned.link), wire::Link::Options{proto::kSweeperMaySend},
        [this](wire::Link::Frame const& frame) { sweeper_said(frame); }, [lost](wire::Lost) { lost(); });
    running_->deadline = loop_.after(kSweepTime, lost);
    return {};
}

void RemoteStore::sweeper_said(wire::Link::Frame const& frame)
{
    bool const says_ready = frame.type == helper::kReadyType;
    if (says_ready == running_->ready) return running_->link->violation();
    if (says_ready) {
        running_->ready = true;
        return;
    }
    auto const done = wire::decode<proto::SweepDone>(frame.body);
    if (!done) return running_->link->violation();
    loop_.post([this, done = *done, alive = std::weak_ptr(alive_)] {
        if (alive.lock() && running_) finish(done);
    });
}

void RemoteStore::finish(std::optional<proto::SweepDone> const& done)
{
    auto const ended = std::exchange(running_, nullptr);  // its process has ended when this goes
    auto sweep = std::move(ended->sweep);
    supplies_.end(sweep.session, proto::LaneUse::sweep);
    bool const good = done && done->good;
    note(sweep, done, good ? std::string_view() : done ? "the store did not let go of all of it" : "the sweeper ended");
    if (good && !sweep.marker.empty()) remove_marker(store_.get(), sweep.marker);
    if (stopping_ && (!good || queue_.size() == 0)) {
        queue_.clear();
        if (stopped_) std::exchange(stopped_, {})();
        return;
    }
    if (!good) queue_.failed(std::move(sweep), clock_.now());
    plan();
}

void RemoteStore::note(Sweep const& sweep, std::optional<proto::SweepDone> const& done, std::string_view why)
{
    proto::Event event;
    event.what = proto::What::store_swept;
    event.outcome = why.empty() ? proto::Outcome::success : proto::Outcome::failure;
    event.session = sweep.session;
    event.actor = "storage";
    event.resource = wire::Text<512>::cut(place_.bucket + "/" + sweep.prefix);
    event.detail = wire::Text<1024>::cut("attempt=" + std::to_string(sweep.failures + 1) + (why.empty() ? "" : " why=") + std::string(why));
    if (done) {
        event.number = static_cast<std::int64_t>(done->objects);
        event.bytes = done->bytes;
    }
    wires_.recorder.note(std::move(event));
}

void RemoteStore::stop(std::function<void()> done)
{
    stopping_ = true;
    stopped_ = std::move(done);
    queue_.clear();
    if (marker_.empty()) return std::exchange(stopped_, {})();
    (void)queue_.add({run_prefix(place_, marker_), {}, marker_, 0, clock_.now()});
    marker_.clear();
    plan();
}

}  // namespace ocu::storage
