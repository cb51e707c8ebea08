// SPDX-License-Identifier: GPL-3.0-or-later
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/crypto/tls_client.h"
#include "clock/limits.h"
#include "clock/measure.h"
#include "clock/wait.h"

namespace ocu::clock {

namespace {

using crypto::TlsClient;
using proto::TimeFailure;

constexpr Literal kExporterLabel("EXPORTER-network-time-security");
// RFC 8915 section 5.1: protocol 0 (NTPv4), algorithm 15 (AES-SIV-CMAC-256), whose key it is.
constexpr std::array kClientKey{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{15}, std::byte{0}};
constexpr std::array kServerKey{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{15}, std::byte{1}};

TimeFailure failure_of(TlsClient::Refusal refusal)
{
    switch (refusal) {
    case TlsClient::Refusal::chain: return TimeFailure::untrusted;
    case TlsClient::Refusal::dates: return TimeFailure::certificate_dates;
    case TlsClient::Refusal::name: return TimeFailure::certificate_name;
    case TlsClient::Refusal::protocol: return TimeFailure::no_time_security;
    case TlsClient::Refusal::none:
    case TlsClient::Refusal::grammar: break;
    }
    return TimeFailure::malformed;
}

TimeFailure failure_of(Fault fault)
{
    switch (fault) {
    case Fault::not_found: return TimeFailure::no_time_security;
    case Fault::denied: return TimeFailure::refused;
    case Fault::conflict: return TimeFailure::other_server;
    default: return TimeFailure::malformed;
    }
}

// The socket and the TLS client, moved along until something can be read or the time is over.
class Conversation {
public:
    Conversation(int tcp, TlsClient& tls, std::chrono::milliseconds wait) : tcp_(tcp), tls_(tls), deadline_(wait) {}

    Outcome<void> send()
    {
        auto const bytes = tls_.to_send();
        std::span<std::byte const> rest(bytes);
        while (!rest.empty()) {
            if (!deadline_.wait_for(tcp_, POLLOUT)) return std::unexpected(TimeFailure::silent);
            ssize_t const sent = ::write(tcp_, rest.data(), rest.size());
            if (sent > 0) rest = rest.subspan(static_cast<std::size_t>(sent));
            if (sent < 0 && errno != EAGAIN && errno != EINTR)
                return std::unexpected(heard_ ? TimeFailure::malformed : TimeFailure::unreachable);
        }
        return {};
    }
    Outcome<void> receive()
    {
        std::array<std::byte, 4096> chunk;
        for (;;) {
            if (!deadline_.wait_for(tcp_, POLLIN)) return std::unexpected(TimeFailure::silent);
            ssize_t const got = ::read(tcp_, chunk.data(), chunk.size());
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (got <= 0) return std::unexpected(heard_ || got == 0 ? TimeFailure::malformed : TimeFailure::unreachable);
            heard_ = true;
            if (!tls_.received(std::span(chunk).first(static_cast<std::size_t>(got)))) return std::unexpected(TimeFailure::malformed);
            return {};
        }
    }

private:
    int tcp_;
    TlsClient& tls_;
    Deadline deadline_;
    bool heard_ = false;
};

Outcome<void> shake_hands(TlsClient& tls, Conversation& conversation)
{
    for (;;) {
        auto const progress = tls.handshake();
        // Also an alert that says why we refuse: best effort.
        auto const sent = conversation.send();
        if (!progress) return std::unexpected(failure_of(tls.refusal()));
        if (!sent) return sent;
        if (*progress == TlsClient::Progress::done) return {};
        if (auto const received = conversation.receive(); !received) return received;
    }
}

Outcome<KeAnswer> read_answer(TlsClient& tls, Conversation& conversation, std::string_view address)
{
    wire::Bytes answer;
    for (;;) {
        // One byte more than may come, so that too much is seen as that.
        auto const more = tls.read(kKeAnswerBytesMax + 1 - answer.size());
        if (!more) return std::unexpected(TimeFailure::malformed);
        if (more->empty()) {
            if (auto const received = conversation.receive(); !received) return std::unexpected(received.error());
            continue;
        }
        answer.insert(answer.end(), more->begin(), more->end());
        auto parsed = parse_ke_answer(answer, address);
        if (parsed) return *std::move(parsed);
        if (parsed.error().fault != Fault::unavailable) return std::unexpected(failure_of(parsed.error().fault));
    }
}

}  // namespace

Result<SessionKeys> SessionKeys::make()
{
    return SessionKeys{OCU_TRY(Secret::make(crypto::kSivKeyBytes)), OCU_TRY(Secret::make(crypto::kSivKeyBytes))};
}

Outcome<KeAnswer> exchange_keys(int tcp, proto::TimeConfig const& config, SessionKeys& keys)
{
    auto tls = TlsClient::make({config.host.str(), config.roots_pem.str(), "ntske/1"});
    if (!tls) return std::unexpected(tls.error().fault == Fault::denied ? TimeFailure::certificate_dates : TimeFailure::untrusted);
    Conversation conversation(tcp, *tls, config.key_exchange_wait);
    if (auto const shaken = shake_hands(*tls, conversation); !shaken) return std::unexpected(shaken.error());
    if (!tls->write(compose_ke_request())) return std::unexpected(TimeFailure::broken);
    if (auto const sent = conversation.send(); !sent) return std::unexpected(sent.error());
    auto answer = read_answer(*tls, conversation, config.address.view());
    if (!answer) return answer;
    if (!tls->export_keys(kExporterLabel, kClientKey, keys.client) || !tls->export_keys(kExporterLabel, kServerKey, keys.server))
        return std::unexpected(TimeFailure::broken);
    return answer;
}

}  // namespace ocu::clock
