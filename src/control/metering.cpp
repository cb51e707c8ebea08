// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/metering.h"

#include <algorithm>
#include <format>

#include "base/log.h"
#include "control/session_name.h"

namespace ocu::control {

Metering::Metering(wire::Loop& loop, Clock const& clock, proto::Recorder& recorder, std::function<void()> emptied, Waits waits)
    : loop_(loop), clock_(clock), recorder_(recorder), emptied_(std::move(emptied)), waits_(waits)
{}

void Metering::begin(Session const& session)
{
    auto& metered = meters_[session.id];
    metered.caller = session.caller_name;
    metered.chat = session.chat;
    metered.trace = session.trace;
    metered.since = clock_.now();
}

// What was used before is nobody's; nothing of it is charged to the caller but what was not counted yet (a sample at most).
void Metering::belongs_to(Session const& session)
{
    Metered* const metered = find(session.id);
    if (metered == nullptr || metered->ended) return;
    record(session.id, *metered, "pool");
    metered->caller = session.caller_name;
    metered->chat = session.chat;
    metered->trace = session.trace;
}

Metering::Metered* Metering::find(SessionId id)
{
    auto const found = meters_.find(id);
    return found == meters_.end() ? nullptr : &found->second;
}

void Metering::count(SessionId id, Used what)
{
    if (Metered* const metered = find(id)) ++metered->total[static_cast<std::size_t>(what)];
}

void Metering::raise(Metered& metered, Used what, std::uint64_t total)
{
    auto& known = metered.total[static_cast<std::size_t>(what)];
    known = std::max(known, total);
}

void Metering::told(proto::SessionUsed const& used)
{
    Metered* const metered = find(used.session);
    if (metered == nullptr) return;
    raise(*metered, Used::cpu_us, used.cpu_us);
    raise(*metered, Used::memory_kib_s, used.memory_kib_s);
    metered->cpu_known = used.cpu_known;
    metered->memory_known = used.memory_known;
    heard(used.session, *metered, Teller::sandbox, used.telling);
}

void Metering::told(proto::SessionMounted const& mounted)
{
    Metered* const metered = find(mounted.session);
    if (metered == nullptr) return;
    raise(*metered, Used::mount_read, mounted.read);
    raise(*metered, Used::mount_written, mounted.written);
    heard(mounted.session, *metered, Teller::storage, mounted.telling);
}

void Metering::told(proto::SessionTraffic const& traffic)
{
    Metered* const metered = find(traffic.session);
    if (metered == nullptr) return;
    raise(*metered, Used::egress_up, traffic.up);
    raise(*metered, Used::egress_down, traffic.down);
    heard(traffic.session, *metered, Teller::edge, traffic.telling);
}

// The sandbox role speaks of each session that runs every few seconds: its words are what an hour is noticed by.
void Metering::heard(SessionId id, Metered& metered, Teller teller, proto::Telling telling)
{
    if (telling == proto::Telling::last) metered.last_word[static_cast<std::size_t>(teller)] = true;
    if (metered.ended) {
        if (std::ranges::all_of(metered.last_word, std::identity{})) finish(id);
        return;
    }
    if (clock_.now() - metered.since >= kMeterEvery) record(id, metered, "hour");
}

void Metering::ended(SessionId id)
{
    Metered* const metered = find(id);
    if (metered == nullptr || std::exchange(metered->ended, true)) return;
    if (std::ranges::all_of(metered->last_word, std::identity{})) return finish(id);
    metered->last_wait = loop_.after(waits_.last_word, [this, id] { finish(id); });
}

void Metering::finish(SessionId id)
{
    record(id, *find(id), "end");
    meters_.erase(id);
    if (meters_.empty()) emptied_();
}

std::string Metering::unread_of(Metered const& metered)
{
    auto const said = [&metered](Teller teller) { return metered.last_word[static_cast<std::size_t>(teller)]; };
    std::string out;
    auto const add = [&out](std::string_view word) { out.append(out.empty() ? "" : ",").append(word); };
    if (!metered.cpu_known || (metered.ended && !said(Teller::sandbox))) add("cpu");
    if (!metered.memory_known || (metered.ended && !said(Teller::sandbox))) add("memory");
    if (metered.ended && !said(Teller::storage)) add("mount");
    if (metered.ended && !said(Teller::edge)) add("egress");
    return out.empty() ? "-" : out;
}

void Metering::record(SessionId id, Metered& metered, std::string_view part)
{
    proto::Usage more{};
    for (std::size_t i = 0; i < more.size(); ++i) more[i] = metered.total[i] - std::exchange(metered.on_record[i], metered.total[i]);
    auto detail = std::format("part={}", part);
    for (std::size_t i = 0; i < more.size(); ++i) detail += std::format(" {}={}", proto::kUsageWords[i], more[i]);
    detail += std::format(" unread={} chat={}", unread_of(metered), metered.chat);
    proto::Event event;
    event.what = proto::What::session_metered;
    event.session = id;
    event.trace = wire::Text<64>::cut(metered.trace);
    event.actor = wire::Text<128>::cut(metered.caller);
    event.resource = session_name(id);
    event.detail = wire::Text<1024>::cut(detail);
    event.number = ++metered.records;
    event.bytes = more[static_cast<std::size_t>(Used::egress_up)] + more[static_cast<std::size_t>(Used::egress_down)];
    event.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - metered.since).count();
    metered.since = clock_.now();
    write(std::move(event));
}

void Metering::write(proto::Event event)
{
    recorder_.record(event, [this, event](Result<EventNumber> written) {
        if (!written) keep(event);
    });
}

void Metering::keep(proto::Event event)
{
    if (unwritten_.size() >= kMeterUnwrittenMax) return log::error("what a session used could not be put on record, and is lost");
    unwritten_.push_back(std::move(event));
    if (write_again_) return;
    write_again_ = loop_.after(waits_.write_again, [this] {
        write_again_.reset();
        for (auto& each : std::exchange(unwritten_, {})) write(std::move(each));
    });
}

}  // namespace ocu::control
