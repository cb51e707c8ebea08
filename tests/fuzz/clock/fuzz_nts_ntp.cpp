// SPDX-License-Identifier: GPL-3.0-or-later
// Face: a time server's packets. What was not sealed with the server's key is never an answer; and since a fuzzer finds no key, the bytes
// are also sealed for it, as a server would that has gone bad.

#include <cstdlib>

#include "base/secret.h"
#include "clock/limits.h"
#include "clock/sample.h"
#include "support/nts_server.h"

using namespace ocu;

namespace {

// The question that the kept corpus answers.
clock::NtpQuestion question()
{
    clock::NtpQuestion out;
    out.unique_id.fill(std::byte{0x11});
    out.transmit.fill(std::byte{0x22});
    out.nonce.fill(std::byte{0x33});
    out.cookie.resize(100);
    return out;
}

void check(clock::NtpAnswer const& answer)
{
    if (answer.stratum == 0 || answer.stratum > clock::kStratumMax || answer.cookies.size() > clock::kCookiesMax) std::abort();
    for (auto const& each : answer.cookies)
        if (each.size() > clock::kCookieBytesMax) std::abort();
    auto const sample = clock::sample_of(answer, {std::chrono::seconds(10), std::chrono::seconds(11), std::chrono::seconds(1'790'000'000)});
    if (sample && (sample->delay > clock::kDelayMax || sample->delay.count() < 0)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size > clock::kNtpPacketBytesMax) return 0;
    static Secret const key = Secret::copy_of(wire::Bytes(crypto::kSivKeyBytes, std::byte{2})).value();
    std::span<std::byte const> const bytes(reinterpret_cast<std::byte const*>(data), size);
    auto const asked = question();
    if (auto const answer = clock::parse_ntp_answer(bytes, asked, key)) check(*answer);
    // The first 24 bytes stand for the header, the rest for what is under the seal.
    if (size < 24) return 0;
    auto packet = test::ntp_head(asked, {});
    std::ranges::copy(bytes.first(24), packet.begin());
    if (auto const answer = clock::parse_ntp_answer(test::ntp_sealed(packet, key, bytes.subspan(24)), asked, key)) check(*answer);
    return 0;
}
