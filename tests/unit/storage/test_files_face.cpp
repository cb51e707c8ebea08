// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/files_face. Health for whoever asks by our name, and typed refusals for everything else.
#include <catch2/catch_test_macros.hpp>

#include "storage/files_face.h"

namespace test_files_face {

using namespace ocu;
using namespace ocu::storage;

wire::HttpResponse ask(std::string method, std::string target, std::vector<wire::HttpHeader> headers)
{
    wire::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = std::move(headers);
    std::vector<std::string> const hosts{"127.0.0.1:8812", "localhost:8812"};
    return answer_files_request(request, hosts);
}

TEST_CASE("files_face: given our host, when health is asked, then it is healthy and says nothing else", "[storage][SB-6]")
{
    auto const response = ask("GET", "/health?x=1", {{"host", "LOCALHOST:8812"}});
    CHECK(response.status == 200);
    CHECK(response.body == R"({"status":"healthy"})");
}

TEST_CASE("files_face: given no host, two hosts or a foreign one, when anything is asked, then it is refused", "[storage][T-02]")
{
    CHECK(ask("GET", "/health", {}).status == 400);
    CHECK(ask("GET", "/health", {{"Host", "localhost:8812"}, {"Host", "localhost:8812"}}).status == 400);
    auto const rebound = ask("GET", "/health", {{"Host", "attacker.example:8812"}});
    CHECK(rebound.status == 403);
    CHECK(rebound.body == R"({"error":{"code":"host_denied"}})");
}

TEST_CASE(
    "files_face: given any other path or method, when it is asked, then the refusal is typed and repeats nothing", "[storage][T-01][T-02]")
{
    auto const missing = ask("GET", "/files/<script>", {{"Host", "127.0.0.1:8812"}});
    CHECK(missing.status == 404);
    CHECK(missing.body == R"({"error":{"code":"not_found"}})");
    CHECK(ask("POST", "/health", {{"Host", "127.0.0.1:8812"}}).status == 405);
    CHECK(files_refusal({413, "body_too_large"}).body == R"({"error":{"code":"body_too_large"}})");
}

}  // namespace test_files_face
