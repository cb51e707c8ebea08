// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Who asks for files, and what for: a caller's key, or a browser's cookie that one of its embed tokens was exchanged for. Tables of the storage
// thread; a process that is taken over at the front finds none of it. Tokens and cookies are 256 random bits and kept as their digests; what expires
// does so on the monotonic clock (invariant 10). Pure.
//
//   threats   T-01 a stranger, or a token used twice   T-02 another site's page that rides on a browser's cookie   T-06 a flood

#include <expected>
#include <map>

#include "base/clock.h"
#include "base/crypto/crypto.h"
#include "helper/callers.h"
#include "helper/rate.h"
#include "proto/files_front_to_storage.h"

namespace ocu::storage {

struct FilesCaller {
    CallerId caller;
    std::string name;
    std::string chat;
    proto::Intents intents = 0;
    std::string maker{};  // whose key made the token, if it is not the caller's own
    CallerId maker_id{};
};

// The key of a web application that embeds the page (files.embed.keys): it makes embed tokens for the callers that it names, and that is all it does.
struct EmbedKey {
    helper::Caller key;  // its id is its own, apart from all callers'
    std::vector<std::string> callers;
};

struct FilesRefused {
    proto::Reason reason{};
    std::string name{};  // whose, where that is known
    std::uint32_t retry_after_s = 0;
};

template <class T>
using FilesVerdict = std::expected<T, FilesRefused>;

class FilesAccess {
public:
    struct Limits {
        std::size_t requests_per_minute_max = 6'000;  // of a caller, its browsers included
    };
    struct Browser {
        std::string cookie;  // told once
        std::string csrf;
        proto::Intents intents = 0;
        std::chrono::seconds expires_in{};
    };
    struct Token {
        std::string token;  // told once
        std::chrono::seconds expires_in{};
    };

    FilesAccess(Clock const& clock, std::vector<helper::Caller> callers, std::vector<EmbedKey> embed_keys, Limits limits);

    // Who is let in from now on. Tokens and browsers of those who are not any more are forgotten.
    void callers_are(std::vector<helper::Caller> callers);

    // unauthorized; forbidden (an intent that it has not, a change without its CSRF token, an embed key that asks for anything but a token, or for a
    // caller that it does not name); rate_exceeded.
    FilesVerdict<FilesCaller> judge(proto::FilesAsk const& ask);

    // For that caller and chat, with these intents of its own. too_many_calls when too many wait.
    FilesVerdict<Token> make_token(FilesCaller const& who, proto::Intents intents);
    // Each token once.
    FilesVerdict<Browser> begin(std::string_view token, FilesCaller& who);
    FilesVerdict<Browser> show(std::string_view cookie) const;
    void end(std::string_view cookie);

private:
    struct Waiting {
        FilesCaller who;
        Monotonic until;
    };
    struct Open {
        FilesCaller who;
        std::string csrf;
        Monotonic until;
    };
    FilesVerdict<FilesCaller> bearer(proto::FilesAsk const& ask) const;
    FilesVerdict<FilesCaller> embed_key(proto::FilesAsk const& ask, helper::Caller const& key) const;
    FilesVerdict<FilesCaller> cookie(proto::FilesAsk const& ask) const;
    void forget_expired();

    Clock const& clock_;
    std::vector<helper::Caller> declared_;
    helper::Callers callers_;
    std::vector<EmbedKey> embedders_;
    helper::Callers embed_keys_;
    Limits limits_;
    std::map<crypto::Digest, Waiting> tokens_;
    std::map<crypto::Digest, Open> browsers_;
    std::map<CallerId, helper::RateLimit> rates_;
};

}  // namespace ocu::storage
