// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_face.h"

#include <algorithm>
#include <format>
#include <utility>

#include "storage/page_assets.h"

namespace ocu::storage {

namespace {

// `code` is one of ours, never a peer's bytes: nothing needs escaping.
wire::HttpResponse error(unsigned status, std::string_view code)
{
    return {status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}},
        std::format(R"({{"error":{{"code":"{}"}}}})", code)};
}

bool same_host(std::string_view one, std::string_view other)
{
    auto const lower = [](char each) { return each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each; };
    return std::ranges::equal(one, other, {}, lower, lower);
}

}  // namespace

wire::HttpResponse answer_files_request(wire::HttpRequest const& request, std::span<std::string const> hosts)
{
    if (request.count("Host") != 1) return error(400, "bad_request");
    auto const host = request.header("Host");
    if (!std::ranges::any_of(hosts, [host](std::string const& ours) { return same_host(ours, host); })) return error(403, "host_denied");
    if (auto page = page_asset(request)) return std::move(*page);
    if (request.path() != "/health") return error(404, "not_found");
    if (request.method != "GET") {
        auto response = error(405, "method_not_allowed");
        response.headers.push_back({"Allow", "GET"});
        return response;
    }
    return {200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, R"({"status":"healthy"})"};
}

wire::HttpResponse files_refusal(wire::HttpRefusal refusal) { return error(refusal.status, refusal.code); }

}  // namespace ocu::storage
