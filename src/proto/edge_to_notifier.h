// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper that speaks with the webhook, and the thread that has something to tell it. The thread has each connection dialled and hands it
// over; the helper does TLS and one POST on it, and says what came of it. It holds no key: the signature comes with each notice. It opens
// nothing, decides nothing and keeps nothing (docs/decisions/0020-webhook.md).
// Configuration: NotifierConfig; one descriptor: a file of PEM certificates that does not change, the roots.

#include <array>

#include "base/id.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kNoticeBytesMax = 4096;

struct NotifierConfig {
    wire::Text<253> name;  // what the certificate must be for: a DNS name, or a numeric address
    wire::Text<300> authority;  // of the URL, as Host is written
    wire::Text<1024> target;  // path and query
    bool tls = true;

    static void fields(auto& wire, auto& m) { wire(m.name, m.authority, m.target, m.tls); }
};

// With one descriptor: the connection. Answered once, within kPostWait (wire/http_post.h).
struct PostNotice {
    static constexpr Type kType = Type::post_notice;
    RequestId request;
    wire::Text<64> id;  // hex: the same for every attempt
    wire::Text<128> signature;  // t=...,v1=...
    wire::Text<kNoticeBytesMax> body;

    static void fields(auto& wire, auto& m) { wire(m.request, m.id, m.signature, m.body); }
};

enum class PostEnding : std::uint8_t {
    answered,  // `status` says how
    tls,  // not who it should be; `word` says why
    closed,  // it went away before it had answered
    grammar,  // what it said is not HTTP
    too_large,  // its head
    timed_out,
    kLast = timed_out
};

constexpr std::string_view name_of(PostEnding ending)
{
    constexpr std::string_view kNames[] = {"answered", "tls", "closed", "grammar", "too_large", "timed_out"};
    return kNames[static_cast<std::size_t>(ending)];
}

struct NoticePosted {
    static constexpr Type kType = Type::notice_posted;
    RequestId request;
    PostEnding ending{};
    std::uint16_t status = 0;
    wire::Text<16> word;  // from a closed list of ours

    static void fields(auto& wire, auto& m) { wire(m.request, m.ending, m.status, m.word); }
};

inline constexpr std::array kEdgeToNotifier{
    wire::Permit{static_cast<std::uint16_t>(Type::post_notice), 1, 8 + 4 + 64 + 4 + 128 + 4 + kNoticeBytesMax},
};
inline constexpr std::array kNotifierToEdge{
    wire::Permit{static_cast<std::uint16_t>(Type::notice_posted), 0, 64},
};

}  // namespace ocu::proto
