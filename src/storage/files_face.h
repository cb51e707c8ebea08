// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where the file API's requests enter (F11): the head of an HTTP request becomes one thing that is wanted, by somebody who shows something, or an
// answer. Paths are taken apart here, once, and no part of a refused request comes back in its refusal. Pure.
//
//   threats   T-01 nothing is given to anybody unauthenticated   T-02 DNS rebinding: a Host that is not ours is refused first; another site's page
//             that rides on a cookie   T-08 path tricks

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proto/files_front_to_broker.h"
#include "proto/files_front_to_storage.h"
#include "wire/http.h"

namespace ocu::storage {

struct FilesRules {
    std::vector<std::string> hosts;
    bool tls = false;
    bool chat_required = false;
    std::uint64_t upload_bytes_max = 0;
    std::vector<std::string> ancestors;
};

enum class FilesOperation {
    list,
    manifest,
    download,
    preview,
    upload,
    form,
    remove,
    archive,
    embed_token,
    begin_session,
    show_session,
    end_session,
};

struct FilesRequest {
    FilesOperation operation{};
    std::string path{};  // "uploads/a"; empty: both areas
    std::string after{};  // of a page
    std::uint32_t limit = 0;
    proto::Downloadable downloadable = proto::Downloadable::yes;
    std::string boundary{};  // of a form
    proto::FilesShown shown{};
    std::string secret{};
    std::string csrf{};
    std::string chat{};
    std::string caller{};  // whom an embed token is for, where that is said
    proto::Intents intents = 0;
    bool changes = false;
};

using FilesDecision = std::variant<wire::HttpResponse, FilesRequest>;

// `body` of the request is not looked at.
FilesDecision judge_files_request(FilesRules const& rules, wire::HttpRequest const& request, std::string_view trace);
// How its body is taken, from the same decision.
wire::HttpBodyChoice body_of(FilesRules const& rules, FilesDecision decision);
// The body of POST /v1/embed-tokens and /v1/session.
struct TokenWish {
    proto::Intents intents = 0;
    std::string caller;  // empty: whoever asks
};
std::optional<TokenWish> token_wish_in(std::string_view json);
std::optional<std::string> token_in(std::string_view json);

std::string cursor_of(std::string_view path);
std::string cookie_header(FilesRules const& rules, std::string_view value, std::uint32_t life_s);

}  // namespace ocu::storage
