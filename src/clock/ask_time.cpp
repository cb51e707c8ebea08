// SPDX-License-Identifier: GPL-3.0-or-later
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/crypto/crypto.h"
#include "clock/limits.h"
#include "clock/measure.h"
#include "clock/sample.h"
#include "clock/wait.h"

namespace ocu::clock {

namespace {

using proto::TimeFailure;

std::chrono::nanoseconds monotonic() { return std::chrono::steady_clock::now().time_since_epoch(); }

struct Heard {
    NtpAnswer answer;
    Moments moments;
};

NtpQuestion new_question(wire::Bytes cookie)
{
    NtpQuestion question;
    crypto::random_bytes(question.unique_id);
    crypto::random_bytes(question.transmit);
    crypto::random_bytes(question.nonce);
    question.cookie = std::move(cookie);
    return question;
}

// Waits for the authentic answer. What is not authentic is dropped, since anybody on the way can send it; when nothing better comes, it
// is what is told.
Outcome<Heard> hear(int udp, NtpQuestion const& question, Secret const& server_key, Deadline const& deadline)
{
    auto worst = TimeFailure::silent;
    std::array<std::byte, kNtpPacketBytesMax + 1> packet;
    while (deadline.wait_for(udp, POLLIN)) {
        ssize_t const got = ::read(udp, packet.data(), packet.size());
        auto const now = monotonic();
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got < 0) return std::unexpected(TimeFailure::unreachable);
        auto answer = parse_ntp_answer(std::span(packet).first(static_cast<std::size_t>(got)), question, server_key);
        auto const wall = std::chrono::system_clock::now().time_since_epoch();
        if (answer) return Heard{*std::move(answer), {{}, now, wall}};
        if (answer.error().fault == Fault::unavailable) return std::unexpected(TimeFailure::not_synchronised);
        if (answer.error().fault == Fault::conflict)
            worst = TimeFailure::keys_refused;
        else if (worst == TimeFailure::silent)
            worst = TimeFailure::altered;
    }
    return std::unexpected(worst);
}

Outcome<Heard> ask_once(int udp, NtpQuestion const& question, SessionKeys const& keys, std::chrono::milliseconds wait)
{
    auto const request = compose_ntp_request(question, keys.client);
    if (!request) return std::unexpected(TimeFailure::broken);
    auto const asked = monotonic();
    if (::write(udp, request->data(), request->size()) < 0) return std::unexpected(TimeFailure::unreachable);
    auto heard = hear(udp, question, keys.server, Deadline(wait));
    if (heard) heard->moments.asked = asked;
    return heard;
}

}  // namespace

Outcome<proto::TimeMeasured> ask_time(int udp, proto::TimeConfig const& config, SessionKeys const& keys, std::vector<wire::Bytes> cookies)
{
    proto::TimeMeasured best;
    auto failure = TimeFailure::silent;
    for (unsigned i = 0; i < kExchangesMax && !cookies.empty(); ++i) {
        // RFC 8915: a cookie is used once, or whoever watches two networks sees that one machine was in both.
        auto const question = new_question(std::move(cookies.back()));
        cookies.pop_back();
        auto heard = ask_once(udp, question, keys, config.answer_wait);
        if (!heard) {
            failure = heard.error();
            continue;
        }
        for (auto& each : heard->answer.cookies)
            if (cookies.size() < kCookiesMax) cookies.push_back(std::move(each));
        auto const sample = sample_of(heard->answer, heard->moments);
        if (!sample) {
            failure = TimeFailure::too_far;
            continue;
        }
        if (best.exchanges == 0 || sample->delay < best.delay) {
            best.unix_minus_monotonic = sample->unix_minus_monotonic;
            best.delay = sample->delay;
            best.stratum = heard->answer.stratum;
        }
        ++best.exchanges;
    }
    if (best.exchanges == 0) return std::unexpected(failure);
    return best;
}

}  // namespace ocu::clock
