// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/gateway/front and front_calls, over loopback HTTP, with the real gateway thread behind the real link: what a client sees.
// `test_gateway [harness]` serves the same stand on a port until its standard input ends, for clients that are not ours.

#include "gateway/front.h"

#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <cstdio>

#include "base/crypto/certificate.h"
#include "support/gateway_stand.h"

namespace test_front {

using namespace ocu;
using namespace ocu::support;

class Client {
public:
    explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    void post(std::string_view body, std::string_view more = "Authorization: Bearer key-a\r\n") const
    {
        std::string text =
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";
        text.append(more).append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
        say(text);
    }
    void say(std::string_view text) const
    {
        REQUIRE(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    }
    std::string hear(std::string_view end) const
    {
        std::string heard;
        char block[4096];
        while (heard.find(end) == std::string::npos) {
            auto const got = ::recv(fd_.get(), block, sizeof block, 0);
            if (got <= 0) break;
            heard.append(block, static_cast<std::size_t>(got));
        }
        return heard;
    }

private:
    UniqueFd fd_;
};

std::string call(std::string_view command, std::string_view id = "1", std::string_view meta = "{}")
{
    return R"({"jsonrpc":"2.0","id":)" + std::string(id) +
           R"(,"method":"tools/call","params":{"name":"bash_tool","arguments":{"command":")" + std::string(command) + R"("},"_meta":)" +
           std::string(meta) + "}}";
}

constexpr std::string_view kStateless =
    R"({"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}})";
constexpr std::string_view kStatelessHeaders =
    "Authorization: Bearer key-a\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: bash_tool\r\n";

TEST_CASE("front: given a quick call, when it is done, then one JSON answer", "[gateway][GW-1]")
{
    GatewayStand const stand;
    Client const client(stand.port());
    client.post(call("echo hi"));
    auto const heard = client.hear("}}");
    CHECK(heard.starts_with("HTTP/1.1 200 OK"));
    CHECK(heard.contains("Content-Type: application/json"));
    CHECK(heard.contains(R"("text":"hi\n")"));
}

TEST_CASE("front: given a call that runs long, when two seconds have passed, then its answer comes as a stream", "[gateway][GW-1]")
{
    GatewayStand const stand;
    Client const client(stand.port());
    client.post(call("sleep 3"));
    CHECK(client.hear(":\n\n").contains("Content-Type: text/event-stream"));
    CHECK(client.hear("0\r\n\r\n").contains(R"("text":"[No output]")"));
}

TEST_CASE("front: given a progress token, when the call runs, then progress and the answer come as events", "[gateway][GW-6]")
{
    GatewayStand const stand;
    Client const client(stand.port());
    client.post(call("sleep 2", "1", R"({"progressToken":9})"));
    auto const heard = client.hear("0\r\n\r\n");
    CHECK(heard.contains("text/event-stream"));
    CHECK(heard.contains(R"("progressToken":9,"progress":1,"total":2,"message":"asleep")"));
    CHECK(heard.contains(R"("id":1,"result")"));
    client.post(call("echo quick", "2", R"({"progressToken":9})"));
    CHECK(client.hear("0\r\n\r\n").contains("text/event-stream"));
}

TEST_CASE("front: given a client that takes no stream, when it asks for progress, then one JSON answer", "[gateway][GW-1]")
{
    GatewayStand const stand;
    Client const client(stand.port());
    std::string const body = call("echo hi", "1", R"({"progressToken":9})");
    client.say(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
        "Authorization: Bearer key-a\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
    CHECK(client.hear("}}").contains("Content-Type: application/json"));
}

TEST_CASE("front: given a wrong token, when anything is asked, then 401 before the body is parsed", "[gateway][T-01][GW-3]")
{
    GatewayStand const stand;
    for (auto const* const body : {"{", "not json"}) {
        Client const client(stand.port());
        client.post(body, "Authorization: Bearer nobody\r\n");
        auto const heard = client.hear("}}");
        CHECK(heard.starts_with("HTTP/1.1 401 "));
        CHECK(heard.contains("resource_metadata=\"http://127.0.0.1:"));
    }
    Client const client(stand.port());
    client.post(call("echo a"), "Authorization: Bearer key-a\r\n");
    CHECK(client.hear("}}").starts_with("HTTP/1.1 200 "));
    client.post(call("echo a"), "Authorization: Bearer key-x\r\n");  // the same connection, another token
    CHECK(client.hear("}}").starts_with("HTTP/1.1 401 "));
}

TEST_CASE("front: given health, when a role is down, then 503 and no secret", "[gateway]")
{
    GatewayStand stand;
    Client const client(stand.port());
    client.say("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(client.hear("}").ends_with("{\"status\":\"healthy\"}"));
    stand.neighbours.health.up[0] = false;
    client.say("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(client.hear("}").starts_with("HTTP/1.1 503 "));
}

TEST_CASE("front: given a stateless call, when its client leaves, then it is cancelled", "[gateway][GW-6]")
{
    GatewayStand const stand;
    {
        Client const client(stand.port());
        client.post(call("sleep 30", "1", kStateless), kStatelessHeaders);
        // Another chat's call shows that the first is under way by then.
        Client const other(stand.port());
        other.post(call("echo go", "1"), "Authorization: Bearer key-a\r\nX-Chat-Id: other\r\n");
        (void)other.hear("}}");
    }
    Client const next(stand.port());
    next.post(call("echo after"));  // the same chat: its turn comes when the cancelled one has ended
    CHECK(next.hear("}}").contains("after"));
}

TEST_CASE("front: given an older call, when it is cancelled by notification, then it ends and says so", "[gateway][GW-6]")
{
    GatewayStand const stand;
    Client const client(stand.port());
    client.post(call("sleep 30", "\"x\"", R"({"progressToken":1})"));
    (void)client.hear("progressToken");  // it runs
    Client const other(stand.port());
    other.post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}})");
    CHECK(other.hear("\r\n\r\n").starts_with("HTTP/1.1 202 "));
    CHECK(client.hear("0\r\n\r\n").contains("cancelled"));
}

TEST_CASE("front: given calls over the ceiling of a chat, when one more comes, then 429", "[gateway][T-06][GW-8]")
{
    gateway::Config config;
    config.calls_per_session_queue_max = 1;
    GatewayStand const stand(config);
    Client const client(stand.port());
    client.post(call("sleep 30", "1", R"({"progressToken":1})"));
    (void)client.hear("progressToken");
    Client const other(stand.port());
    other.post(call("echo no", "2", R"({"progressToken":2})"));
    auto const heard = other.hear("}}");
    CHECK(heard.starts_with("HTTP/1.1 429 "));
    CHECK(heard.contains("\"code\":\"too_many_calls\""));
}

TEST_CASE("front: given a body over a mebibyte, when its head comes, then 413 with a stable code", "[gateway][T-02][GW-4]")
{
    GatewayStand const stand;
    Client const client(stand.port());
    client.say("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n");
    auto const heard = client.hear("}}");
    CHECK(heard.starts_with("HTTP/1.1 413 "));
    CHECK(heard.contains("\"code\":\"body_too_large\""));
    CHECK(heard.contains("correlationId"));
}

TEST_CASE("front: serves until standard input ends", "[.][harness]")
{
    char const* const port = std::getenv("OCU_HARNESS_PORT");
    std::optional<wire::TlsIdentity> tls;
    if (std::getenv("OCU_HARNESS_TLS") != nullptr) {
        auto const key = *crypto::make_p256_key();
        auto const now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        auto const made = crypto::issue_self_signed(key, {"harness", {"localhost"}, {"127.0.0.1"}}, now, 1);
        REQUIRE(made);
        tls = wire::TlsIdentity{made->pem, *crypto::p256_key_pem(key)};
        std::printf("%s", made->pem.c_str());
    }
    bool const secure = tls.has_value();
    GatewayStand const stand({}, static_cast<std::uint16_t>(port != nullptr ? std::atoi(port) : 0), std::move(tls));
    std::printf("READY mcp=%s://127.0.0.1:%u/mcp token=key-a\n", secure ? "https" : "http", stand.port());
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
}

}  // namespace test_front
