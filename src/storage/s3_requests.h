// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Requests to one session's place in an S3 store: signed, several at once, tried again while that can help, and told as an errno at their end.
//
//   threading   one thread; work() waits, and so may `connect`
//   errors      ETIMEDOUT: it could not be asked in time. ENOENT, ENOSPC (also a quota), EEXIST (a condition), EIO: it was, and that is the
//               answer. No text of the server's leaves this.
//   limits      limits.h

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "storage/limits.h"
#include "storage/s3_place.h"
#include "wire/http_client.h"

namespace ocu::storage {

struct S3Ask {
    std::string method;
    std::string key{};  // within the bucket; empty: the bucket itself
    std::string query{};  // "name=value&name=value", encoded
    std::vector<std::string> fields{};
    std::span<std::byte const> body{};  // a loan until the answer is taken or the call dropped
    std::size_t answer_bytes_max = kS3AnswerBytesMax;
    std::optional<std::size_t> answer_bytes{};  // as many as there must be
};

struct S3Answer {
    int fault = 0;
    long status = 0;
    unsigned attempts = 0;  // how often it went out
    std::int64_t length = -1;
    std::string etag{};
    std::vector<std::byte> body{};
};

// What is done with an answer: it is the end, or the same is asked again.
enum class S3Next { end, again };
struct S3Verdict {
    S3Next next;
    int fault;
};
S3Verdict judge_s3(wire::HttpFailure failure, long status, std::string_view code);

// How long to wait before attempt `attempts` + 1: exponential, any time up to it. `random`: 0 to 1.
std::chrono::milliseconds s3_pause(unsigned attempts, double random);

class S3Requests {
public:
    using Call = std::uint64_t;
    struct Times {
        std::chrono::milliseconds attempt = kS3AttemptTime;
        std::chrono::milliseconds connect = kS3ConnectTime;
        std::chrono::seconds stall = kS3StallTime;
    };

    // `credential`: "KEY_ID:SECRET".
    S3Requests(S3Place place, Secret credential, S3Connect connect, Clock const& clock, Times times);

    Call start(S3Ask ask, Monotonic until);
    void work(std::chrono::milliseconds patience);
    std::optional<S3Answer> take(Call call);
    void drop(Call call);
    S3Answer ask(S3Ask ask, Monotonic until);

    S3Place const& place() const { return place_; }
    Monotonic now() const { return clock_.now(); }

private:
    struct State {
        S3Ask ask;
        std::string hash;
        Monotonic until;
        Monotonic next;
        unsigned attempts = 0;
        unsigned resent = 0;  // by libcurl, within them
        std::optional<wire::HttpClient::Ticket> ticket{};
        std::optional<S3Answer> answer{};
    };
    void attempt(State& state);
    void hear(State& state, wire::HttpGot got);
    std::string url_of(S3Ask const& ask) const;
    wire::HttpClientRules rules(S3Connect connect, Times times) const;

    S3Place place_;
    Secret credential_;
    Clock const& clock_;
    Times times_;
    wire::HttpClient client_;
    std::map<Call, State> calls_;
    Call next_ = 1;
    std::minstd_rand random_;  // when to try again; nothing depends on its being hard to guess
};

}  // namespace ocu::storage
