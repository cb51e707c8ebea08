// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/s3_requests.h"

#include <algorithm>

#include "base/crypto/crypto.h"
#include "storage/s3_answers.h"
#include "wire/percent.h"

namespace ocu::storage {

namespace {

constexpr std::string_view kScheme = "://";
constexpr std::chrono::milliseconds kTurn{1'000};
constexpr unsigned kOddAnswersMax = 6;  // connections that break have broken by then, or it is no accident
enum Status : long {
    kOk = 200,
    kRedirected = 300,
    kTimedOut = 408,
    kConflict = 409,
    kMissing = 404,
    kCondition = 412,
    kTooLarge = 413,
    kTooMany = 429,
    kServerFault = 500,
    kNotImplemented = 501,
    kFull = 507,
};

// Codes that say more than their status.
constexpr std::array<std::string_view, 5> kAgainCodes{
    "RequestTimeout", "BadDigest", "XAmzContentSHA256Mismatch", "SlowDown", "InternalError"};
constexpr std::array<std::string_view, 4> kFullCodes{"QuotaExceeded", "InsufficientStorage", "InsufficientCapacity", "EntityTooLarge"};

}  // namespace

S3Verdict judge_s3(wire::HttpFailure failure, long status, std::string_view code)
{
    using wire::HttpFailure;
    constexpr S3Verdict kAgain{S3Next::again, ETIMEDOUT};
    auto const end = [](int fault) { return S3Verdict{S3Next::end, fault}; };
    switch (failure) {
    case HttpFailure::none: break;
    case HttpFailure::unreachable:
    case HttpFailure::handshake:
    case HttpFailure::timed_out:
    case HttpFailure::broken: return kAgain;
    case HttpFailure::tls:
    case HttpFailure::too_large:
    case HttpFailure::unusable_address: return end(EIO);
    }
    if (status >= kOk && status < kRedirected) return end(0);
    if (std::ranges::contains(kFullCodes, code)) return end(ENOSPC);
    if (std::ranges::contains(kAgainCodes, code)) return kAgain;
    switch (status) {
    case kMissing: return end(ENOENT);
    case kCondition: return end(EEXIST);
    case kTooLarge:
    case kFull: return end(ENOSPC);
    case kTimedOut:
    case kConflict:
    case kTooMany: return kAgain;
    default: return status >= kServerFault && status != kNotImplemented ? kAgain : end(EIO);
    }
}

std::chrono::milliseconds s3_pause(unsigned attempts, double random)
{
    auto most = kS3RetryFirst;
    for (unsigned i = 1; i < attempts && most < kS3RetryMost; ++i) most *= 2;
    most = std::min(most, kS3RetryMost);
    return std::chrono::milliseconds(1 + static_cast<long>(static_cast<double>(most.count()) * random));
}

S3Requests::S3Requests(S3Place place, Secret credential, S3Connect connect, Clock const& clock, Times times)
    : place_(std::move(place)), credential_(std::move(credential)), clock_(clock), times_(times), client_(rules(std::move(connect), times)),
      random_(static_cast<std::minstd_rand::result_type>(crypto::random_u64()))
{}

wire::HttpClientRules S3Requests::rules(S3Connect connect, Times times) const
{
    wire::HttpClientRules rules;
    rules.connect = [connect = std::move(connect)] {
        auto stream = connect();
        return stream ? std::move(*stream) : UniqueFd();
    };
    rules.ca_pem = place_.ca_pem;
    rules.signing = "aws:amz:" + place_.region + ":s3";
    rules.credential = &credential_;
    rules.connect_time = times.connect;
    rules.stall_time = times.stall;
    rules.stall_bytes_per_s = kS3StallBytesPerSecond;
    rules.connections_max = 2 * static_cast<long>(kS3RequestsMax);
    return rules;
}

std::string S3Requests::url_of(S3Ask const& ask) const
{
    auto const name = place_.endpoint.find(kScheme);
    auto url = place_.endpoint;
    if (!place_.path_style && name != std::string::npos) url.insert(name + kScheme.size(), place_.bucket + ".");
    if (place_.path_style) url += "/" + place_.bucket;
    url += "/" + wire::percent_encoded(ask.key, "/");
    return ask.query.empty() ? url : url + "?" + ask.query;
}

S3Requests::Call S3Requests::start(S3Ask ask, Monotonic until)
{
    State state{.ask = std::move(ask), .hash = {}, .until = until, .next = clock_.now()};
    state.hash = crypto::to_hex(crypto::sha256(state.ask.body));
    auto& kept = calls_.emplace(next_, std::move(state)).first->second;
    attempt(kept);
    return next_++;
}

void S3Requests::attempt(State& state)
{
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(state.until - clock_.now());
    if (left.count() <= 0) {
        state.answer = S3Answer{.fault = ETIMEDOUT, .attempts = state.attempts};
        return;
    }
    ++state.attempts;
    wire::HttpAsk ask{.method = state.ask.method, .url = url_of(state.ask)};
    ask.fields = state.ask.fields;
    ask.fields.push_back("x-amz-content-sha256: " + state.hash);
    if (ask.method == "PUT" || ask.method == "POST") ask.fields.emplace_back("Content-Type: application/octet-stream");
    ask.body = state.ask.body;
    ask.answer_bytes_max = state.ask.answer_bytes_max;
    ask.time = std::min(left, times_.attempt);
    state.ticket = client_.start(std::move(ask));
}

void S3Requests::hear(State& state, wire::HttpGot got)
{
    state.ticket.reset();
    if (got.sendings > 1) state.resent += got.sendings - 1;
    bool const said_no = got.failure == wire::HttpFailure::none && got.status >= kRedirected;
    auto verdict = judge_s3(got.failure, got.status, said_no ? read_s3_error(got.body) : std::string());
    // A head that was cut off can look like one that is short; a server that means it says so again.
    bool const no_tag = state.ask.method == "PUT" && got.etag.empty();
    bool const no_body = (state.ask.method == "GET" || state.ask.method == "POST") && got.body.empty();
    bool const odd = no_tag || no_body || (state.ask.answer_bytes && *state.ask.answer_bytes != got.body.size());
    if (got.failure == wire::HttpFailure::handshake && state.attempts >= kOddAnswersMax) verdict = {S3Next::end, EIO};
    if (verdict.next == S3Next::end && verdict.fault == 0 && odd)
        verdict = state.attempts < kOddAnswersMax ? S3Verdict{S3Next::again, EIO} : S3Verdict{S3Next::end, EIO};
    if (verdict.next == S3Next::again) {
        auto const random = static_cast<double>(random_() - std::minstd_rand::min()) / static_cast<double>(std::minstd_rand::max());
        state.next = clock_.now() + s3_pause(state.attempts, random);
        if (state.next < state.until) return;
    }
    state.answer = S3Answer{verdict.fault, got.status, state.attempts + state.resent, got.length, std::move(got.etag), std::move(got.body)};
}

void S3Requests::work(std::chrono::milliseconds patience)
{
    auto const now = clock_.now();
    for (auto& [call, state] : calls_) {
        if (state.answer) patience = {};
        if (state.ticket || state.answer) continue;
        if (state.next <= now)
            attempt(state);
        else
            patience = std::min(patience, std::chrono::ceil<std::chrono::milliseconds>(state.next - now));
    }
    client_.work(patience);
    for (auto& [call, state] : calls_) {
        if (!state.ticket) continue;
        if (auto got = client_.take(*state.ticket)) hear(state, std::move(*got));
    }
}

std::optional<S3Answer> S3Requests::take(Call call)
{
    auto const at = calls_.find(call);
    if (at == calls_.end() || !at->second.answer) return std::nullopt;
    auto answer = std::move(*at->second.answer);
    calls_.erase(at);
    return answer;
}

void S3Requests::drop(Call call)
{
    auto const at = calls_.find(call);
    if (at == calls_.end()) return;
    if (at->second.ticket) client_.drop(*at->second.ticket);
    calls_.erase(at);
}

S3Answer S3Requests::ask(S3Ask ask, Monotonic until)
{
    auto const call = start(std::move(ask), until);
    for (;;) {
        if (auto answer = take(call)) return std::move(*answer);
        work(kTurn);
    }
}

}  // namespace ocu::storage
