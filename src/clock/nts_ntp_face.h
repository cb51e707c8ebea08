// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One NTPv4 question and its answer, protected by Network Time Security (RFC 5905, RFC 8915 section 5). Pure functions.
//
//     48 bytes of header | unique identifier | cookie | authenticator: nonce, sealed fields
//     \____________ vouched for by the authenticator ____________/
//
// Nothing in a question tells where it is from or what this machine's clock says: the transmit timestamp is random, and comes back as the
// origin timestamp of the answer.

#include <array>
#include <chrono>
#include <span>
#include <vector>

#include "base/secret.h"
#include "wire/codec.h"

namespace ocu::clock {

struct NtpQuestion {
    std::array<std::byte, 32> unique_id{};  // random
    std::array<std::byte, 8> transmit{};    // random
    std::array<std::byte, 16> nonce{};      // random
    wire::Bytes cookie;                     // used once
};

// As NTP writes it: seconds since 1900 modulo 2^32, then a fraction of 2^-32 s.
using NtpTimestamp = std::uint64_t;

struct NtpAnswer {
    NtpTimestamp received = 0;  // when the server got the question
    NtpTimestamp sent = 0;      // when it answered
    std::uint8_t stratum = 0;
    std::vector<wire::Bytes> cookies;  // new ones, at most kCookiesMax
};

// Errors: os (the cryptography fails).
Result<wire::Bytes> compose_ntp_request(NtpQuestion const& question, Secret const& client_key);

// Errors: malformed (no answer to this question: drop it and wait on), denied (not authentic: likewise), conflict (the server says that
// it does not know the cookie's keys; anybody on the way can say so, so wait on for an authentic answer), unavailable (authentic, and the
// server does not know the time or does not want to tell).
Result<NtpAnswer> parse_ntp_answer(std::span<std::byte const> packet, NtpQuestion const& question, Secret const& server_key);

// The moment meant: of all that an NtpTimestamp can be, the one nearest to `near` (it repeats every 136 years).
std::chrono::nanoseconds unix_time(NtpTimestamp time, std::chrono::nanoseconds near);

}  // namespace ocu::clock
