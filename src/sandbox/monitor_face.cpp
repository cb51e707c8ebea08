// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/monitor_face.h"

#include <nanopb/pb_decode.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace ocu::sandbox {

namespace {

constexpr std::uint16_t kSentryExec = 3;  // MessageType.MESSAGE_SENTRY_EXEC
enum HandshakeField : std::uint32_t { kVersion = 1 };
enum ExecField : std::uint32_t { kBinaryPath = 2, kArguments = 3 };
constexpr std::size_t kPathBytesMax = 160;
constexpr std::string_view kCut = "…";

struct Header {  // little-endian, as on every machine this runs on
    std::uint16_t header_bytes;
    std::uint16_t message_type;
    std::uint32_t dropped;
};
static_assert(sizeof(Header) == 8);

pb_istream_t stream_of(std::span<std::byte const> bytes)
{
    return pb_istream_from_buffer(reinterpret_cast<pb_byte_t const*>(bytes.data()), bytes.size());
}

// A text field, at most `bytes_max` of it. False: it is not one, or its packet ends before it does (and `out` holds what there was).
bool read_text_field(pb_istream_t& stream, std::string& out, std::size_t bytes_max)
{
    std::uint32_t length = 0;
    if (!pb_decode_varint32(&stream, &length)) return false;
    std::size_t const there = std::min<std::size_t>(length, stream.bytes_left);
    out.resize(std::min(there, bytes_max));
    if (!pb_read(&stream, reinterpret_cast<pb_byte_t*>(out.data()), out.size())) return false;
    if (!pb_read(&stream, nullptr, there - out.size())) return false;
    if (length > bytes_max && !out.empty()) out += kCut;
    return there == length;
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

void add_word(std::string& words, std::string_view word)
{
    if (!words.empty()) words += ' ';
    words += word;
}

std::optional<Program> read_program(std::span<std::byte const> message)
{
    pb_istream_t stream = stream_of(message);
    Program program;
    std::string word;
    bool first = true;
    pb_wire_type_t type{};
    std::uint32_t field = 0;
    bool end = false;
    while (pb_decode_tag(&stream, &type, &field, &end)) {
        bool const text = type == PB_WT_STRING;
        bool whole = true;
        if (text && field == kBinaryPath) {
            whole = read_text_field(stream, program.path, kPathBytesMax);
        } else if (text && field == kArguments) {
            whole = read_text_field(stream, word, kProgramWordsBytesMax);
            if (!first)
                add_word(program.words, word);
            else if (file_name(word) != file_name(program.path))
                add_word(program.words, "(as " + word + ")");
            first = false;
        } else {
            whole = pb_skip_field(&stream, type);
        }
        if (!whole) break;
    }
    if (program.words.size() > kProgramWordsBytesMax) program.words.replace(kProgramWordsBytesMax - kCut.size(), std::string::npos, kCut);
    if (program.path.empty()) return std::nullopt;
    return program;
}

}  // namespace

bool is_monitor_handshake(std::span<std::byte const> packet)
{
    pb_istream_t stream = stream_of(packet);
    pb_wire_type_t type{};
    std::uint32_t field = 0;
    std::uint32_t version = 0;
    bool end = false;
    return pb_decode_tag(&stream, &type, &field, &end) && field == kVersion && type == PB_WT_VARINT && pb_decode_varint32(&stream, &version) && version >= 1;
}

std::span<std::byte const> monitor_handshake_answer()
{
    static constexpr std::array kVersionOne{std::byte{kVersion << 3 | PB_WT_VARINT}, std::byte{1}};
    return kVersionOne;
}

std::optional<MonitorPacket> read_monitor_packet(std::span<std::byte const> packet)
{
    Header header{};
    if (packet.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, packet.data(), sizeof header);
    if (header.header_bytes < sizeof header || header.header_bytes > packet.size()) return std::nullopt;
    MonitorPacket out{header.dropped, std::nullopt};
    if (header.message_type == kSentryExec) out.program = read_program(packet.subspan(header.header_bytes));
    return out;
}

}  // namespace ocu::sandbox
