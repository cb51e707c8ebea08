// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// F11 behind the face: files-front has parsed the head of a request and says only this to the storage thread: who it claims to come from and what
// it wants to do. The digests and tables that this is judged by never leave the thread; what comes back is a channel to that one session's
// broker, good for that one request, or a reason.

#include <array>

#include "base/id.h"
#include "proto/reason.h"
#include "proto/tool.h"
#include "proto/type.h"
#include "wire/http_access.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

// What a request may do with files (SB-5). A set of them: bits.
using Intents = std::uint8_t;
inline constexpr Intents kReadIntent = 1, kPreviewIntent = 2, kWriteIntent = 4, kAllIntents = 7;

inline constexpr std::size_t kFilesTraceBytesMax = 64;
inline constexpr std::size_t kFilesTokenBytesMax = 64;  // 256 bits in base64url, with room
inline constexpr std::size_t kFilesPathOnRecordBytesMax = 512;

// Descriptors: [0] the listening socket; [1] with `tls`, where custody writes the identity (helper/identity.h).
struct FilesFrontConfig {
    wire::List<wire::Text<255>, 96> hosts;  // values of Host that are ours, port included where it is not the scheme's own
    bool tls = false;
    bool chat_id_required = false;
    std::uint64_t upload_bytes_max = 0;
    wire::List<wire::Text<255>, 64> ancestors;  // origins that may show the page in a frame

    static void fields(auto& wire, auto& m) { wire(m.hosts, m.tls, m.chat_id_required, m.upload_bytes_max, m.ancestors); }
};

enum class FilesWant : std::uint8_t { channel, embed_token, begin_session, show_session, end_session, kLast = end_session };
// What `secret` is. Of an embed token nothing but begin_session can be asked.
enum class FilesShown : std::uint8_t { bearer, cookie, embed_token, kLast = embed_token };

struct FilesAsk {
    static constexpr Type kType = Type::files_ask;
    RequestId request;
    FilesWant want{};
    FilesShown shown{};
    wire::Text<wire::kBearerBytesMax> secret;
    wire::Text<kFilesTokenBytesMax> csrf;
    bool changes = false;  // with a cookie, `csrf` must be that session's
    bool makes = false;  // a session, where there is none
    wire::Text<kChatIdBytesMax> chat;  // with a bearer; a cookie's chat is known
    Intents intents = 0;
    wire::Text<kFilesTraceBytesMax> trace;
    wire::Text<64> caller;  // for whom an embed token is wanted, where that is said

    static void fields(auto& wire, auto& m)
    {
        wire(m.request, m.want, m.shown, m.secret, m.csrf, m.changes, m.makes, m.chat, m.intents, m.trace, m.caller);
    }
};

// No, and why; or what was asked for other than a channel.
struct FilesAnswer {
    static constexpr Type kType = Type::files_answer;
    RequestId request;
    Reason reason = Reason::none;
    std::uint32_t retry_after_s = 0;
    wire::Text<kFilesTokenBytesMax> secret;  // an embed token, or a cookie's value
    wire::Text<kFilesTokenBytesMax> csrf;
    Intents intents = 0;
    std::uint32_t expires_in_s = 0;

    static void fields(auto& wire, auto& m) { wire(m.request, m.reason, m.retry_after_s, m.secret, m.csrf, m.intents, m.expires_in_s); }
};

// With it comes the channel: proto/files_front_to_broker.h is spoken on it.
struct FilesOpened {
    static constexpr Type kType = Type::files_opened;
    RequestId request;

    static void fields(auto& wire, auto& m) { wire(m.request); }
};

// The front itself has said no, before anybody was authorized: for the record, under the correlation id that the client was shown.
struct FilesRefusal {
    static constexpr Type kType = Type::files_refusal;
    wire::Text<kFilesTraceBytesMax> trace;
    wire::Text<48> code;

    static void fields(auto& wire, auto& m) { wire(m.trace, m.code); }
};

inline constexpr std::array kFilesFrontMaySend{
    wire::Permit{static_cast<std::uint16_t>(Type::files_ask), 0, 1024},
    wire::Permit{static_cast<std::uint16_t>(Type::files_refusal), 0, 256},
};
inline constexpr std::array kStorageMaySendFilesFront{
    wire::Permit{static_cast<std::uint16_t>(Type::files_answer), 0, 256},
    wire::Permit{static_cast<std::uint16_t>(Type::files_opened), 1, 8},
};

}  // namespace ocu::proto
