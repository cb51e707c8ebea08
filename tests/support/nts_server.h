// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The other side of Network Time Security, as far as tests need it: records and packets as a server writes them, right or wrong.

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/crypto/aes_siv.h"
#include "clock/big_endian.h"
#include "clock/nts_ntp_face.h"

namespace ocu::test {

inline wire::Bytes ke_record(std::uint16_t head, std::span<std::byte const> body)
{
    wire::Bytes out;
    clock::put_big(out, head);
    clock::put_big(out, static_cast<std::uint16_t>(body.size()));
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

inline wire::Bytes ke_record(std::uint16_t head, std::initializer_list<std::uint16_t> numbers)
{
    wire::Bytes body;
    for (auto const each : numbers) clock::put_big(body, each);
    return ke_record(head, body);
}

inline wire::Bytes ke_record(std::uint16_t head, std::string_view text) { return ke_record(head, std::as_bytes(std::span(text))); }

inline wire::Bytes joined(std::initializer_list<wire::Bytes> parts)
{
    wire::Bytes out;
    for (auto const& each : parts) out.insert(out.end(), each.begin(), each.end());
    return out;
}

inline wire::Bytes ntp_field(std::uint16_t type, std::span<std::byte const> body)
{
    wire::Bytes out;
    clock::put_big(out, type);
    clock::put_big(out, static_cast<std::uint16_t>(4 + body.size()));
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

struct NtpServed {
    unsigned first = 0x24;  // leap, version, mode
    std::uint8_t stratum = 2;
    std::uint32_t root_delay = 0x100;
    std::uint32_t root_dispersion = 0x100;
    std::uint32_t reference_id = 0;
    clock::NtpTimestamp received = 0;
    clock::NtpTimestamp sent = 0;
};

// The header and the identifier: all that a server says without keys.
inline wire::Bytes ntp_head(clock::NtpQuestion const& question, NtpServed const& served)
{
    wire::Bytes out;
    out.push_back(static_cast<std::byte>(served.first));
    out.push_back(static_cast<std::byte>(served.stratum));
    out.resize(4);
    clock::put_big(out, served.root_delay);
    clock::put_big(out, served.root_dispersion);
    clock::put_big(out, served.reference_id);
    out.resize(24);
    out.insert(out.end(), question.transmit.begin(), question.transmit.end());
    clock::put_big(out, served.received);
    clock::put_big(out, served.sent);
    auto const identifier = ntp_field(0x0104, question.unique_id);
    out.insert(out.end(), identifier.begin(), identifier.end());
    return out;
}

// With `plain` sealed behind it.
inline wire::Bytes ntp_sealed(wire::Bytes packet, Secret const& server_key, std::span<std::byte const> plain = {})
{
    std::array<std::byte, 16> nonce{};
    nonce.fill(std::byte{7});
    auto const sealed = crypto::siv_seal(server_key, {packet, nonce}, plain).value();
    wire::Bytes body;
    clock::put_big(body, static_cast<std::uint16_t>(nonce.size()));
    clock::put_big(body, static_cast<std::uint16_t>(sealed.size()));
    body.insert(body.end(), nonce.begin(), nonce.end());
    body.insert(body.end(), sealed.begin(), sealed.end());
    body.resize((body.size() + 3) / 4 * 4);
    auto const field = ntp_field(0x0404, body);
    packet.insert(packet.end(), field.begin(), field.end());
    return packet;
}

}  // namespace ocu::test
