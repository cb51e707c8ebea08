// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/clock/nts_ke_face. What a time server may say after its handshake, record by record, and what ends the conversation.

#include "clock/nts_ke_face.h"

#include "clock/limits.h"
#include "support/nts_server.h"

namespace test_nts_ke_face {

using namespace ocu;
using test::joined;
using test::ke_record;

struct NtsKeFaceTest {
    wire::Bytes const protocol = ke_record(0x8001, {0});
    wire::Bytes const algorithm = ke_record(0x8004, {15});
    wire::Bytes const cookie = ke_record(0x0005, wire::Bytes(100, std::byte{9}));
    wire::Bytes const end = ke_record(0x8000, wire::Bytes{});

    Result<clock::KeAnswer> parse(wire::Bytes const& bytes) const { return clock::parse_ke_answer(bytes, "192.0.2.7"); }
    Fault fault(std::initializer_list<wire::Bytes> parts) const
    {
        auto const answer = parse(joined(parts));
        REQUIRE_FALSE(answer.has_value());
        return answer.error().fault;
    }
};

TEST_CASE("nts_ke: given nothing, when a request is composed, then it offers NTPv4 and AES-SIV and ends", "[clock][T-21]")
{
    CHECK(clock::compose_ke_request() == joined({ke_record(0x8001, {0}), ke_record(0x8004, {15}), ke_record(0x8000, wire::Bytes{})}));
}

TEST_CASE_METHOD(NtsKeFaceTest, "nts_ke: given a full answer, when it is parsed, then cookies and port are there", "[clock][T-21]")
{
    auto const least = parse(joined({protocol, algorithm, cookie, end})).value();
    CHECK(least.port == 123);
    CHECK(least.cookies == std::vector<wire::Bytes>{wire::Bytes(100, std::byte{9})});
    auto const unknown = ke_record(0x1234, "whatever");
    auto const server = ke_record(0x8006, "192.0.2.7");
    auto const full = parse(joined({algorithm, unknown, server, ke_record(7, {4123}), cookie, cookie, protocol, end}));
    REQUIRE(full.has_value());
    CHECK(full->port == 4123);
    CHECK(full->cookies.size() == 2);
}

TEST_CASE_METHOD(NtsKeFaceTest, "nts_ke: given an answer cut anywhere, when it is parsed, then more is waited for", "[clock][T-21]")
{
    auto const whole = joined({protocol, algorithm, cookie, end});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        auto const answer = parse(wire::Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error().fault == Fault::unavailable);
    }
}

TEST_CASE_METHOD(NtsKeFaceTest, "nts_ke: given an unknown critical record, when it is parsed, then the answer is refused", "[clock][T-21]")
{
    CHECK(fault({protocol, algorithm, cookie, ke_record(0x9234, "whatever"), end}) == Fault::malformed);
}

TEST_CASE_METHOD(NtsKeFaceTest, "nts_ke: given an error or a warning, when it is parsed, then the server has refused", "[clock][T-21]")
{
    CHECK(fault({ke_record(0x8002, {1}), end}) == Fault::denied);
    CHECK(fault({protocol, algorithm, cookie, ke_record(0x8003, {1}), end}) == Fault::denied);
}

TEST_CASE_METHOD(NtsKeFaceTest, "nts_ke: given another protocol or algorithm, when it is parsed, then it is refused", "[clock][T-21]")
{
    CHECK(fault({ke_record(0x8001, wire::Bytes{}), end}) == Fault::not_found);
    CHECK(fault({protocol, ke_record(0x8004, wire::Bytes{}), end}) == Fault::not_found);
    CHECK(fault({ke_record(0x8001, {1}), algorithm, cookie, end}) == Fault::malformed);
    CHECK(fault({protocol, ke_record(0x8004, {30}), cookie, end}) == Fault::malformed);
    CHECK(fault({protocol, ke_record(0x8004, {15, 30}), cookie, end}) == Fault::malformed);
    CHECK(fault({protocol, protocol, algorithm, cookie, end}) == Fault::malformed);
    CHECK(fault({algorithm, cookie, end}) == Fault::malformed);
    CHECK(fault({protocol, cookie, end}) == Fault::malformed);
}

TEST_CASE_METHOD(
    NtsKeFaceTest, "nts_ke: given a server that names another machine, when it is parsed, then it is refused", "[clock][T-21]")
{
    for (auto const* other : {"192.0.2.8", "ntp.example", "::1", "192.0.2.7 ", "192.0.2.07x", ""}) {
        INFO(other);
        auto const answer = parse(joined({protocol, algorithm, ke_record(0x8006, std::string_view(other)), cookie, end}));
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error().fault == (*other == '\0' ? Fault::malformed : Fault::conflict));
    }
    auto const ipv6 = joined({protocol, algorithm, ke_record(0x8006, "2001:DB8:0::1"), cookie, end});
    CHECK(clock::parse_ke_answer(ipv6, "2001:db8::1").has_value());
}

TEST_CASE_METHOD(NtsKeFaceTest, "nts_ke: given cookies, when they are parsed, then eight are kept and none is strange", "[clock][T-21]")
{
    wire::Bytes many = joined({protocol, algorithm});
    for (int i = 0; i < 12; ++i) many.insert(many.end(), cookie.begin(), cookie.end());
    many.insert(many.end(), end.begin(), end.end());
    CHECK(parse(many).value().cookies.size() == clock::kCookiesMax);
    CHECK(fault({protocol, algorithm, end}) == Fault::malformed);
    for (std::size_t const size : {std::size_t{0}, std::size_t{3}, std::size_t{101}, clock::kCookieBytesMax + 4})
        CHECK(fault({protocol, algorithm, ke_record(5, wire::Bytes(size)), end}) == Fault::malformed);
}

TEST_CASE_METHOD(NtsKeFaceTest, "nts_ke: given ports and ends that are none, when they are parsed, then they are refused", "[clock][T-21]")
{
    CHECK(fault({protocol, algorithm, ke_record(7, {0}), cookie, end}) == Fault::malformed);
    CHECK(fault({protocol, algorithm, ke_record(7, {1, 2}), cookie, end}) == Fault::malformed);
    CHECK(fault({protocol, algorithm, ke_record(7, {1}), ke_record(7, {1}), cookie, end}) == Fault::malformed);
    CHECK(fault({protocol, algorithm, cookie, ke_record(0x8000, {1})}) == Fault::malformed);
    CHECK(fault({protocol, algorithm, cookie, ke_record(0, wire::Bytes{})}) == Fault::malformed);
    CHECK(fault({protocol, algorithm, cookie, end, cookie}) == Fault::malformed);
}

TEST_CASE_METHOD(NtsKeFaceTest, "nts_ke: given more than the bound, when it is parsed, then it is over it", "[clock][T-21]")
{
    CHECK(fault({protocol, ke_record(0x1234, wire::Bytes(clock::kKeAnswerBytesMax)), end}) == Fault::over_limit);
    wire::Bytes head = {std::byte{0x12}, std::byte{0x34}, std::byte{0xff}, std::byte{0xff}};
    CHECK(fault({head}) == Fault::over_limit);
}

}  // namespace test_nts_ke_face
