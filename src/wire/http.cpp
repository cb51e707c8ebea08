// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <unordered_map>

#include "base/log.h"
#include "wire/http_connection.h"
#include "wire/json.h"

namespace ocu::wire {

namespace {

constexpr int kAcceptBurst = 64;                          // then let the others have the loop
constexpr std::size_t kRefusedAtOnceMax = 64;             // told 503; beyond that just closed
constexpr std::chrono::milliseconds kAcceptPause{50};     // out of descriptors: wait for some to come back

HttpResponse refuse_plainly(HttpRefusal refusal)
{
    Json body = Json::object();
    body.set("error", refusal.code);
    return {refusal.status, {{"Content-Type", "application/json"}}, body.print()};
}

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
    State(Loop& on, Options with, HttpHandler to) : loop(on), options(std::move(with)), handler(std::move(to)) {}

    void begin();
    void listen();
    void accept();
    void add(UniqueFd fd, ConnectionId id);
    void add_refused(UniqueFd fd, ConnectionId id);
    bool make_room();
    void close_all();

    Loop& loop;
    Options options;
    HttpHandler handler;
    UniqueFd listener;
    Watch listener_watch;
    Watch pause;
    std::shared_ptr<TlsServer> tls;  // shared with its connections
    bool tls_failed = false;
    std::shared_ptr<Connection::Host> host;  // shared with the connections
    std::unordered_map<ConnectionId, std::shared_ptr<Connection>> connections;  // shared with their pending operations
    std::unordered_map<ConnectionId, std::shared_ptr<Connection>> refused;
    std::uint64_t last_id = 0;
};

void HttpServer::State::begin()
{
    if (options.tls) {
        auto made = TlsServer::make(*options.tls);
        options.tls.reset();  // the key lives in the library from here on
        if (made) {
            tls = *std::move(made);
        } else {
            log::failure("TLS does not start; every connection is refused", made.error());
            tls_failed = true;
        }
    }
    host = std::make_shared<Connection::Host>();
    host->limits = options.limits;
    host->refuse = options.refuse ? options.refuse : refuse_plainly;
    host->choose = options.choose;
    auto const weak = weak_from_this();
    host->handle = [weak](HttpRequest request, std::shared_ptr<HttpReply> reply) {
        if (auto const self = weak.lock(); self && self->handler) self->handler(std::move(request), std::move(reply));
    };
    host->closed = [weak](ConnectionId id) {
        auto const self = weak.lock();
        if (!self) return;
        self->connections.erase(id);
        self->refused.erase(id);
    };
    listen();
}

void HttpServer::State::listen()
{
    if (!listener) return;
    listener_watch = loop.on_readable(listener.get(), [weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->accept();
    });
}

void HttpServer::State::accept()
{
    for (int i = 0; i < kAcceptBurst; ++i) {
        UniqueFd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd) {
            add(std::move(fd), ConnectionId{++last_id});
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            listener_watch.reset();
            pause = loop.after(kAcceptPause, [weak = weak_from_this()] {
                if (auto const self = weak.lock()) self->listen();
            });
        }
        return;
    }
}

void HttpServer::State::add(UniqueFd fd, ConnectionId id)
{
    if (tls_failed || connections.contains(id)) return;
    if (connections.size() >= options.limits.connections_max && !make_room()) return add_refused(std::move(fd), id);
    int const on = 1;
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // not a TCP socket: no matter
    auto transport = tls ? tls->wrap(loop, std::move(fd)) : plain_transport(loop, std::move(fd));
    auto connection = std::make_shared<Connection>(loop, host, std::move(transport), id);
    connections.emplace(id, connection);
    connection->start();
}

// T-02: at the ceiling the oldest connection that carries nothing gives its place up. Otherwise a stranger without a key could keep
// everybody out by holding idle connections; so, whoever comes and speaks at once is heard.
bool HttpServer::State::make_room()
{
    auto oldest = connections.end();
    for (auto at = connections.begin(); at != connections.end(); ++at)
        if (at->second->carries_nothing() && (oldest == connections.end() || at->first < oldest->first)) oldest = at;
    if (oldest == connections.end()) return false;
    auto const gone = oldest->second;
    connections.erase(oldest);
    gone->shut();
    return true;
}

void HttpServer::State::add_refused(UniqueFd fd, ConnectionId id)
{
    if (tls || refused.size() >= kRefusedAtOnceMax) return;  // under TLS a word would cost a handshake
    auto connection = std::make_shared<Connection>(loop, host, plain_transport(loop, std::move(fd)), id);
    refused.emplace(id, connection);
    connection->start_refused({503, kTooManyConnections});
}

void HttpServer::State::close_all()
{
    auto const gone = std::exchange(connections, {});
    auto const gone_refused = std::exchange(refused, {});
    for (auto const& [id, connection] : gone) connection->shut();
    for (auto const& [id, connection] : gone_refused) connection->shut();
}

HttpServer::HttpServer(Loop& loop, UniqueFd listener, Options options, HttpHandler handler)
    : state_(std::make_shared<State>(loop, std::move(options), std::move(handler)))
{
    state_->listener = std::move(listener);
    state_->begin();
}

HttpServer::HttpServer(Loop& loop, Options options, HttpHandler handler)
    : state_(std::make_shared<State>(loop, std::move(options), std::move(handler)))
{
    state_->begin();
}

HttpServer::~HttpServer()
{
    state_->listener_watch.reset();
    state_->pause.reset();
    state_->close_all();
}

void HttpServer::adopt(UniqueFd connection, ConnectionId id) { state_->add(std::move(connection), id); }
std::size_t HttpServer::connections() const { return state_->connections.size(); }
void HttpServer::close_all() { state_->close_all(); }

}  // namespace ocu::wire
