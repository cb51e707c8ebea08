// SPDX-License-Identifier: GPL-3.0-or-later
// The real operator-front, confined, over real connections. The test plays control and the operator.

#include "control/helpers.h"
#include "proto/operator_front_to_control.h"
#include "support/helper_process.h"

#include <poll.h>
#include <sys/socket.h>

namespace {

using namespace ocu;

struct OperatorFrontTest {
    OperatorFrontTest() : process("operator-front", &control::operator_front_main)
    {
        process.configure(proto::OperatorFrontConfig{});
        process.ready();
    }
    // A new connection under this number; the operator's end of it.
    UniqueFd connect(std::uint64_t number)
    {
        auto pair = make_socket_pair().value();
        process.send(proto::OperatorConnection{ConnectionId{number}}, {pair.theirs.get()});
        return std::move(pair.ours);
    }
    static void say(UniqueFd const& connection, std::string_view text)
    {
        REQUIRE(::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    }
    // Everything up to the end of a body of Content-Length, or of the connection.
    static std::string hear(UniqueFd const& connection)
    {
        std::string text;
        for (;;) {
            auto const head = text.find("\r\n\r\n");
            auto const length = text.find("Content-Length: ");
            if (head != std::string::npos && length != std::string::npos && text.size() >= head + 4 + std::stoul(text.substr(length + 16)))
                return text;
            pollfd ready{connection.get(), POLLIN, 0};
            REQUIRE(::poll(&ready, 1, 5'000) == 1);
            char part[4096];
            ssize_t const got = ::read(connection.get(), part, sizeof(part));
            if (got <= 0) return text;
            text.append(part, static_cast<std::size_t>(got));
        }
    }

    test::HelperProcess process;
};

TEST_CASE_METHOD(
    OperatorFrontTest, "operator-front: given a question, when control answers, then the operator reads it", "[control][CT-5][AP-8]")
{
    auto const client = connect(7);
    say(client, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
    auto const ask = process.expect<proto::OperatorAsk>();
    CHECK(ask.connection == ConnectionId{7});
    CHECK(ask.action == proto::OperatorAction::status);
    CHECK(ask.trace.size() == 16);
    proto::OperatorAnswer answer;
    answer.request = ask.request;
    answer.healthy = true;
    answer.helpers.push({"edge", true});
    process.send(answer);
    auto const text = hear(client);
    CHECK(text.starts_with("HTTP/1.1 200"));
    CHECK(text.find(R"("edge":"up")") != std::string::npos);
    // The connection stays, and its next question comes under the same number.
    say(client, "POST /v1/sessions/s-00000000000000ff/kill HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    auto const kill = process.expect<proto::OperatorAsk>();
    CHECK(kill.connection == ConnectionId{7});
    CHECK(kill.session == SessionId{255});
}

TEST_CASE_METHOD(
    OperatorFrontTest, "operator-front: given two connections, when both ask, then each question carries its own number", "[control][T-11]")
{
    auto const first = connect(1);
    auto const second = connect(2);
    say(second, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(process.expect<proto::OperatorAsk>().connection == ConnectionId{2});
    say(first, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(process.expect<proto::OperatorAsk>().connection == ConnectionId{1});
}

TEST_CASE_METHOD(OperatorFrontTest,
    "operator-front: given what is no question, when it is sent, then it is refused here and control hears only that", "[control][T-02]")
{
    struct Row {
        char const* request;
        char const* status;
    };
    for (auto const& row :
        {Row{"GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n", "404"}, Row{"GET /v1/freeze HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
            Row{"POST /v1/freeze HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nnull", "400"},
            Row{"POST /v1/freeze HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", "413"},
            Row{"\x16\x03\x01 nonsense\r\n\r\n", "400"}}) {
        auto const client = connect(3);
        say(client, row.request);
        auto const text = hear(client);
        INFO(text);
        CHECK(text.substr(9, 3) == row.status);
        CHECK(text.find(R"("error":{"code":)") != std::string::npos);
        auto const told = process.expect<proto::OperatorRefused>();
        CHECK(text.find(told.code.str()) != std::string::npos);
        CHECK(text.find(told.trace.str()) != std::string::npos);
    }
}

TEST_CASE_METHOD(
    OperatorFrontTest, "operator-front: given control's end, when it closes, then the helper ends by itself", "[control][T-13]")
{
    auto const client = connect(1);
    int const status = process.end();
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
