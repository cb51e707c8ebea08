// SPDX-License-Identifier: GPL-3.0-or-later
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "audit/sink_remote.h"
#include "base/log.h"
#include "wire/http_relay_side.h"

namespace ocu::audit {

using proto::SinkHealth;

namespace {

constexpr std::chrono::milliseconds kLookEvery{50};

// Whether the other machine has said that it has every byte that was written.
bool has_all(int socket)
{
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
    return info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0;
}

// One connection, from its handshake to its end.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    using Ended = std::function<void(std::string word)>;
    Connection(wire::Loop& loop, std::unique_ptr<wire::TlsStream> stream, UniqueFd socket, Ended ended)
        : loop_(loop), tls_(stream.get()), socket_(std::move(socket)), side_(std::move(stream), {}), ended_(std::move(ended))
    {}

    void begin()
    {
        tls_->handshake([self = shared_from_this()](wire::Moved moved, std::size_t) {
            if (!self->ended_) return;
            if (moved == wire::Moved::end) return self->end("tls:" + std::string(wire::name_of(self->tls_->refusal())));
            self->open_ = true;
            self->turn();
        });
    }

    // One batch at a time. `had`: the other machine has it.
    void send(std::string_view bytes, std::function<void()> had)
    {
        had_ = std::move(had);
        side_.put(bytes);
        deadline_ = loop_.after(kSyslogBatchWait, [this] { end("timed_out"); });
        turn();
    }

    void end(std::string word)
    {
        look_.reset();
        deadline_.reset();
        side_.abort();
        socket_.reset();
        if (auto const tell = std::exchange(ended_, nullptr)) tell(std::move(word));
    }

private:
    void turn()
    {
        if (!ended_ || !open_) return;
        auto const keep = shared_from_this();
        auto const after = [this] { turn(); };  // the side holds what is given to it with `keep`
        side_.write(keep, after);
        if (!side_.in().empty()) return end("grammar");  // a receiver has nothing to say
        if (side_.ended() || side_.deaf()) return end("closed");
        side_.read(keep, after);
        if (had_ && side_.waiting() == 0 && !side_.writing()) look();
    }

    void look()
    {
        if (!had_ || !ended_) return;
        if (!has_all(socket_.get())) {
            look_ = loop_.after(kLookEvery, [this] { look(); });
            return;
        }
        deadline_.reset();
        auto const told = std::exchange(had_, nullptr);
        told();
    }

    wire::Loop& loop_;
    wire::TlsStream* tls_;  // of the side
    UniqueFd socket_;       // the same as the stream's, to look at
    wire::RelaySide side_;
    Ended ended_;
    std::function<void()> had_;
    wire::Watch look_;
    wire::Watch deadline_;
    bool open_ = false;
};

class SyslogCarrier final : public SinkCarrier {
public:
    SyslogCarrier(wire::Loop& loop, SinkPeer peer) : loop_(loop), peer_(peer) {}
    ~SyslogCarrier() override
    {
        lost_ = nullptr;
        done_ = nullptr;
        if (connection_) connection_->end("closed");
    }

    bool wants_socket() const override { return !connection_; }
    void when_lost(std::function<void()> lost) override { lost_ = std::move(lost); }
    void carry(SinkBatch const& batch, UniqueFd socket, Done done) override
    {
        done_ = std::move(done);
        if (!connection_ && !connect(std::move(socket))) return answer({SinkHealth::failing, "tls:unavailable"});
        connection_->send(batch.bytes, [this] { answer({SinkHealth::delivering, {}, 0, kSyslogSettle}); });
    }

private:
    bool connect(UniqueFd socket)
    {
        auto look = duplicate(socket.get());
        auto stream = peer_.connect(loop_, std::move(socket));
        if (!look || !stream) {
            log::failure("a sink cannot be spoken with", look ? stream.error() : look.error());
            return false;
        }
        connection_ =
            std::make_shared<Connection>(loop_, *std::move(stream), *std::move(look), [this](std::string word) { ended(std::move(word)); });
        connection_->begin();
        return true;
    }

    void ended(std::string word)
    {
        // Later: the connection that says so is in the middle of its own call.
        loop_.post([gone = std::move(connection_)] {});
        connection_.reset();
        if (lost_) lost_();
        answer({SinkHealth::failing, std::move(word)});
    }

    void answer(SinkOutcome outcome)
    {
        if (auto done = std::exchange(done_, nullptr))
            loop_.post([done = std::move(done), outcome = std::move(outcome)] { done(outcome); });
    }

    wire::Loop& loop_;
    SinkPeer peer_;
    std::shared_ptr<Connection> connection_;
    std::function<void()> lost_;
    Done done_;
};

}  // namespace

std::unique_ptr<SinkCarrier> syslog_carrier(wire::Loop& loop, SinkPeer peer) { return std::make_unique<SyslogCarrier>(loop, peer); }

}  // namespace ocu::audit
