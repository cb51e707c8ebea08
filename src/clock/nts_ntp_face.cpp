// SPDX-License-Identifier: GPL-3.0-or-later
#include "clock/nts_ntp_face.h"

#include <algorithm>

#include "base/crypto/aes_siv.h"
#include "clock/big_endian.h"
#include "clock/limits.h"

namespace ocu::clock {

namespace {

constexpr std::size_t kHeaderBytes = 48;
constexpr std::size_t kFieldHeadBytes = 4;
constexpr std::size_t kFieldBytesMin = 16;  // RFC 7822
constexpr std::byte kClientV4{0x23};        // leap 0, version 4, mode 3
constexpr std::uint16_t kUniqueId = 0x0104;
constexpr std::uint16_t kCookie = 0x0204;
constexpr std::uint16_t kAuthenticator = 0x0404;
constexpr std::uint32_t kKissNtsn = 0x4e54534e;  // "NTSN"
constexpr std::int64_t kUnixEpochInNtp = 2'208'988'800;
constexpr std::int64_t kEraSeconds = std::int64_t{1} << 32;

// Where things are in the header.
constexpr std::size_t kStratumAt = 1;
constexpr std::size_t kRootDelayAt = 4;
constexpr std::size_t kRootDispersionAt = 8;
constexpr std::size_t kReferenceIdAt = 12;
constexpr std::size_t kOriginAt = 24;
constexpr std::size_t kReceiveAt = 32;
constexpr std::size_t kTransmitAt = 40;

struct Field {
    std::uint16_t type;
    std::size_t begins;  // in what it was read from
    std::span<std::byte const> body;
};

// Takes the next extension field off `rest`. Errors: malformed.
Result<Field> take_field(std::span<std::byte const>& rest, std::size_t begins)
{
    if (rest.size() < kFieldBytesMin) return fail(Fault::malformed, "NTP: field cut off");
    std::size_t const size = get_big<std::uint16_t>(rest, 2);
    if (size < kFieldBytesMin || size % 4 != 0 || size > rest.size()) return fail(Fault::malformed, "NTP: field's size");
    Field const field{get_big<std::uint16_t>(rest, 0), begins, rest.subspan(kFieldHeadBytes, size - kFieldHeadBytes)};
    rest = rest.subspan(size);
    return field;
}

std::size_t padded(std::size_t size) { return (size + 3) / 4 * 4; }

void put_field(wire::Bytes& out, std::uint16_t type, std::span<std::byte const> body)
{
    OCU_ASSERT(body.size() % 4 == 0);
    put_big(out, type);
    put_big(out, static_cast<std::uint16_t>(kFieldHeadBytes + body.size()));
    out.insert(out.end(), body.begin(), body.end());
}

struct Outline {
    bool unique_id = false;
    std::optional<Field> authenticator;
};

// What stands outside the seal. Nothing may follow the authenticator: nobody would vouch for it.
Result<Outline> outline_of(std::span<std::byte const> packet, NtpQuestion const& question)
{
    Outline out;
    auto rest = packet.subspan(kHeaderBytes);
    while (!rest.empty()) {
        if (out.authenticator) return fail(Fault::malformed, "NTP: something after the authenticator");
        auto const field = OCU_TRY(take_field(rest, packet.size() - rest.size()));
        if (field.type == kUniqueId) {
            if (out.unique_id || !std::ranges::equal(field.body, question.unique_id)) return fail(Fault::malformed, "NTP: identifier");
            out.unique_id = true;
        } else if (field.type == kAuthenticator) {
            out.authenticator = field;
        }
    }
    if (!out.unique_id) return fail(Fault::malformed, "NTP: no identifier");
    return out;
}

Result<wire::Bytes> open_authenticator(std::span<std::byte const> packet, Field const& field, Secret const& server_key)
{
    std::size_t const nonce_size = get_big<std::uint16_t>(field.body, 0);
    std::size_t const sealed_size = get_big<std::uint16_t>(field.body, 2);
    auto const rest = field.body.subspan(4);
    if (padded(nonce_size) > rest.size() || padded(sealed_size) > rest.size() - padded(nonce_size))
        return fail(Fault::malformed, "NTP: authenticator's sizes");
    auto const sealed = rest.subspan(padded(nonce_size), sealed_size);
    return crypto::siv_open(server_key, {packet.first(field.begins), rest.first(nonce_size)}, sealed);
}

// The server's own word on itself, once it is known to be its own.
Result<void> check_health(std::span<std::byte const> packet)
{
    bool const unsynchronised = (std::to_integer<unsigned>(packet[0]) >> 6) == 3;
    unsigned const stratum = std::to_integer<unsigned>(packet[kStratumAt]);
    if (unsynchronised || stratum == 0 || stratum > kStratumMax) return fail(Fault::unavailable, "NTP: the server does not know the time");
    // 16.16 fixed point. Half of the way to the clock that the server follows, and what it may be wrong by itself.
    std::uint64_t const delay = get_big<std::uint32_t>(packet, kRootDelayAt);
    std::uint64_t const dispersion = get_big<std::uint32_t>(packet, kRootDispersionAt);
    if ((delay / 2 + dispersion) * 1000 > (static_cast<std::uint64_t>(kRootDistanceMax.count()) << 16))
        return fail(Fault::unavailable, "NTP: the server is not sure of the time");
    return {};
}

Result<std::vector<wire::Bytes>> cookies_in(std::span<std::byte const> plain)
{
    std::vector<wire::Bytes> out;
    while (!plain.empty()) {
        auto const field = OCU_TRY(take_field(plain, 0));
        if (field.type != kCookie || out.size() == kCookiesMax) continue;
        if (field.body.size() > kCookieBytesMax) return fail(Fault::malformed, "NTP: cookie's size");
        out.emplace_back(field.body.begin(), field.body.end());
    }
    return out;
}

}  // namespace

Result<wire::Bytes> compose_ntp_request(NtpQuestion const& question, Secret const& client_key)
{
    wire::Bytes out(kHeaderBytes);
    out[0] = kClientV4;
    std::ranges::copy(question.transmit, out.begin() + kTransmitAt);
    put_field(out, kUniqueId, question.unique_id);
    put_field(out, kCookie, question.cookie);
    auto const sealed = OCU_TRY(crypto::siv_seal(client_key, {out, question.nonce}, {}));
    wire::Bytes body;
    put_big(body, static_cast<std::uint16_t>(question.nonce.size()));
    put_big(body, static_cast<std::uint16_t>(sealed.size()));
    body.insert(body.end(), question.nonce.begin(), question.nonce.end());
    body.insert(body.end(), sealed.begin(), sealed.end());
    put_field(out, kAuthenticator, body);
    return out;
}

Result<NtpAnswer> parse_ntp_answer(std::span<std::byte const> packet, NtpQuestion const& question, Secret const& server_key)
{
    if (packet.size() < kHeaderBytes || packet.size() > kNtpPacketBytesMax || packet.size() % 4 != 0)
        return fail(Fault::malformed, "NTP: packet's size");
    if ((std::to_integer<unsigned>(packet[0]) & 0x3f) != 0x24) return fail(Fault::malformed, "NTP: no server's answer of version 4");
    // T-21: an answer is to a question of ours or it is nothing, whoever sent it and however old it is.
    if (!std::ranges::equal(packet.subspan(kOriginAt, question.transmit.size()), question.transmit))
        return fail(Fault::malformed, "NTP: not asked");
    auto const outline = OCU_TRY(outline_of(packet, question));
    if (!outline.authenticator) {
        bool const kiss = packet[kStratumAt] == std::byte{0} && get_big<std::uint32_t>(packet, kReferenceIdAt) == kKissNtsn;
        if (kiss) return fail(Fault::conflict, "NTP: the server does not know our keys");
        return fail(Fault::denied, "NTP: not authenticated");
    }
    auto const plain = OCU_TRY(open_authenticator(packet, *outline.authenticator, server_key));
    OCU_CHECK(check_health(packet));
    NtpAnswer answer;
    answer.cookies = OCU_TRY(cookies_in(plain));
    answer.received = get_big<std::uint64_t>(packet, kReceiveAt);
    answer.sent = get_big<std::uint64_t>(packet, kTransmitAt);
    answer.stratum = std::to_integer<std::uint8_t>(packet[kStratumAt]);
    return answer;
}

std::chrono::nanoseconds unix_time(NtpTimestamp time, std::chrono::nanoseconds near)
{
    std::int64_t const near_seconds = std::chrono::floor<std::chrono::seconds>(near).count();
    std::int64_t const seconds = static_cast<std::int64_t>(time >> 32) - kUnixEpochInNtp;
    // How far ahead of `near` it is, in (-era/2, era/2].
    std::int64_t ahead = (seconds - near_seconds) % kEraSeconds;
    if (ahead > kEraSeconds / 2) ahead -= kEraSeconds;
    if (ahead <= -kEraSeconds / 2) ahead += kEraSeconds;
    auto const fraction = static_cast<std::int64_t>(((time & 0xffff'ffffu) * 1'000'000'000u) >> 32);
    return std::chrono::seconds(near_seconds + ahead) + std::chrono::nanoseconds(fraction);
}

}  // namespace ocu::clock
