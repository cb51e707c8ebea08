// SPDX-License-Identifier: GPL-3.0-or-later
#include "clock/nts_ke_face.h"

#include <arpa/inet.h>

#include <array>
#include <string>

#include "clock/big_endian.h"
#include "clock/limits.h"

namespace ocu::clock {

namespace {

constexpr std::uint16_t kCritical = 0x8000;
constexpr std::size_t kHeadBytes = 4;
constexpr std::uint16_t kNtpV4 = 0;
constexpr std::uint16_t kAesSivCmac256 = 15;

enum RecordType : std::uint16_t {
    end_of_message = 0,
    next_protocol = 1,
    error = 2,
    warning = 3,
    algorithm = 4,
    new_cookie = 5,
    ntp_server = 6,
    ntp_port = 7,
};

struct Record {
    std::uint16_t type;
    bool critical;
    std::span<std::byte const> body;
};

// Both families in one shape, so that two spellings of one address are equal.
std::optional<std::array<unsigned char, 17>> numeric(std::string const& text)
{
    std::array<unsigned char, 17> out{};
    for (int const family : {AF_INET, AF_INET6}) {
        out[0] = static_cast<unsigned char>(family);
        if (::inet_pton(family, text.c_str(), out.data() + 1) == 1) return out;
    }
    return std::nullopt;
}

struct Reader {
    Result<void> take(Record const& record);
    Result<void> take_negotiated(Record const& record, bool& taken, std::uint16_t wanted) const;
    Result<void> take_cookie(std::span<std::byte const> body);
    Result<void> take_server(std::span<std::byte const> body);
    Result<void> take_port(std::span<std::byte const> body);

    std::string address;
    KeAnswer answer;
    bool protocol = false;
    bool aead = false;
    bool server = false;
    bool port = false;
    bool ended = false;
};

// Of what we offered the server takes one, or answers with an empty list that it has none of it.
Result<void> Reader::take_negotiated(Record const& record, bool& taken, std::uint16_t wanted) const
{
    if (std::exchange(taken, true)) return fail(Fault::malformed, "NTS-KE: negotiated twice");
    if (record.body.empty()) return fail(Fault::not_found, "NTS-KE: nothing in common");
    if (record.body.size() != 2) return fail(Fault::malformed, "NTS-KE: not one choice");
    if (get_big<std::uint16_t>(record.body, 0) != wanted) return fail(Fault::malformed, "NTS-KE: chose what was not offered");
    return {};
}

Result<void> Reader::take_cookie(std::span<std::byte const> body)
{
    if (body.empty() || body.size() % 4 != 0 || body.size() > kCookieBytesMax) return fail(Fault::malformed, "NTS-KE: cookie's size");
    if (answer.cookies.size() < kCookiesMax) answer.cookies.emplace_back(body.begin(), body.end());
    return {};
}

Result<void> Reader::take_server(std::span<std::byte const> body)
{
    if (std::exchange(server, true)) return fail(Fault::malformed, "NTS-KE: two servers");
    if (body.empty() || body.size() > 255) return fail(Fault::malformed, "NTS-KE: server's size");
    // A name would have to be resolved, and another address would have to be reached: the manifest has named one, and that is all there is.
    std::string const text(reinterpret_cast<char const*>(body.data()), body.size());
    if (text.find('\0') != std::string::npos) return fail(Fault::malformed, "NTS-KE: server's text");
    auto const named = numeric(text);
    if (!named || named != numeric(address)) return fail(Fault::conflict, "NTS-KE: another server");
    return {};
}

Result<void> Reader::take_port(std::span<std::byte const> body)
{
    if (std::exchange(port, true)) return fail(Fault::malformed, "NTS-KE: two ports");
    if (body.size() != 2) return fail(Fault::malformed, "NTS-KE: port's size");
    answer.port = get_big<std::uint16_t>(body, 0);
    if (answer.port == 0) return fail(Fault::malformed, "NTS-KE: port 0");
    return {};
}

Result<void> Reader::take(Record const& record)
{
    switch (record.type) {
    case end_of_message:
        if (!record.body.empty() || !record.critical) return fail(Fault::malformed, "NTS-KE: end of message");
        ended = true;
        return {};
    case next_protocol: return take_negotiated(record, protocol, kNtpV4);
    case algorithm: return take_negotiated(record, aead, kAesSivCmac256);
    case error:
    case warning:  // no warning is defined: one that we do not understand is treated as an error
        return fail(Fault::denied, "NTS-KE: the server refuses");
    case new_cookie: return take_cookie(record.body);
    case ntp_server: return take_server(record.body);
    case ntp_port: return take_port(record.body);
    default:
        if (record.critical) return fail(Fault::malformed, "NTS-KE: unknown critical record");
        return {};
    }
}

void put_record(wire::Bytes& out, std::uint16_t type, std::initializer_list<std::uint16_t> body)
{
    put_big(out, static_cast<std::uint16_t>(kCritical | type));
    put_big(out, static_cast<std::uint16_t>(2 * body.size()));
    for (auto const value : body) put_big(out, value);
}

}  // namespace

wire::Bytes compose_ke_request()
{
    wire::Bytes out;
    put_record(out, next_protocol, {kNtpV4});
    put_record(out, algorithm, {kAesSivCmac256});
    put_record(out, end_of_message, {});
    return out;
}

Result<KeAnswer> parse_ke_answer(std::span<std::byte const> bytes, std::string_view address)
{
    if (bytes.size() > kKeAnswerBytesMax) return fail(Fault::over_limit, "NTS-KE: too long");
    Reader reader;
    reader.address = address;
    while (!reader.ended) {
        if (bytes.size() < kHeadBytes) return fail(Fault::unavailable, "NTS-KE: not complete");
        auto const head = get_big<std::uint16_t>(bytes, 0);
        std::size_t const size = get_big<std::uint16_t>(bytes, 2);
        if (size > kKeAnswerBytesMax) return fail(Fault::over_limit, "NTS-KE: record too long");
        if (bytes.size() - kHeadBytes < size) return fail(Fault::unavailable, "NTS-KE: not complete");
        OCU_CHECK(reader.take({static_cast<std::uint16_t>(head & ~kCritical), (head & kCritical) != 0, bytes.subspan(kHeadBytes, size)}));
        bytes = bytes.subspan(kHeadBytes + size);
    }
    if (!bytes.empty()) return fail(Fault::malformed, "NTS-KE: something after the end");
    if (!reader.protocol || !reader.aead) return fail(Fault::malformed, "NTS-KE: nothing was negotiated");
    if (reader.answer.cookies.empty()) return fail(Fault::malformed, "NTS-KE: no cookie");
    return std::move(reader.answer);
}

}  // namespace ocu::clock
