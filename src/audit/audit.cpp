// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/audit.h"

#include <atomic>
#include <cerrno>

#include "audit/cold_desk.h"
#include "audit/counting.h"
#include "audit/head_desk.h"
#include "audit/limits.h"
#include "audit/retention_desk.h"
#include "audit/sink_desk.h"
#include "base/log.h"
#include "proto/audit_to_writer.h"

namespace ocu::audit {

namespace {

using proto::Event;
using proto::Recorder;
using Done = Recorder::Done;

constexpr std::size_t kLinkQueueBytesMax = 8u << 20;
constexpr std::chrono::milliseconds kTallyEvery{1000};
constexpr std::chrono::milliseconds kStopWait{2000};   // for the last checkpoint
constexpr std::chrono::milliseconds kStopSettle{100};  // for the writer to put it in place

}  // namespace

struct Audit::State {
    struct Pen;
    struct Waiting {
        Event event;
        WallTime time;
        Done done;
        Pen* pen;  // lives as long as this
        Monotonic asked;
    };

    // One role's pen. record() runs on that role's thread; everything else on audit's.
    struct Pen final : Recorder {
        Pen(State& owner_state, proto::Source source_it_is, wire::Loop& asking) : owner(owner_state), source(source_it_is), asker(asking) {}

        void record(Event event, Done done) override
        {
            if (!owner.open.load(std::memory_order_acquire)) return refuse(std::move(done), Fault::unavailable);
            // AU-5: a source that floods fills its own queue and no other.
            if (waiting.fetch_add(1) >= owner.config.queue_per_source_max) {
                waiting.fetch_sub(1);
                shaped.fetch_add(1);
                return refuse(std::move(done), Fault::over_limit);
            }
            auto item = std::make_shared<Waiting>(Waiting{std::move(event), owner.clock.wall(), std::move(done), this, owner.clock.now()});
            owner.loop.post([&state = owner, item] { state.enqueue(std::move(*item)); });
        }

        void refuse(Done done, Fault fault)
        {
            asker.post([done = std::move(done), fault] {
                if (fault == Fault::over_limit) return done(fail(Fault::over_limit, "too many events of this source wait for the disk"));
                done(fail(Fault::unavailable, "audit cannot write"));
            });
        }

        State& owner;
        proto::Source source;
        wire::Loop& asker;
        std::atomic<std::size_t> waiting{0};
        std::atomic<std::uint64_t> shaped{0};
    };

    State(wire::Loop& the_loop, Clock const& the_clock, Config the_config, SinkDescriptors descriptors, Wires the_wires)
        : loop(the_loop), clock(the_clock), config(std::move(the_config)), wires(std::move(the_wires)),
          own(*this, proto::Source::audit, loop), heads(loop, clock, head_ground(descriptors), wires.spawner, head_calls()),
          cold(loop, clock, config.cold, config.cold ? lend_log(descriptors) : UniqueFd(), wires.spawner, cold_calls()),
          sinks(loop, clock, config.appliance_name, config.sinks, std::move(descriptors.log), std::move(descriptors.ground), wires.spawner,
              sink_calls()),
          retention(loop, clock, config.retention_days, config.cold ? config.cold->hot_days : 0, retention_calls())
    {
        wires.edge_in.on_message(
            [this](proto::EdgeToAudit::Message message) {
                auto& dialled = std::get<proto::SinkDialled>(message);
                if (!heads.dialled(dialled)) sinks.dialled(std::move(dialled));
            });
        wires.core_in.on_message([this](proto::CoreToRole::Message message) {
            std::visit(wire::Overloaded{
                           [this](proto::HelperUp& up) { writer_up(up); },
                           [this](proto::HelperDown&) { writer_down(); },
                           [this](proto::StopRole&) { stop(); },
                       },
                message);
        });
        wires.custody_in.on_message([this](proto::CustodyToAudit::Message message) {
            std::visit(wire::Overloaded{
                           [this](proto::SignatureMade& made) { forward(made); },
                           [this](proto::CustodyKeys& keys) {
                               checkpoint_public = keys.checkpoint_public;
                               sinks.custody_up();
                               heads.custody_up();
                               cold.custody_up();
                           },
                       },
                message);
        });
    }

    SinkDesk::Calls sink_calls()
    {
        return {[this](proto::SinkDialWanted wanted) { wires.edge.send(wanted); },
            [this](std::uint32_t sink, UniqueFd end) {
                wires.custody.send(proto::SinkChannel{sink, config.sinks[sink].name, std::move(end)});
            },
            [this](proto::Event event) { own.note(std::move(event)); },
            [this](proto::SinkStates states) { wires.control.send(proto::SinksTold{std::move(states)}); }};
    }

    static UniqueFd lend_log(SinkDescriptors const& descriptors)
    {
        auto copy = duplicate(descriptors.log.get());
        if (!copy) log::failure("the audit directory cannot be lent", copy.error());
        return copy ? *std::move(copy) : UniqueFd();
    }

    HeadDesk::Ground head_ground(SinkDescriptors& descriptors)
    {
        return {config.witnesses, std::move(descriptors.witness_roots), config.witnesses.empty() ? UniqueFd() : lend_log(descriptors),
            static_cast<std::uint32_t>(config.sinks.size())};
    }

    ColdDesk::Calls cold_calls()
    {
        return {[this](UniqueFd end) { wires.edge.send(proto::ColdLaneWanted{std::move(end)}); },
            [this](UniqueFd end) { wires.custody.send(proto::ColdCredentialWanted{std::move(end)}); },
            [this](proto::Event event) { own.note(std::move(event)); },
            [this](proto::ColdPosition position) {
                if (link) link->send(proto::KeepCold{position});
            },
            [this](proto::ColdState state) { wires.control.send(std::move(state)); }};
    }

    HeadDesk::Calls head_calls()
    {
        return {[this](proto::SinkDialWanted wanted) { wires.edge.send(wanted); },
            [this](std::uint32_t place, UniqueFd end) {
                wires.custody.send(proto::SinkChannel{place, config.witnesses[place - config.sinks.size()].name, std::move(end)});
            },
            [this](proto::Event event) { own.note(std::move(event)); },
            [this](proto::KeepHead head) {
                if (link) link->send(head);
            },
            [this](proto::WitnessStates states) { wires.control.send(proto::WitnessesTold{std::move(states)}); }};
    }

    RetentionDesk::Calls retention_calls()
    {
        return {[this](proto::RetentionLook look) { link->send(look); }, [this](proto::RetentionGo go) { link->send(go); },
            [this](proto::RetentionSigned answer) { link->send(answer); }, [this](std::string note) { sign_retention(std::move(note)); },
            [this](proto::Event event, Done done) { own.record(std::move(event), std::move(done)); },
            [this](proto::RetentionState state) { wires.control.send(state); }, config.clock_is_checked, [this] { return sinks.copied(); },
            [this] { return cold.confirmed(); }};
    }

    void writer_up(proto::HelperUp& up)
    {
        if (up.kind != helper::Kind::audit_writer) return;
        auto const opened = wire::decode<proto::LogOpened>(up.report);
        if (!opened) return wires.spawner.report_violation(helper::Kind::audit_writer);
        log_size = opened->size;
        if (opened->repaired_bytes != 0)
            log::warning("audit log had a torn tail, now cut:", std::to_string(opened->repaired_bytes) + " bytes");
        link = std::make_unique<wire::Link>(
            loop, std::move(up.link), wire::Link::Options{proto::kWriterToAudit, kLinkQueueBytesMax},
            [this](wire::Link::Frame frame) { take(frame); }, [this](wire::Lost why) { lost(why); });
        open.store(true, std::memory_order_release);
        heads.opened(opened->kept.items());
        sinks.begins_at(opened->first_segment);
        cold.opened(opened->cold, opened->first_segment, opened->first_record);
        grew();
        retention.writer_up(opened->first_record);
    }

    void grew()
    {
        heads.grew(log_size);
        sinks.grew(log_size);
        cold.grew(log_size);
    }

    // The fate of what was in flight is unknown: it may be on disk or not. Whoever waits must not act on it.
    void writer_down()
    {
        open.store(false, std::memory_order_release);
        retention.writer_down();
        link.reset();
        fail_all();
        if (stopping) finish_stop();
    }

    void lost(wire::Lost why)
    {
        open.store(false, std::memory_order_release);
        retention.writer_down();
        if (why != wire::Lost::closed) wires.spawner.report_violation(helper::Kind::audit_writer);
        fail_all();
    }

    void fail_all()
    {
        while (!in_flight.empty()) {
            answer(std::move(in_flight.front()), fail(Fault::unavailable, "audit writer is down"));
            in_flight.pop_front();
        }
        for (auto& queue : queues) {
            for (auto& item : queue) answer(std::move(item), fail(Fault::unavailable, "audit writer is down"));
            queue.clear();
        }
    }

    void enqueue(Waiting item)
    {
        if (!open.load(std::memory_order_relaxed)) return answer(std::move(item), fail(Fault::unavailable, "audit cannot write"));
        queues[static_cast<std::size_t>(item.pen->source)].push_back(std::move(item));
        pump();
    }

    // One event of each source in turn, so that a flood delays the flooder.
    void pump()
    {
        std::size_t idle = 0;
        while (in_flight.size() < kInFlightMax && idle < kSources) {
            auto& queue = queues[turn];
            turn = (turn + 1) % kSources;
            if (queue.empty()) {
                ++idle;
                continue;
            }
            idle = 0;
            auto& item = queue.front();
            ++last_request.value;
            link->send(proto::Append{last_request, item.pen->source, item.time.time_since_epoch().count(), std::move(item.event)});
            in_flight.push_back(std::move(item));
            queue.pop_front();
        }
    }

    void answer(Waiting item, Result<EventNumber> result)
    {
        item.pen->waiting.fetch_sub(1);
        // AU-5: nothing is dropped in silence. The source was told each time; the operator is told how often.
        if (auto const count = item.pen->shaped.exchange(0); count != 0)
            log::warning("events refused because their source's queue was full:",
                std::string(proto::name_of(item.pen->source)) + " " + std::to_string(count));
        item.pen->asker.post([done = std::move(item.done), result] { done(result); });
    }

    void take(wire::Link::Frame const& frame)
    {
        switch (static_cast<proto::Type>(frame.type)) {
        case proto::Type::appended:
            if (auto const message = wire::decode<proto::Appended>(frame.body)) return acknowledge(*message);
            break;
        case proto::Type::append_failed:
            if (auto const message = wire::decode<proto::AppendFailed>(frame.body)) return log_failed(*message);
            break;
        case proto::Type::checkpoint_wanted:
            if (auto message = wire::decode<proto::CheckpointWanted>(frame.body)) return ask_custody(std::move(*message));
            break;
        default:
            if (hear_retention(frame)) return;
            break;
        }
        link->violation();
    }

    bool hear_retention(wire::Link::Frame const& frame)
    {
        switch (static_cast<proto::Type>(frame.type)) {
        case proto::Type::retention_found:
            if (auto const message = wire::decode<proto::RetentionFound>(frame.body)) return retention.found(*message, log_size);
            break;
        case proto::Type::retention_wanted:
            if (auto message = wire::decode<proto::RetentionWanted>(frame.body)) return retention.wanted(std::move(*message));
            break;
        case proto::Type::retention_done:
            if (auto const message = wire::decode<proto::RetentionDone>(frame.body)) return removed(*message);
            break;
        default: break;
        }
        return false;
    }

    bool removed(proto::RetentionDone const& done)
    {
        if (!retention.done(done, log_size)) return false;
        sinks.begins_at(done.first_segment);
        cold.begins_at(done.first_segment, done.first_record);
        return true;
    }

    void sign_retention(std::string note)
    {
        retention_request = RequestId{++last_custody_request};
        wires.custody.send(proto::SignatureWanted{retention_request, std::move(note), proto::NoteKind::retention});
    }

    void acknowledge(proto::Appended const& message)
    {
        // T-14: a writer that acknowledges what it was not given is broken or compromised.
        auto const expected = last_request.value - in_flight.size() + message.count;
        if (message.count == 0 || message.count > in_flight.size() || message.last.value != expected) return link->violation();
        for (std::uint32_t i = 0; i < message.count; ++i) {
            counted(in_flight.front());
            answer(std::move(in_flight.front()), EventNumber{message.first_index + i + 1});
            in_flight.pop_front();
        }
        log_size = message.first_index + message.count;
        pump();
        grew();
    }

    void counted(Waiting const& item)
    {
        count(tally, item.event, std::chrono::duration_cast<std::chrono::microseconds>(clock.now() - item.asked));
        if (std::exchange(tally_untold, true)) return;
        tally_watch = loop.after(kTallyEvery, [this] {
            tally_untold = false;
            wires.control.send(tally);
        });
    }

    void log_failed(proto::AppendFailed const& message)
    {
        log::error(
            "audit log cannot be written; events are refused until the writer is back", message.os_errno == ENOSPC ? "(disk full)" : "");
        open.store(false, std::memory_order_release);
        retention.writer_down();
        fail_all();
    }

    void ask_custody(proto::CheckpointWanted message)
    {
        wanted_request = message.request;
        wanted_size = message.size;
        wanted_body = message.note.str();
        custody_request = RequestId{++last_custody_request};
        wires.custody.send(proto::SignatureWanted{custody_request, std::move(message.note)});
    }

    void forward(proto::SignatureMade const& made)
    {
        if (!link) return;
        if (made.request == retention_request)
            return retention.signed_now(made.good && checkpoint_public.has_value(), made.signature, checkpoint_public.value_or(crypto::PublicKey{}));
        if (made.request != custody_request) return;
        proto::CheckpointSignature answer_frame{wanted_request, made.good && checkpoint_public.has_value(), made.signature, {}};
        if (checkpoint_public) answer_frame.public_key = *checkpoint_public;
        link->send(answer_frame);
        if (answer_frame.good) is_signed(made.signature);
        if (stopping && all_signed()) stop_watch = loop.after(kStopSettle, [this] { finish_stop(); });
    }

    void is_signed(crypto::Signature const& signature)
    {
        signed_size = wanted_size;
        if (config.witnesses.empty() && !config.cold) return;
        auto const key = make_key(config.appliance_name, *checkpoint_public);
        SignedHead const head{wanted_size, wanted_body, wanted_body + "\n" + signature_line(key, signature)};
        heads.head(head);
        cold.head(head);
    }

    bool all_signed() const { return in_flight.empty() && signed_size == log_size; }

    // Everything so far gets its checkpoint if custody answers in time; the records are on disk either way.
    void stop()
    {
        stopping = true;
        if (!link) return finish_stop();
        stop_watch = loop.after(all_signed() ? kStopSettle : kStopWait, [this] { finish_stop(); });
    }

    void finish_stop()
    {
        stop_watch.reset();
        sinks.stop();
        heads.stop();
        cold.stop();
        open.store(false, std::memory_order_release);
        fail_all();
        link.reset();
        if (auto const stopped = std::exchange(wires.stopped, nullptr)) stopped();
    }

    wire::Loop& loop;
    Clock const& clock;
    Config config;
    Wires wires;
    std::vector<std::unique_ptr<Pen>> pens;
    std::atomic<bool> open{false};

    std::unique_ptr<wire::Link> link;
    std::array<std::deque<Waiting>, kSources> queues;
    std::size_t turn = 0;
    std::deque<Waiting> in_flight;
    RequestId last_request;

    std::optional<std::array<std::uint8_t, 32>> checkpoint_public;
    std::uint64_t last_custody_request = 0;
    RequestId custody_request;    // of the last checkpoint
    RequestId retention_request;  // of the last retention checkpoint
    RequestId wanted_request;
    std::uint64_t wanted_size = 0;
    std::string wanted_body;
    std::uint64_t signed_size = 0;
    std::uint64_t log_size = 0;
    bool stopping = false;
    wire::Watch stop_watch;
    proto::Tally tally;
    bool tally_untold = false;
    wire::Watch tally_watch;
    Pen own;  // for what becomes of the sinks and of heads
    HeadDesk heads;
    ColdDesk cold;
    SinkDesk sinks;
    RetentionDesk retention;
};

Audit::Audit(wire::Loop& loop, Clock const& clock, Config config, SinkDescriptors descriptors, Wires wires)
    : state_(std::make_unique<State>(loop, clock, std::move(config), std::move(descriptors), std::move(wires)))
{}

Audit::~Audit() = default;

Recorder& Audit::recorder_for(proto::Source source, wire::Loop& asker)
{
    state_->pens.push_back(std::make_unique<State::Pen>(*state_, source, asker));
    return *state_->pens.back();
}

}  // namespace ocu::audit
