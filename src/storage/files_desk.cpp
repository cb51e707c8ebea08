// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_desk.h"

#include "base/log.h"
#include "storage/limits.h"

namespace ocu::storage {

using proto::FileDeed;
using proto::FilesWant;
using proto::Reason;
using proto::What;

namespace {

constexpr std::size_t kFrontQueueBytesMax = 4u << 20;

What what_of(FileDeed deed)
{
    switch (deed) {
    case FileDeed::upload: return What::file_upload;
    case FileDeed::download: return What::file_download;
    case FileDeed::preview: return What::file_preview;
    case FileDeed::archive: return What::file_archive;
    case FileDeed::list: return What::file_list;
    case FileDeed::remove: return What::file_delete;
    case FileDeed::refused: break;
    }
    return What::file_refused;
}

// Of a token or a browser's session, which are a caller's and his chat's.
proto::Event entry_event(What what, proto::FilesAsk const& ask, FilesCaller const& who, proto::Intents intents)
{
    proto::Event event;
    event.what = what;
    event.actor = wire::Text<128>::cut(who.name);
    event.trace = ask.trace;
    event.resource = "files";
    event.detail = wire::Text<1024>::cut(who.chat);
    event.number = intents;
    return event;
}

}  // namespace

FilesDesk::FilesDesk(wire::Loop& loop, Clock const& clock, FilesDeskConfig config, Wires wires)
    : loop_(loop), clock_(clock), config_(std::move(config)), wires_(std::move(wires)),
      access_(clock, std::exchange(config_.callers, {}), std::exchange(config_.embed_keys, {}), {config_.requests_per_minute_max})
{}

FilesDesk::~FilesDesk() { *alive_ = false; }

void FilesDesk::front_up(UniqueFd link)
{
    front_ = std::make_unique<wire::Link>(
        loop_, std::move(link), wire::Link::Options{proto::kFilesFrontMaySend, kFrontQueueBytesMax},
        [this](wire::Link::Frame frame) { front_said(frame); },
        [this](wire::Lost why) {
            front_down();
            if (why != wire::Lost::closed) wires_.front_violated();
        });
}

// Its ends of the channels go with it, and their brokers see it.
void FilesDesk::front_down()
{
    front_.reset();
    pending_.clear();
}

void FilesDesk::front_said(wire::Link::Frame const& frame)
{
    if (frame.type == static_cast<std::uint16_t>(proto::Type::files_ask)) {
        auto const ask = wire::decode<proto::FilesAsk>(frame.body);
        return ask ? asked(*ask) : front_->violation();
    }
    auto const told = wire::decode<proto::FilesRefusal>(frame.body);
    if (!told) return front_->violation();
    note_refusal({}, told->trace.view(), proto::reason_of(told->code.view()), told->code.view());
}

void FilesDesk::asked(proto::FilesAsk const& ask)
{
    if (stopping_) return refuse(ask.request, ask.trace.view(), {Reason::shutting_down});
    if (ask.want == FilesWant::begin_session) return begin_browser(ask);
    auto who = access_.judge(ask);
    if (!who) return refuse(ask.request, ask.trace.view(), who.error());
    switch (ask.want) {
    case FilesWant::channel: return open_channel(ask, *std::move(who));
    case FilesWant::embed_token: return make_token(ask, *who);
    case FilesWant::show_session: return show_browser(ask);
    case FilesWant::end_session: {
        access_.end(ask.secret.view());
        proto::Event event;
        event.what = What::browser_session_ended;
        event.actor = wire::Text<128>::cut(who->name);
        event.trace = ask.trace;
        event.resource = "files";
        wires_.recorder.note(std::move(event));
        return send(proto::FilesAnswer{ask.request, {}, {}, {}, {}, {}, {}});
    }
    case FilesWant::begin_session: break;
    }
}

void FilesDesk::make_token(proto::FilesAsk const& ask, FilesCaller const& who)
{
    // A browser cannot make itself another life.
    if (ask.shown != proto::FilesShown::bearer) return refuse(ask.request, ask.trace.view(), {Reason::forbidden, who.name});
    auto const made = access_.make_token(who, ask.intents);
    if (!made) return refuse(ask.request, ask.trace.view(), made.error());
    auto event = entry_event(What::embed_token_made, ask, who, ask.intents);
    if (!who.maker.empty()) {
        event.actor = wire::Text<128>::cut(who.maker);
        event.detail = wire::Text<1024>::cut(who.name + "/" + who.chat);
    }
    answer_recorded(
        std::move(event), {ask.request, {}, {}, made->token, {}, ask.intents, static_cast<std::uint32_t>(made->expires_in.count())});
}

void FilesDesk::begin_browser(proto::FilesAsk const& ask)
{
    FilesCaller who;
    auto const begun = access_.begin(ask.secret.view(), who);
    if (!begun) return refuse(ask.request, ask.trace.view(), begun.error());
    answer_recorded(entry_event(What::browser_session_begun, ask, who, who.intents),
        {ask.request, {}, {}, begun->cookie, begun->csrf, begun->intents, static_cast<std::uint32_t>(begun->expires_in.count())});
}

void FilesDesk::show_browser(proto::FilesAsk const& ask)
{
    auto const shown = access_.show(ask.secret.view());
    if (!shown) return refuse(ask.request, ask.trace.view(), shown.error());
    send(proto::FilesAnswer{ask.request, {}, {}, {}, shown->csrf, shown->intents, static_cast<std::uint32_t>(shown->expires_in.count())});
}

// Invariant 7: what lets somebody in is told once it is on record.
void FilesDesk::answer_recorded(proto::Event event, proto::FilesAnswer answer)
{
    wires_.recorder.record(
        std::move(event), [this, alive = std::weak_ptr(alive_), answer = std::move(answer)](Result<EventNumber> written) mutable {
            if (auto const held = alive.lock(); !held || !*held) return;
            if (!written) answer = {answer.request, Reason::audit_unavailable, {}, {}, {}, {}, {}};
            send(answer);
        });
}

void FilesDesk::open_channel(proto::FilesAsk const& ask, FilesCaller who)
{
    bool const full = open_of(who.caller) >= config_.transfers_per_caller_max || pending_.size() >= kFilesAsksWaitingMax;
    if (full) return refuse(ask.request, ask.trace.view(), {Reason::too_many_calls, who.name, kRetryAfterSeconds});
    RequestId const id{++last_};
    wires_.control.send(proto::FilesSessionWanted{id, who.caller, wire::Text<64>::cut(who.name),
        wire::Text<proto::kChatIdBytesMax>(who.chat), ask.trace, ask.makes ? proto::IfMissing::make : proto::IfMissing::refuse});
    pending_.emplace(id, Pending{ask.request, std::move(who), ask.intents, ask.trace.str()});
}

void FilesDesk::refused(proto::FilesSessionRefused const& refused)
{
    auto const found = pending_.find(refused.request);
    if (found == pending_.end()) return;
    auto const waited = std::move(found->second);
    pending_.erase(found);
    // No session yet is an ordinary answer to somebody who looks, not a refusal.
    if (refused.reason == Reason::unknown_session) return send(proto::FilesAnswer{waited.front, refused.reason, {}, {}, {}, {}, {}});
    refuse(waited.front, waited.trace, {refused.reason, waited.who.name});
}

void FilesDesk::granted(proto::FilesSessionGranted const& granted)
{
    auto const found = pending_.find(granted.request);
    if (found == pending_.end()) return;
    auto waited = std::move(found->second);
    pending_.erase(found);
    auto* const broker = wires_.broker_of(granted.session);
    if (broker == nullptr) return refuse(waited.front, waited.trace, {Reason::role_unavailable, waited.who.name});
    if (open_of(granted.session) >= kChannelsPerSessionMax)
        return refuse(waited.front, waited.trace, {Reason::too_many_calls, waited.who.name, kRetryAfterSeconds});
    auto pair = make_socket_pair();
    if (!pair) {
        log::failure("no channel for a file request", pair.error());
        return refuse(waited.front, waited.trace, {Reason::internal, waited.who.name});
    }
    proto::FilesChannelId const channel{++last_};
    std::vector<UniqueFd> theirs;
    theirs.push_back(std::move(pair->theirs));
    broker->send(proto::FilesChannel{channel, waited.intents, config_.upload_bytes_max}, std::move(theirs));
    channels_.emplace(channel, Channel{granted.session, std::move(waited.who), std::move(waited.trace), false});
    std::vector<UniqueFd> ours;
    ours.push_back(std::move(pair->ours));
    if (front_) front_->send(proto::FilesOpened{waited.front}, std::move(ours));
}

bool FilesDesk::broker_said(SessionId session, wire::Link::Frame const& frame)
{
    auto const with = [&](auto const& message, auto const& then) {
        if (!message) return false;
        auto const found = channels_.find(message->channel);
        if (found == channels_.end() || found->second.session != session) return false;  // another session's is none of its business (T-14)
        then(found->second);
        return true;
    };
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::files_record: {
        auto const wanted = wire::decode<proto::FilesRecord>(frame.body);
        return with(wanted, [&](Channel const& channel) { record(*wanted, channel); });
    }
    case proto::Type::files_note: {
        auto const told = wire::decode<proto::FilesNote>(frame.body);
        return with(told, [&](Channel const& channel) { note(*told, channel); });
    }
    case proto::Type::files_check: {
        auto const wanted = wire::decode<proto::FilesCheck>(frame.body);
        bool again = false;
        bool const known = with(wanted, [&](Channel& channel) { again = std::exchange(channel.checking, true); });
        if (known && !again) wires_.check(session, *wanted);
        return known && !again;
    }
    case proto::Type::files_closed: {
        auto const closed = wire::decode<proto::FilesClosed>(frame.body);
        return with(closed, [](Channel const&) {}) && channels_.erase(closed->channel) == 1;
    }
    default: return false;
    }
}

void FilesDesk::checked(SessionId session, proto::FilesChannelId channel, Reason reason, proto::ArchiveVerdict const& verdict)
{
    auto const found = channels_.find(channel);
    if (found == channels_.end() || found->second.session != session) return;  // its client has gone meanwhile
    found->second.checking = false;
    if (auto* const broker = wires_.broker_of(session)) broker->send(proto::FilesChecked{channel, reason, verdict});
}

proto::Event FilesDesk::event_of(Channel const& channel, FileDeed deed, std::string_view path) const
{
    proto::Event event;
    event.what = what_of(deed);
    event.session = channel.session;
    event.trace = wire::Text<64>::cut(channel.trace);
    event.actor = wire::Text<128>::cut(channel.who.name);
    event.resource = wire::Text<512>::cut(path);
    return event;
}

void FilesDesk::record(proto::FilesRecord const& wanted, Channel const& channel)
{
    auto event = event_of(channel, wanted.deed, wanted.path.view());
    event.bytes = wanted.bytes;
    event.detail = wire::Text<1024>::cut(wanted.detail.view());
    wires_.recorder.record(std::move(event),
        [this, alive = std::weak_ptr(alive_), session = channel.session, id = wanted.channel](Result<EventNumber> written) {
            if (auto const held = alive.lock(); !held || !*held) return;
            if (auto* const now = wires_.broker_of(session)) now->send(proto::FilesRecorded{id, written.has_value()});
        });
}

void FilesDesk::note(proto::FilesNote const& told, Channel const& channel)
{
    auto event = event_of(channel, told.deed, told.path.view());
    event.bytes = told.bytes;
    event.detail = wire::Text<1024>::cut(told.detail.view());
    if (told.deed == FileDeed::list) {
        event.number = lists_.try_emplace(channel.session, kListFoldTime).first->second.add(clock_.now());
        if (event.number == 0) return;
    }
    if (told.reason != Reason::none) {
        event.outcome = proto::Outcome::failure;
        event.reason = told.reason;
        event.number = refusals_.try_emplace(channel.who.name, kFilesFoldTime).first->second.add(clock_.now());
        if (event.number == 0) return;
    }
    wires_.recorder.note(std::move(event));
}

void FilesDesk::refuse(RequestId request, std::string_view trace, FilesRefused const& refused)
{
    note_refusal(refused.name, trace, refused.reason, proto::name_of(refused.reason));
    send(proto::FilesAnswer{request, refused.reason, refused.retry_after_s, {}, {}, {}, {}});
}

// Folded: whoever is refused again and again cannot fill the log (T-10).
void FilesDesk::note_refusal(std::string_view name, std::string_view trace, Reason reason, std::string_view code)
{
    auto const count = refusals_.try_emplace(std::string(name), kFilesFoldTime).first->second.add(clock_.now());
    if (count == 0) return;
    proto::Event event;
    event.what = name.empty() && reason == Reason::unauthorized ? What::caller_refused : What::file_refused;
    event.outcome = proto::Outcome::failure;
    event.reason = reason;
    event.trace = wire::Text<64>::cut(trace);
    event.actor = name.empty() ? wire::Text<128>("unknown") : wire::Text<128>::cut(name);
    event.resource = "files";
    event.detail = wire::Text<1024>::cut(code);
    event.number = count;
    wires_.recorder.note(std::move(event));
}

void FilesDesk::session_ended(SessionId session)
{
    std::erase_if(channels_, [session](auto const& each) { return each.second.session == session; });
    lists_.erase(session);
}

std::size_t FilesDesk::open_of(CallerId caller) const
{
    auto const same = [caller](auto const& each) { return each.second.who.caller == caller; };
    return static_cast<std::size_t>(std::ranges::count_if(channels_, same) + std::ranges::count_if(pending_, same));
}

std::size_t FilesDesk::open_of(SessionId session) const
{
    return static_cast<std::size_t>(
        std::ranges::count_if(channels_, [session](auto const& each) { return each.second.session == session; }));
}

}  // namespace ocu::storage
