// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_post.h"

#include "wire/http_relay_body.h"
#include "wire/http_relay_side.h"

namespace ocu::wire {

std::string post_bytes(PostRequest const& request)
{
    std::string out = "POST " + request.target + " HTTP/1.1\r\nHost: " + request.authority + "\r\n";
    for (auto const& each : request.headers) out += each.name + ": " + each.value + "\r\n";
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\nConnection: close\r\n\r\n";
    return out + request.body;
}

std::expected<std::optional<PostHead>, PostFailure> read_post_head(std::string_view bytes)
{
    std::string_view rest = bytes.substr(0, kPostHeadBytesMax);
    bool const full = bytes.size() >= kPostHeadBytesMax;
    for (;;) {
        auto const end = find_head_end(rest);
        if (!end) return std::unexpected(end.error() == RelayFault::too_large ? PostFailure::too_large : PostFailure::grammar);
        if (*end == 0) {
            if (full) return std::unexpected(PostFailure::too_large);
            return std::nullopt;
        }
        auto const head = read_response_head(rest.substr(0, *end), {});
        if (!head || head->status == 101) return std::unexpected(PostFailure::grammar);
        rest.remove_prefix(*end);
        if (head->status >= 200) return PostHead{head->status, static_cast<std::size_t>(rest.data() - bytes.data()), head->body};
    }
}

std::expected<std::optional<unsigned>, PostFailure> read_post_answer(std::string_view bytes)
{
    auto const head = read_post_head(bytes);
    if (!head) return std::unexpected(head.error());
    return *head ? std::optional((*head)->status) : std::nullopt;
}

struct HttpPost::Machine : std::enable_shared_from_this<Machine> {
    Machine(std::unique_ptr<Transport> transport, TlsStream const* tls_in, std::string bytes, Told told_in, std::optional<std::size_t> body_max)
        : handshaker(transport.get()), tls(tls_in), side(std::move(transport), {}), request(std::move(bytes)), told(std::move(told_in)),
          body_bytes_max(body_max)
    {}

    void begin(Loop& loop)
    {
        patience = loop.after(kPostWait, [weak = weak_from_this()] {
            if (auto const self = weak.lock()) self->end({PostFailure::timed_out});
        });
        handshaker->handshake([self = shared_from_this()](Moved what, std::size_t) {
            if (!self->told) return;
            if (what == Moved::end) {
                auto const refusal = self->tls != nullptr ? self->tls->refusal() : TlsRefusal::none;
                return self->end({self->tls != nullptr ? PostFailure::tls : PostFailure::closed, 0, refusal});
            }
            self->side.put(self->request);
            self->turn();
        });
    }

    void turn()
    {
        if (!told) return;
        auto const after = [this] { turn(); };  // the side holds what is given to it with this
        auto const keep = shared_from_this();
        side.write(keep, after);
        if (!head && !take_head()) return;
        if (head && !take_body()) return;
        if (side.ended()) return end({PostFailure::closed});
        side.read(keep, after);
    }

    // False: it is over.
    bool take_head()
    {
        auto const answer = read_post_head(side.in());
        if (!answer) return end({answer.error()}), false;
        if (!*answer) return true;
        head = **answer;
        if (!body_bytes_max) return end({PostFailure::none, head->status}), false;
        side.take(head->bytes);
        body = BodyReader(head->body, BodyReader::Extensions::dropped);
        return true;
    }

    bool take_body()
    {
        // One byte more than there may be, so that too much is seen.
        side.take(body.feed(side.in(), *body_bytes_max + 1 - text.size(), text));
        if (side.ended() && !body.done()) body.ended(side.ended_cleanly());
        if (text.size() > *body_bytes_max) return end({PostFailure::too_large, head->status}), false;
        if (body.broken()) return end({side.ended() ? PostFailure::closed : PostFailure::grammar, head->status}), false;
        if (body.done()) return end({PostFailure::none, head->status, TlsRefusal::none, std::move(text)}), false;
        return true;
    }

    void end(PostOutcome outcome)
    {
        patience.reset();
        auto const tell = std::exchange(told, nullptr);
        side.close();
        if (tell) tell(outcome);
    }

    Transport* handshaker;  // of the side
    TlsStream const* tls;
    RelaySide side;
    std::string request;
    Told told;
    Watch patience;
    std::optional<std::size_t> body_bytes_max;
    std::optional<PostHead> head;
    BodyReader body;
    std::string text;
};

HttpPost::HttpPost(Loop& loop, std::unique_ptr<Transport> transport, TlsStream const* tls, std::string request, Told told,
    std::optional<std::size_t> body_bytes_max)
    : machine_(std::make_shared<Machine>(std::move(transport), tls, std::move(request), std::move(told), body_bytes_max))
{
    machine_->begin(loop);
}

HttpPost::~HttpPost()
{
    machine_->told = nullptr;
    machine_->side.close();
}

}  // namespace ocu::wire
