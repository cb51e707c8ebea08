// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/icap_adapter.h"

#include "wire/http_relay_body.h"

namespace ocu::wire {

void IcapConnection::move_bytes()
{
    auto const after = [weak = weak_from_this()] {
        auto const self = weak.lock();
        if (self && self->moved) std::function(self->moved)();
    };
    auto const keep = shared_from_this();
    side.write(keep, after);
    if (side.in().size() < kRelayHeadBytesMax) side.read(keep, after);
}

void IcapConnection::end()
{
    moved = nullptr;
    side.close();
}

class IcapAdapter::Machine : public std::enable_shared_from_this<IcapAdapter::Machine> {
public:
    Machine(Loop& on, std::shared_ptr<IcapConnection> to, IcapQuestion about, Asked how, IcapLimits within, Calls tell)
        : loop(on), connection(std::move(to)), question(std::move(about)), asked(how), limits(within), calls(std::move(tell))
    {}

    enum class Sends : std::uint8_t { preview, waits, rest, nothing };
    enum class Reads : std::uint8_t { head, inner_head, body, as_it_is, over, broken };

    void begin();
    void soon();
    void turn();
    void feed(std::string_view piece, bool last);
    void send_preview();
    bool step();
    bool read_head();
    bool read_inner_head();
    bool decide_request(std::string_view head);
    bool decide_response(std::string_view head);
    bool promise(BodyFraming& framing, bool bodiless);
    bool read_body();
    bool go_on_as_it_is();
    bool end_of_body();
    bool break_off();
    void let_go();
    void drop_connection();
    void decide(IcapVerdict verdict);
    void tell_moved() const
    {
        if (moved) moved();
    }
    bool server_owes() const { return connection && (connection->side.waiting() != 0 || sends == Sends::waits || all_sent); }
    void watch_quiet();

    Loop& loop;
    std::shared_ptr<IcapConnection> connection;  // shared with its pending operations, and with whoever uses it next
    IcapQuestion question;
    Asked asked;
    IcapLimits limits;
    Calls calls;
    std::function<void()> moved;

    Sends sends = Sends::preview;
    Reads reads = Reads::head;
    std::string preview;
    std::size_t shown_bytes = 0;  // of the preview, with the head
    std::string out;           // may be taken
    bool fed_last = false;
    bool preview_whole = false;  // the server has seen the end of the body
    bool all_sent = false;
    bool decided = false;
    IcapAnswer answer;
    BodyReader body;
    bool counts = false;       // the inner head says how long the body is
    std::uint64_t promised = 0;
    bool turn_posted = false;
    std::uint64_t progress_seen = 0;
    Watch gather_watch;
    Watch quiet_watch;
};

void IcapAdapter::Machine::begin()
{
    connection->moved = [weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->turn();
    };
    if (!question.has_body) fed_last = true;
    gather_watch = loop.after(limits.gather, [weak = weak_from_this()] {
        auto const self = weak.lock();
        if (!self) return;
        self->send_preview();
        self->turn();
    });
    watch_quiet();
    soon();
}

void IcapAdapter::Machine::soon()
{
    if (std::exchange(turn_posted, true)) return;
    loop.post([weak = weak_from_this()] {
        auto const self = weak.lock();
        if (!self) return;
        self->turn_posted = false;
        self->turn();
    });
}

void IcapAdapter::Machine::turn()
{
    auto const keep = shared_from_this();
    if (sends == Sends::preview && (fed_last || preview.size() >= limits.preview_bytes)) send_preview();
    while (step()) {
    }
    if (connection) connection->move_bytes();
    tell_moved();
}

void IcapAdapter::Machine::feed(std::string_view piece, bool last)
{
    fed_last = fed_last || last;
    if (reads == Reads::as_it_is) {
        out += piece;
    } else if (sends == Sends::preview || sends == Sends::waits) {
        preview += piece;
    } else if (sends == Sends::rest && connection) {
        std::string framed;
        put_body(framed, Framing::chunked, piece);
        connection->side.put(framed);
    }
    soon();
}

// The head is printed only now: it says how much of the body comes with it.
void IcapAdapter::Machine::send_preview()
{
    gather_watch.reset();
    if (sends != Sends::preview || !connection) return;
    sends = Sends::waits;
    auto& side = connection->side;
    auto const shown = std::string_view(preview).substr(0, limits.preview_bytes);
    side.put(print_icap_head(question, shown.size()));
    preview_whole = fed_last && shown.size() == preview.size();
    all_sent = preview_whole;
    if (!question.has_body) return;
    std::string framed;
    put_body(framed, Framing::chunked, shown);
    framed += preview_whole ? "0; ieof\r\n\r\n" : "0\r\n\r\n";
    side.put(framed);
    shown_bytes = shown.size();
}

bool IcapAdapter::Machine::step()
{
    if (sends == Sends::rest && fed_last && !all_sent && connection) {
        std::string end;
        put_body_end(end, Framing::chunked);
        connection->side.put(end);
        all_sent = true;
        return true;
    }
    switch (reads) {
    case Reads::head: return read_head();
    case Reads::inner_head: return read_inner_head();
    case Reads::body: return read_body();
    default: return false;
    }
}

bool IcapAdapter::Machine::read_head()
{
    auto& side = connection->side;
    auto const end = find_head_end(side.in());
    if (!end || (*end == 0 && side.ended())) return break_off();
    if (*end == 0) return false;
    // Nothing may be said before anything was asked.
    if (sends == Sends::preview) return break_off();
    auto const read = read_icap_head(side.in().substr(0, *end), question.method);
    if (!read) return break_off();
    side.take(*end);
    answer = *read;
    if (answer.status == 100) {
        if (sends != Sends::waits || preview_whole || !question.has_body) return break_off();
        sends = Sends::rest;
        std::string framed;
        put_body(framed, Framing::chunked, std::string_view(preview).substr(shown_bytes));
        side.put(framed);
        preview = {};
        return true;
    }
    if (answer.status == 204) return sends == Sends::waits ? go_on_as_it_is() : break_off();
    if (answer.status != 200) return break_off();
    if (sends == Sends::waits) {
        // It has seen enough, and what it did not see is not wanted any more.
        sends = Sends::nothing;
        all_sent = true;
        preview = {};
    }
    reads = Reads::inner_head;
    return true;
}

bool IcapAdapter::Machine::go_on_as_it_is()
{
    reads = Reads::as_it_is;
    sends = Sends::nothing;
    out = std::move(preview);
    preview = {};
    let_go();
    decide({IcapVerdict::Kind::as_it_is, answer.found, {}, {}});
    return true;
}

bool IcapAdapter::Machine::read_inner_head()
{
    auto& side = connection->side;
    if (side.in().size() < answer.head_bytes) return side.ended() ? break_off() : false;
    auto const head = side.in().substr(0, answer.head_bytes);
    // Where the offset says that it ends, and there alone.
    if (auto const end = find_head_end(head); !end || *end != head.size()) return break_off();
    return answer.carries == IcapAnswer::Carries::request ? decide_request(head) : decide_response(head);
}

// What the inner head says of the body, and whether there is one, must agree; a length that it says will be held to it.
bool IcapAdapter::Machine::promise(BodyFraming& framing, bool bodiless)
{
    if (bodiless && answer.has_body) return false;
    counts = framing.kind == Framing::length;
    promised = framing.length;
    if (!answer.has_body) {
        bool const has_none = framing.kind != Framing::length || framing.length == 0 || bodiless;
        if (bodiless) framing = {};
        if (framing.kind != Framing::length && !bodiless)
            framing = answer.carries == IcapAnswer::Carries::request ? BodyFraming{} : BodyFraming{Framing::length, 0};
        body = {};
        return has_none;
    }
    if (!counts) framing = {Framing::chunked, 0};
    body = BodyReader({Framing::chunked, 0}, BodyReader::Extensions::dropped);
    return true;
}

bool IcapAdapter::Machine::decide_request(std::string_view head)
{
    auto request = read_request_head(head, question.scheme);
    if (!request || !promise(request->body, false)) return break_off();
    connection->side.take(head.size());
    reads = Reads::body;
    decide({IcapVerdict::Kind::request, answer.found, *std::move(request), {}});
    return true;
}

bool IcapAdapter::Machine::decide_response(std::string_view head)
{
    auto response = read_response_head(head, asked);
    if (!response || response->status / 100 == 1 || response->websocket) return break_off();
    bool const bodiless = asked.head || response->status == 204 || response->status == 304;
    if (question.method == IcapMethod::respmod && !promise(response->body, bodiless)) return break_off();
    connection->side.take(head.size());
    reads = Reads::body;
    bool const refused = question.method == IcapMethod::reqmod;
    decide({IcapVerdict::Kind::response, answer.found, {}, *std::move(response)});
    if (refused) {
        // Its page is not passed on, so its connection is of no more use.
        reads = Reads::over;
        drop_connection();
        return false;
    }
    return true;
}

bool IcapAdapter::Machine::read_body()
{
    if (!answer.has_body) return end_of_body();
    auto& side = connection->side;
    auto const before = side.in().size();
    auto const had = out.size();
    if (out.size() < limits.buffer_bytes_max) side.take(body.feed(side.in(), limits.buffer_bytes_max - out.size(), out));
    auto const grown = out.size() - had;
    if (counts && grown > promised) {
        out.resize(had);  // not a byte beyond the promise
        return break_off();
    }
    if (counts) promised -= grown;
    if (body.broken() || (side.ended() && side.in().empty() && !body.done())) return break_off();
    if (body.done()) return end_of_body();
    return side.in().size() != before;
}

bool IcapAdapter::Machine::end_of_body()
{
    if (counts && promised != 0 && answer.has_body) return break_off();
    reads = Reads::over;
    let_go();
    return false;
}

bool IcapAdapter::Machine::break_off()
{
    reads = Reads::broken;
    sends = Sends::nothing;
    drop_connection();
    decide({});
    return false;
}

void IcapAdapter::Machine::drop_connection()
{
    quiet_watch.reset();
    gather_watch.reset();
    if (auto const gone = std::exchange(connection, nullptr)) gone->end();
}

// Back to whoever keeps connections, if both sides have said all that they had to and it may be used again.
void IcapAdapter::Machine::let_go()
{
    quiet_watch.reset();
    auto gone = std::exchange(connection, nullptr);
    gone->moved = nullptr;
    bool const whole = all_sent || sends == Sends::nothing;
    sends = Sends::nothing;
    if (answer.keep_alive && whole && gone->is_usable() && calls.spare) return calls.spare(std::move(gone));
    gone->end();
}

void IcapAdapter::Machine::decide(IcapVerdict verdict)
{
    if (std::exchange(decided, true)) return;
    loop.post([weak = weak_from_this(), verdict = std::move(verdict)]() mutable {
        if (auto const self = weak.lock()) std::function(self->calls.decided)(std::move(verdict));
    });
}

// Looked at once in a while: who owes all the time and has moved nothing does not answer.
void IcapAdapter::Machine::watch_quiet()
{
    bool const owed = server_owes();
    progress_seen = connection->side.progress();
    quiet_watch = loop.after(limits.quiet, [weak = weak_from_this(), owed] {
        auto const self = weak.lock();
        if (!self || !self->connection) return;
        self->quiet_watch.reset();
        bool const takes = self->out.size() < self->limits.buffer_bytes_max;  // else it is we who do not read
        if (owed && takes && self->server_owes() && self->progress_seen == self->connection->side.progress()) {
            (void)self->break_off();
            return self->tell_moved();
        }
        self->watch_quiet();
    });
}

IcapAdapter::IcapAdapter(
    Loop& loop, std::shared_ptr<IcapConnection> connection, IcapQuestion question, Asked asked, IcapLimits limits, Calls calls)
    : machine_(std::make_shared<Machine>(loop, std::move(connection), std::move(question), asked, limits, std::move(calls)))
{
    machine_->begin();
}

IcapAdapter::~IcapAdapter()
{
    machine_->moved = nullptr;
    machine_->decided = true;
    machine_->calls = {[](IcapVerdict const&) {}, nullptr};
    machine_->drop_connection();
}

std::size_t IcapAdapter::room() const
{
    auto const& m = *machine_;
    auto const left = [&](std::size_t used) { return used < m.limits.buffer_bytes_max ? m.limits.buffer_bytes_max - used : 0; };
    if (m.reads == Machine::Reads::as_it_is) return left(m.out.size());
    if (m.reads == Machine::Reads::broken) return 0;
    switch (m.sends) {
    case Machine::Sends::preview: return m.preview.size() < m.limits.preview_bytes ? m.limits.preview_bytes - m.preview.size() : 0;
    case Machine::Sends::waits: return 0;
    case Machine::Sends::rest: return m.connection ? left(m.connection->side.waiting()) : m.limits.buffer_bytes_max;
    case Machine::Sends::nothing: return m.limits.buffer_bytes_max;  // into nothing
    }
    return 0;
}

void IcapAdapter::feed(std::string_view piece, bool last) { machine_->feed(piece, last); }

std::string IcapAdapter::take(std::size_t bytes_max)
{
    auto& out = machine_->out;
    std::string piece;
    if (out.size() <= bytes_max) {
        piece.swap(out);
    } else {
        piece = out.substr(0, bytes_max);
        out.erase(0, bytes_max);
    }
    if (!piece.empty()) machine_->soon();
    return piece;
}

BodyAdapter::State IcapAdapter::state() const
{
    auto const& m = *machine_;
    if (m.reads == Machine::Reads::broken) return State::broken;
    bool const whole = m.reads == Machine::Reads::over || (m.reads == Machine::Reads::as_it_is && m.fed_last);
    return whole && m.out.empty() ? State::over : State::open;
}

void IcapAdapter::on_moved(std::function<void()> moved) { machine_->moved = std::move(moved); }

}  // namespace ocu::wire
