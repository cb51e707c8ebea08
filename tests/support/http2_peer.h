// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A peer that speaks HTTP/2 in bytes: client or server, with every stream's story kept; and frames written by hand, for what no peer sends.

#include <map>
#include <string>
#include <vector>

#include "wire/http2_session.h"

namespace test_support {

using namespace ocu;
using namespace ocu::wire;

class Http2Peer final : public Http2Events {
public:
    struct Story {
        std::vector<Http2Fields> heads;
        Http2Fields trailers;
        std::string body;
        bool over = false;  // the other side has said all
        bool closed = false;
        std::uint32_t error = 0;
        std::string status() const { return heads.empty() ? std::string{} : field(heads.back(), ":status"); }
    };
    struct Saying {
        std::string text;
        bool all = false;
        Http2Fields trailers;
    };

    explicit Http2Peer(Http2Session::Side side) : session_(*Http2Session::make(side, *this)) {}

    static std::string field(Http2Fields const& fields, std::string_view name)
    {
        for (auto const& each : fields)
            if (each.name == name) return each.value;
        return {};
    }
    static Http2Fields get(std::string const& authority, std::string const& path = "/", std::string const& method = "GET")
    {
        return {{":method", method}, {":scheme", "https"}, {":authority", authority}, {":path", path}};
    }

    Http2Session& session() { return *session_; }
    Http2StreamId ask(Http2Fields const& fields) { return session_->request(fields, Http2Session::Body::none, Http2Session::Secret::none); }
    Http2StreamId ask_with_body(Http2Fields const& fields)
    {
        return session_->request(fields, Http2Session::Body::follows, Http2Session::Secret::none);
    }
    void say(Http2StreamId stream, std::string text, bool all = false, Http2Fields trailers = {})
    {
        auto& saying = sayings[stream];
        saying.text += text;
        saying.all = all;
        saying.trailers = std::move(trailers);
        session_->resume(stream);
    }
    // A whole answer.
    void answer(Http2StreamId stream, Http2Fields fields, std::string text, Http2Fields trailers = {})
    {
        session_->respond(stream, fields, Http2Session::Body::follows);
        say(stream, std::move(text), true, std::move(trailers));
    }
    void hear(std::string_view bytes) { alive = alive && session_->feed(bytes); }
    std::string speak()
    {
        std::string out;
        for (auto more = session_->next(); !more.empty(); more = session_->next()) out += more;
        return out;
    }

    void head_begun() override {}
    void head(Http2StreamId stream, Head kind, Http2Fields fields, Http2End end, Fits) override
    {
        auto& story = stories[stream];
        if (kind == Head::first)
            story.heads.push_back(std::move(fields));
        else
            story.trailers = std::move(fields);
        story.over = story.over || end == Http2End::stream;
    }
    void data(Http2StreamId stream, std::string_view bytes) override
    {
        stories[stream].body += bytes;
        if (reads) session_->consume(stream, bytes.size());
    }
    void data_over(Http2StreamId stream) override { stories[stream].over = true; }
    void closed(Http2StreamId stream, std::uint32_t error) override
    {
        stories[stream].closed = true;
        stories[stream].error = error;
    }
    void end_sent(Http2StreamId) override {}
    void went_away() override { away = true; }
    void broken(Http2StreamId) override { ++faults; }
    void control(unsigned) override {}
    Http2Pull pull(Http2StreamId stream, std::span<char> into) override
    {
        auto& saying = sayings[stream];
        auto const size = std::min(into.size(), saying.text.size());
        std::copy_n(saying.text.begin(), size, into.begin());
        saying.text.erase(0, size);
        if (saying.text.empty() && saying.all) return {size, Http2Pull::More::over, saying.trailers};
        return {size, size == 0 ? Http2Pull::More::later : Http2Pull::More::some, {}};
    }

    std::map<Http2StreamId, Story> stories;
    std::map<Http2StreamId, Saying> sayings;
    bool reads = true;
    bool away = false;
    bool alive = true;
    int faults = 0;

private:
    std::unique_ptr<Http2Session> session_;
};

// Frames by hand: RFC 9113, 4.1.
inline std::string const kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum : unsigned char {
    kDataFrame = 0,
    kHeadersFrame = 1,
    kResetFrame = 3,
    kSettingsFrame = 4,
    kPingFrame = 6,
    kWindowFrame = 8,
    kContinuationFrame = 9
};
enum : unsigned char { kEndStream = 1, kEndHeaders = 4 };

inline std::string number(std::uint64_t value, int bytes)
{
    std::string out;
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
    return out;
}
inline std::string frame(unsigned char type, unsigned char flags, std::uint32_t stream, std::string const& payload)
{
    return number(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) + number(stream, 4) + payload;
}
// Literal, not indexed, not Huffman-coded: RFC 7541, 6.2.2.
inline std::string literal(std::string const& text)
{
    if (text.size() < 127) return static_cast<char>(text.size()) + text;
    std::string out(1, '\x7f');
    auto rest = text.size() - 127;
    for (; rest >= 128; rest /= 128) out += static_cast<char>(rest % 128 + 128);
    return out + static_cast<char>(rest) + text;
}
inline std::string block(Http2Fields const& fields)
{
    std::string out;
    for (auto const& each : fields) out += '\0' + literal(each.name) + literal(each.value);
    return out;
}
inline std::string headers(std::uint32_t stream, Http2Fields const& fields, unsigned char flags = kEndStream | kEndHeaders)
{
    return frame(kHeadersFrame, flags, stream, block(fields));
}
inline std::string opening() { return kPreface + frame(kSettingsFrame, 0, 0, {}); }

}  // namespace test_support
