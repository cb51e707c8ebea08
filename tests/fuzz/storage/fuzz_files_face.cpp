// SPDX-License-Identifier: GPL-3.0-or-later
// Face: requests to the files front. Every one is a wanted thing whose path has been taken apart, or an answer that repeats nothing of it.
#include <array>
#include <string_view>

#include "base/assert.h"
#include "storage/file_service.h"
#include "storage/files_face.h"
#include "storage/page_assets.h"
#include "storage/files_text.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu::storage;
    std::string_view rest(reinterpret_cast<char const*>(data), size);
    auto const line = [&rest] {
        auto const end = std::min(rest.find('\n'), rest.size());
        std::string out(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return out;
    };
    ocu::wire::HttpRequest request;
    request.method = line();
    request.target = line();
    request.headers.push_back({"Host", line()});
    constexpr std::array kNames{"Authorization", "Cookie", "X-CSRF-Token", "Origin", "Content-Type", "X-Chat-Id", "X-Downloadable"};
    for (std::size_t i = 0; !rest.empty(); ++i) request.headers.push_back({kNames[i % kNames.size()], line()});
    FilesRules const rules{{"localhost:8812"}, true, false, 1000, {}};
    auto const decision = judge_files_request(rules, request, "trace");
    (void)body_of(rules, decision);
    (void)token_wish_in(request.target);
    (void)token_in(request.target);
    (void)range_of(request.target, size);
    if (auto const* const response = std::get_if<ocu::wire::HttpResponse>(&decision)) {
        // The page is the same for everybody; what else is said repeats nothing.
        bool const page = (response->status == 200 || response->status == 304) && page_asset(request).has_value();
        if (page) return 0;
        OCU_ASSERT(response->status >= 200 && response->body.starts_with("{\""));
        OCU_ASSERT(response->status == 200 || response->body.size() < 256);
        return 0;
    }
    auto const& wanted = std::get<FilesRequest>(decision);
    OCU_ASSERT(wanted.path.empty() || path_parts(wanted.path).has_value());
    OCU_ASSERT(wanted.after.empty() || path_parts(wanted.after).has_value());
    OCU_ASSERT(wanted.operation == FilesOperation::begin_session || !wanted.secret.empty());
    for (char const c : disposition("inline", request.target)) OCU_ASSERT(c >= 0x20);
    return 0;
}
