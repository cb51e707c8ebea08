// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Bytes that a guest sent as an image or an archive are opened by nobody but the `parser` helper, which storage owns; the files of a session
// are known to nobody but its `broker`, which storage owns too.

#include "base/id.h"
#include "proto/resource.h"
#include "proto/tool.h"
#include "wire/mailbox.h"

namespace ocu::proto {

struct InspectBody {
    CallId call;
    Content content;  // image or archive
    wire::Text<kAnswerBytesMax> body;
};

// What may be shown: an image of at most 1280 px a side (content image, mime set), or text that says what was found.
struct BodyInspected {
    CallId call;
    bool good = false;
    Content content = Content::text;
    wire::Text<64> mime;
    wire::Text<kAnswerBytesMax> body;
};

// A file of this session, or their list, for a caller. Answered within seconds, whatever becomes of the broker.
struct ResourceWanted {
    CallId call;
    SessionId session;
    ResourceAsk ask;
};

struct ResourceTold {
    CallId call;
    ResourceAnswer answer;
};

using GatewayToStorage = wire::Mailbox<InspectBody, ResourceWanted>;
using StorageToGateway = wire::Mailbox<BodyInspected, ResourceTold>;

}  // namespace ocu::proto
