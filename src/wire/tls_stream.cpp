// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/tls_stream.h"

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.h"
#include "wire/tls_rules.h"

namespace ocu::wire {

namespace {

constexpr std::size_t kRecordBytesMax = 16u << 10;
constexpr std::size_t kReadChunkBytes = 17u << 10;
// Encrypted bytes that wait for the peer to read them. Only one record of ours is among them; the rest is what the peer's own messages call
// for (alerts, key updates), and a peer that asks without reading is cut off.
constexpr std::size_t kUnsentBytesMax = 256u << 10;

// The stream's state, shared between the stream and the operations pending on the transport below.
class Engine : public std::enable_shared_from_this<Engine> {
public:
    Engine(Loop& loop, std::unique_ptr<Transport> inner, TlsSession session, std::shared_ptr<void> rules)
        : loop_(loop), inner_(std::move(inner)), rules_(std::move(rules)), verdict_(std::move(session.verdict)),
          signer_(std::move(session.signer)), owned_session_(std::move(session.handle)), session_(owned_session_.get()),
          chunk_(kReadChunkBytes)
    {
        wolfSSL_SSLSetIORecv(session_, &Engine::receive);
        wolfSSL_SSLSetIOSend(session_, &Engine::send);
        wolfSSL_SetIOReadCtx(session_, this);
        wolfSSL_SetIOWriteCtx(session_, this);
    }
    Engine(Engine const&) = delete;
    Engine& operator=(Engine const&) = delete;

    void handshake(Transport::Handler handler)
    {
        shaking_ = std::move(handler);
        drive();
    }
    void read_some(std::span<char> into, Transport::Handler handler)
    {
        into_ = into;
        read_ = std::move(handler);
        drive();
    }
    void write_some(std::string_view from, Transport::Handler handler)
    {
        from_ = from.substr(0, kRecordBytesMax);
        write_ = std::move(handler);
        drive();
    }
    void end_writing()
    {
        if (!failed_ && established_) (void)wolfSSL_shutdown(session_);  // queues close_notify; the peer's own is not waited for
        ending_ = true;
        flush();
    }
    void close(bool reset)
    {
        closed_ = true;
        if (reset)
            inner_->abort();
        else
            inner_->close();
        fail_all();
    }
    void preload(std::string already) { in_ = std::move(already); }
    bool ended_cleanly() const { return clean_; }
    TlsRefusal refusal() const { return refusal_; }
    Alpn protocol() const
    {
        char* name = nullptr;
        unsigned short size = 0;
        bool const agreed = wolfSSL_ALPN_GetProtocol(session_, &name, &size) == WOLFSSL_SUCCESS && name != nullptr;
        return agreed && std::string_view(name, size) == "h2" ? Alpn::h2 : Alpn::http11;
    }
    std::string_view server_name() const
    {
        void* name = nullptr;
        auto const size = wolfSSL_SNI_GetRequest(session_, WOLFSSL_SNI_HOST_NAME, &name);
        return name == nullptr ? std::string_view{} : std::string_view(static_cast<char const*>(name), size);
    }

private:
    static int receive(WOLFSSL*, char* into, int size, void* self)
    {
        auto& engine = *static_cast<Engine*>(self);
        auto const count = std::min(engine.in_.size() - engine.in_start_, static_cast<std::size_t>(size));
        if (count == 0) return engine.inner_ended_ ? WOLFSSL_CBIO_ERR_CONN_CLOSE : WOLFSSL_CBIO_ERR_WANT_READ;
        std::memcpy(into, engine.in_.data() + engine.in_start_, count);
        engine.in_start_ += count;
        return static_cast<int>(count);
    }
    static int send(WOLFSSL*, char* from, int size, void* self)
    {
        auto& engine = *static_cast<Engine*>(self);
        auto const count = static_cast<std::size_t>(size);
        if (engine.out_.size() + count > kUnsentBytesMax) return WOLFSSL_CBIO_ERR_GENERAL;
        engine.out_.append(from, count);
        return size;
    }

    // Goes on with what is pending as far as the bytes reach, then sees to the transport below.
    void drive()
    {
        if (closed_) return fail_all();
        if (shaking_ && !waits_for_signature()) step_handshake();
        if (!shaking_ && write_ && !writing_record_) step_write();
        if (!shaking_ && read_) step_read();
        flush();
        // Nothing is read in the meantime, so that a peer cannot make it pile up.
        if (!closed_ && (shaking_ || read_) && !failed_ && !waits_for_signature()) fetch();
    }

    void step_handshake()
    {
        if (failed_) return;
        int const done = wolfSSL_negotiate(session_);
        if (done == WOLFSSL_SUCCESS) {
            established_ = true;
            if (signer_ && !signer_->used()) {
                refusal_ = TlsRefusal::unasked;
                failed_ = true;
            }
            return;  // told once its last flight is on its way, by flushed()
        }
        int const error = wolfSSL_get_error(session_, done);
        if (error == WOLFSSL_ERROR_WANT_READ) return;
        if (waits_for_signature()) {
            return signer_->ask([weak = weak_from_this()] {
                auto const self = weak.lock();
                if (self && !self->closed_) self->drive();
            });
        }
        WOLFSSL_ALERT_HISTORY alerts{};
        (void)wolfSSL_get_alert_history(session_, &alerts);
        refusal_ = tls_refusal_of(error, alerts.last_rx.code, *verdict_);
        failed_ = true;
    }

    bool waits_for_signature() const { return signer_ && signer_->waits(); }

    void step_read()
    {
        int const got = failed_ ? -1 : wolfSSL_read(session_, into_.data(), static_cast<int>(std::min(into_.size(), kRecordBytesMax)));
        if (got > 0) return finish(read_, Moved::some, static_cast<std::size_t>(got));
        if (!failed_) {
            int const error = wolfSSL_get_error(session_, got);
            if (error == WOLFSSL_ERROR_WANT_READ) return;
            clean_ = error == WOLFSSL_ERROR_ZERO_RETURN;
        }
        finish(read_, Moved::end, 0);
    }

    void step_write()
    {
        if (failed_ || wolfSSL_write(session_, from_.data(), static_cast<int>(from_.size())) != static_cast<int>(from_.size())) {
            return finish(write_, Moved::end, 0);
        }
        writing_record_ = true;  // done when the transport below has taken it: that is the back-pressure
    }

    void flush()
    {
        if (closed_ || sending_) return;
        if (out_.empty()) return flushed();
        sending_ = true;
        sent_ = 0;
        flight_.swap(out_);
        out_.clear();
        send_flight();
    }
    void send_flight()
    {
        inner_->write_some(std::string_view(flight_).substr(sent_), [self = shared_from_this()](Moved moved, std::size_t size) {
            if (self->closed_) return;
            if (moved == Moved::end) return self->lose_writing();
            self->sent_ += size;
            if (self->sent_ < self->flight_.size()) return self->send_flight();
            self->sending_ = false;
            self->flush();
        });
    }
    void flushed()
    {
        if (shaking_ && (established_ || failed_)) finish(shaking_, failed_ ? Moved::end : Moved::some, 0);
        if (write_ && writing_record_) {
            writing_record_ = false;
            finish(write_, Moved::some, from_.size());
        }
        if (ending_) inner_->end_writing();
    }
    void lose_writing()
    {
        sending_ = false;
        flight_.clear();
        out_.clear();
        if (shaking_) {
            failed_ = true;
            if (refusal_ == TlsRefusal::none) refusal_ = TlsRefusal::grammar;
            finish(shaking_, Moved::end, 0);
        }
        if (write_) finish(write_, Moved::end, 0);
    }

    void fetch()
    {
        if (reading_ || inner_ended_) return;
        reading_ = true;
        inner_->read_some(chunk_, [self = shared_from_this()](Moved moved, std::size_t size) {
            self->reading_ = false;
            if (self->closed_) return;
            self->in_.erase(0, std::exchange(self->in_start_, 0));
            if (moved == Moved::end)
                self->inner_ended_ = true;
            else
                self->in_.append(self->chunk_.data(), size);
            self->drive();
        });
    }

    void finish(Transport::Handler& pending, Moved moved, std::size_t size)
    {
        auto handler = std::exchange(pending, nullptr);
        loop_.post([handler = std::move(handler), moved, size] { handler(moved, size); });
    }
    void fail_all()
    {
        for (auto* const each : {&shaking_, &read_, &write_})
            if (*each) finish(*each, Moved::end, 0);
    }

    Loop& loop_;
    std::unique_ptr<Transport> inner_;
    std::shared_ptr<void> rules_;  // shared with their maker: the session points into them
    std::unique_ptr<TlsVerdict> verdict_;  // the session points to it
    std::unique_ptr<TlsSigner> signer_;  // the session points to its state
    TlsSessionHandle owned_session_;
    WOLFSSL* session_;
    std::vector<char> chunk_;
    std::string in_;
    std::size_t in_start_ = 0;
    std::string out_;  // encrypted, not yet given on
    std::string flight_;  // encrypted, being written
    std::size_t sent_ = 0;
    Transport::Handler shaking_;
    Transport::Handler read_;
    Transport::Handler write_;
    std::span<char> into_;
    std::string_view from_;
    TlsRefusal refusal_ = TlsRefusal::none;
    bool established_ = false;
    bool failed_ = false;
    bool reading_ = false;
    bool sending_ = false;
    bool writing_record_ = false;
    bool inner_ended_ = false;
    bool clean_ = false;
    bool ending_ = false;
    bool closed_ = false;
};

class EngineStream final : public TlsStream {
public:
    explicit EngineStream(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}
    ~EngineStream() override { engine_->close(false); }
    EngineStream(EngineStream const&) = delete;
    EngineStream& operator=(EngineStream const&) = delete;

    void handshake(Handler handler) override { engine_->handshake(std::move(handler)); }
    void read_some(std::span<char> into, Handler handler) override { engine_->read_some(into, std::move(handler)); }
    void write_some(std::string_view from, Handler handler) override { engine_->write_some(from, std::move(handler)); }
    void end_writing() override { engine_->end_writing(); }
    void close() override { engine_->close(false); }
    void abort() override { engine_->close(true); }
    bool ended_cleanly() const override { return engine_->ended_cleanly(); }
    TlsRefusal refusal() const override { return engine_->refusal(); }
    std::string_view server_name() const override { return engine_->server_name(); }
    Alpn protocol() const override { return engine_->protocol(); }

private:
    std::shared_ptr<Engine> engine_;  // shared with what is pending below
};

}  // namespace

std::unique_ptr<TlsStream> make_tls_stream(
    Loop& loop, std::unique_ptr<Transport> inner, TlsSession session, std::shared_ptr<void> rules, std::string already)
{
    auto engine = std::make_shared<Engine>(loop, std::move(inner), std::move(session), std::move(rules));
    engine->preload(std::move(already));
    return std::make_unique<EngineStream>(std::move(engine));
}

}  // namespace ocu::wire
