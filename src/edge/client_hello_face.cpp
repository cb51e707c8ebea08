// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/client_hello_face.h"

#include <algorithm>
#include <optional>

#include "edge/host_name.h"

namespace ocu::edge {

namespace {

using Bytes = std::span<std::uint8_t const>;

constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kClientHello = 1;
constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kRecordBytesMax = 1u << 14;
constexpr std::size_t kHandshakeHeaderBytes = 4;
constexpr std::size_t kProtocolsMax = 32;
constexpr std::size_t kVersionsMax = 32;
constexpr std::uint16_t kServerName = 0;
constexpr std::uint16_t kAlpn = 16;
constexpr std::uint16_t kSupportedVersions = 43;
constexpr std::uint16_t kPreSharedKey = 41;
constexpr std::uint16_t kEncryptedHello = 0xfe0d;
constexpr std::uint16_t kEncryptedNameDraft = 0xffce;  // what ECH was before: it hides the name as well
constexpr std::uint8_t kHostNameType = 0;

// Takes fields off the front. Once something was not there, everything is empty and good() is false.
class Reader {
public:
    explicit Reader(Bytes bytes) : rest_(bytes) {}

    std::size_t number(std::size_t size)
    {
        std::size_t value = 0;
        for (auto const byte : take(size)) value = value << 8 | byte;
        return value;
    }
    Bytes take(std::size_t size)
    {
        if (!good_ || rest_.size() < size) {
            good_ = false;
            return {};
        }
        auto const head = rest_.first(size);
        rest_ = rest_.subspan(size);
        return head;
    }
    // What a length of `length_bytes` says.
    Bytes vector(std::size_t length_bytes) { return take(number(length_bytes)); }
    bool good() const { return good_; }
    bool at_end() const { return rest_.empty(); }
    bool done() const { return good_ && rest_.empty(); }

private:
    Bytes rest_;
    bool good_ = true;
};

// Values that clients send so that servers learn to ignore the unknown (RFC 8701).
bool is_grease(std::size_t value) { return (value & 0x0f0f) == 0x0a0a && (value >> 8) == (value & 0xff); }

// SSL 2 and the hello that SSL 3 clients sent to it: no server name, and not to be carried as some unknown protocol.
bool begins_as_ssl2(Bytes bytes)
{
    if (bytes.size() < 5 || (bytes[0] & 0x80) == 0 || bytes[2] != kClientHello) return false;
    return (bytes[3] == 0 && bytes[4] == 2) || (bytes[3] == 3 && bytes[4] <= 4);
}

bool may_begin_ssl2(Bytes bytes)
{
    return !bytes.empty() && (bytes[0] & 0x80) != 0 && (bytes.size() < 3 || bytes[2] == kClientHello) &&
           (bytes.size() < 4 || bytes[3] == 0 || bytes[3] == 3) && bytes.size() < 5;
}

// The records' contents so far, put together.
struct Message {
    HelloState state = HelloState::need_more;
    std::vector<std::uint8_t> bytes;
    std::size_t taken = 0;
};

std::size_t size_of(std::vector<std::uint8_t> const& message)
{
    return kHandshakeHeaderBytes + (static_cast<std::size_t>(message[1]) << 16 | static_cast<std::size_t>(message[2]) << 8 | message[3]);
}

// What is wrong already in a header that is not whole, so that nobody waits for the rest of it.
bool header_is_wrong(Bytes head)
{
    if (head[0] != kHandshake || (head.size() > 1 && head[1] != 3) || (head.size() > 2 && head[2] > 4)) return true;
    if (head.size() < kRecordHeaderBytes) return false;
    std::size_t const size = static_cast<std::size_t>(head[3]) << 8 | head[4];
    return size == 0 || size > kRecordBytesMax;
}

Message join_records(Bytes received)
{
    Message message;
    while (message.taken < received.size()) {
        auto const rest = received.subspan(message.taken);
        auto const head = rest.first(std::min(rest.size(), kRecordHeaderBytes));
        if (header_is_wrong(head)) {
            message.state = HelloState::malformed;
            return message;
        }
        if (head.size() < kRecordHeaderBytes) return message;
        std::size_t const size = static_cast<std::size_t>(head[3]) << 8 | head[4];
        auto const body = rest.subspan(kRecordHeaderBytes, std::min(size, rest.size() - kRecordHeaderBytes));
        message.bytes.insert(message.bytes.end(), body.begin(), body.end());
        bool const typed = !message.bytes.empty(), sized = message.bytes.size() >= kHandshakeHeaderBytes;
        // Too large is known from its own length. A record that goes on after the message would hide a second one.
        bool const too_large = sized && size_of(message.bytes) > kHelloBytesMax;
        bool const goes_on = sized && message.bytes.size() - body.size() + size > size_of(message.bytes);
        if ((typed && message.bytes[0] != kClientHello) || too_large || goes_on ||
            message.taken + kRecordHeaderBytes + size > 2 * kHelloBytesMax) {
            message.state = HelloState::malformed;
            return message;
        }
        if (body.size() < size) return message;
        message.taken += kRecordHeaderBytes + size;
        if (sized && message.bytes.size() == size_of(message.bytes)) {
            message.state = HelloState::whole;
            return message;
        }
    }
    return message;
}

std::string printable(Bytes bytes)
{
    std::string out(bytes.begin(), bytes.end());
    for (char& c : out)
        if (c <= ' ' || c >= 0x7f) c = '?';
    return out;
}

// One entry, of the one type that there is.
bool read_server_name(Bytes body, ClientHello& hello)
{
    Reader outer(body);
    Reader list(outer.vector(2));
    auto const type = list.number(1);
    auto const name = list.vector(2);
    if (!outer.done() || !list.done() || type != kHostNameType) return false;
    hello.server_name.assign(name.begin(), name.end());
    for (char& c : hello.server_name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return is_host_name(hello.server_name);
}

bool read_protocols(Bytes body, ClientHello& hello)
{
    Reader outer(body);
    Reader list(outer.vector(2));
    if (!outer.done() || list.at_end()) return false;
    while (list.good() && !list.at_end()) {
        auto const protocol = list.vector(1);
        if (protocol.empty() || hello.protocols.size() == kProtocolsMax) return false;
        hello.protocols.push_back(printable(protocol));
    }
    return list.good();
}

bool read_versions(Bytes body, ClientHello& hello)
{
    Reader outer(body);
    Reader list(outer.vector(1));
    if (!outer.done() || list.at_end()) return false;
    std::vector<std::uint16_t> versions;
    while (list.good() && !list.at_end()) {
        auto const version = list.number(2);
        if (versions.size() == kVersionsMax) return false;
        if (!is_grease(version)) versions.push_back(static_cast<std::uint16_t>(version));
    }
    hello.versions = std::move(versions);
    return list.good();
}

bool read_extensions(Bytes block, ClientHello& hello)
{
    Reader list(block);
    std::vector<std::uint16_t> seen;
    while (list.good() && !list.at_end()) {
        // RFC 8446: nothing follows it, since it signs all before.
        if (!seen.empty() && seen.back() == kPreSharedKey) return false;
        auto const type = static_cast<std::uint16_t>(list.number(2));
        auto const body = list.vector(2);
        if (!list.good()) return false;
        seen.push_back(type);
        bool good = true;
        switch (type) {
        case kServerName: good = read_server_name(body, hello); break;
        case kAlpn: good = read_protocols(body, hello); break;
        case kSupportedVersions: good = read_versions(body, hello); break;
        case kEncryptedHello:
        case kEncryptedNameDraft: hello.encrypted = true; break;
        default: break;
        }
        if (!good) return false;
    }
    std::ranges::sort(seen);
    return list.good() && std::ranges::adjacent_find(seen) == seen.end();
}

bool read_hello(Bytes message, ClientHello& hello)
{
    constexpr std::size_t kRandomBytes = 32, kSessionIdBytesMax = 32;
    Reader in(message.subspan(kHandshakeHeaderBytes));
    auto const version = in.number(2);
    (void)in.take(kRandomBytes);
    auto const session_id = in.vector(1);
    auto const suites = in.vector(2);
    auto const compressions = in.vector(1);
    if (!in.good() || version >> 8 != 3 || version > 0x0303 || session_id.size() > kSessionIdBytesMax) return false;
    // Compression is off in every version that is still spoken; others only let an observer guess.
    if (suites.empty() || suites.size() % 2 != 0 || compressions.size() != 1 || compressions[0] != 0) return false;
    hello.versions = {static_cast<std::uint16_t>(version)};
    if (in.at_end()) return true;
    auto const extensions = in.vector(2);
    return in.done() && read_extensions(extensions, hello);
}

}  // namespace

ClientHello read_client_hello(Bytes received)
{
    ClientHello hello;
    if (received.empty() || may_begin_ssl2(received)) return hello;
    if (received[0] != kHandshake) {
        hello.state = begins_as_ssl2(received) ? HelloState::malformed : HelloState::not_tls;
        return hello;
    }
    auto const message = join_records(received);
    hello.state = message.state;
    if (message.state != HelloState::whole) return hello;
    if (!read_hello(message.bytes, hello)) return ClientHello{HelloState::malformed, {}, {}, false, {}, 0};
    hello.bytes = message.taken;
    return hello;
}

}  // namespace ocu::edge
