// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/clock/nts_ntp_face. An answer counts if it is authentic, to this very question, and from a server that knows the time.

#include "clock/nts_ntp_face.h"

#include "clock/limits.h"
#include "support/nts_server.h"

namespace test_nts_ntp_face {

using namespace ocu;
using namespace std::chrono_literals;
using test::NtpServed;

Secret key_of(unsigned char fill) { return Secret::copy_of(wire::Bytes(crypto::kSivKeyBytes, std::byte{fill})).value(); }

struct NtsNtpFaceTest {
    NtsNtpFaceTest()
    {
        question.unique_id.fill(std::byte{0x11});
        question.transmit.fill(std::byte{0x22});
        question.nonce.fill(std::byte{0x33});
        question.cookie = wire::Bytes(100, std::byte{0x44});
    }
    Fault fault(wire::Bytes const& packet) const
    {
        auto const answer = clock::parse_ntp_answer(packet, question, server_key);
        REQUIRE_FALSE(answer.has_value());
        return answer.error().fault;
    }
    wire::Bytes served(NtpServed const& how = {}) const { return test::ntp_sealed(test::ntp_head(question, how), server_key); }

    clock::NtpQuestion question;
    Secret client_key = key_of(1);
    Secret server_key = key_of(2);
};

TEST_CASE_METHOD(
    NtsNtpFaceTest, "nts_ntp: given a question, when it is composed, then it is sealed and tells nothing of this machine", "[clock][T-21]")
{
    auto const packet = clock::compose_ntp_request(question, client_key).value();
    REQUIRE(packet.size() == 48 + 36 + 104 + 40);
    CHECK(packet[0] == std::byte{0x23});
    CHECK(std::ranges::all_of(std::span(packet).subspan(1, 39), [](std::byte each) { return each == std::byte{0}; }));
    CHECK(std::ranges::equal(std::span(packet).subspan(40, 8), question.transmit));
    auto const authenticator = std::span(packet).last(40);
    CHECK(clock::get_big<std::uint16_t>(authenticator, 0) == 0x0404);
    auto const vouched = std::span(packet).first(packet.size() - 40);
    CHECK(crypto::siv_open(client_key, {vouched, authenticator.subspan(8, 16)}, authenticator.last(16)).value().empty());
}

TEST_CASE_METHOD(NtsNtpFaceTest, "nts_ntp: given an authentic answer, when it is parsed, then times and cookies come out", "[clock][T-21]")
{
    auto const fresh = test::ntp_field(0x0204, wire::Bytes(96, std::byte{5}));
    auto plain = fresh;
    for (int i = 0; i < 10; ++i) plain.insert(plain.end(), fresh.begin(), fresh.end());
    auto const other = test::ntp_field(0x7777, wire::Bytes(12));
    plain.insert(plain.end(), other.begin(), other.end());
    auto const packet = test::ntp_sealed(test::ntp_head(question, {.stratum = 3, .received = 77, .sent = 99}), server_key, plain);
    auto const answer = clock::parse_ntp_answer(packet, question, server_key).value();
    CHECK(answer.received == 77);
    CHECK(answer.sent == 99);
    CHECK(answer.stratum == 3);
    CHECK(answer.cookies == std::vector(clock::kCookiesMax, wire::Bytes(96, std::byte{5})));
}

TEST_CASE_METHOD(NtsNtpFaceTest, "nts_ntp: given one altered bit anywhere, when it is parsed, then it is no answer", "[clock][T-21]")
{
    auto const good = served();
    for (std::size_t at = 0; at < good.size(); ++at) {
        auto altered = good;
        altered[at] ^= std::byte{1};
        INFO(at);
        auto const answer = clock::parse_ntp_answer(altered, question, server_key);
        REQUIRE_FALSE(answer.has_value());
        CHECK((answer.error().fault == Fault::denied || answer.error().fault == Fault::malformed));
    }
    CHECK_FALSE(clock::parse_ntp_answer(good, question, client_key).has_value());
}

TEST_CASE_METHOD(
    NtsNtpFaceTest, "nts_ntp: given an answer to an earlier question, when it comes again, then it is no answer", "[clock][T-21]")
{
    auto const earlier = served();
    question.transmit.fill(std::byte{0x23});
    CHECK(fault(earlier) == Fault::malformed);
    question.transmit.fill(std::byte{0x22});
    question.unique_id.fill(std::byte{0x12});
    CHECK(fault(earlier) == Fault::malformed);
}

TEST_CASE_METHOD(NtsNtpFaceTest, "nts_ntp: given an answer without authenticator, when it is parsed, then it is denied", "[clock][T-21]")
{
    CHECK(fault(test::ntp_head(question, {})) == Fault::denied);
    CHECK(fault(test::ntp_head(question, {.stratum = 0, .reference_id = 0x52415445})) == Fault::denied);  // RATE
    auto none = served();
    none.resize(48);
    CHECK(fault(none) == Fault::malformed);
}

TEST_CASE_METHOD(
    NtsNtpFaceTest, "nts_ntp: given a kiss of death, when it is parsed, then it counts for this question only", "[clock][T-21]")
{
    auto const kiss = test::ntp_head(question, {.stratum = 0, .reference_id = 0x4e54534e});
    CHECK(fault(kiss) == Fault::conflict);
    question.unique_id.fill(std::byte{0x12});
    CHECK(fault(kiss) == Fault::malformed);
}

TEST_CASE_METHOD(NtsNtpFaceTest, "nts_ntp: given bytes behind the authenticator, when it is parsed, then it is no answer", "[clock][T-21]")
{
    auto packet = served();
    auto const tail = test::ntp_field(0x0204, wire::Bytes(12));
    packet.insert(packet.end(), tail.begin(), tail.end());
    CHECK(fault(packet) == Fault::malformed);
}

TEST_CASE_METHOD(
    NtsNtpFaceTest, "nts_ntp: given a server that does not know the time, when it says so, then it is not believed", "[clock][T-21]")
{
    CHECK(fault(served({.first = 0xe4})) == Fault::unavailable);  // unsynchronised
    CHECK(fault(served({.stratum = 0})) == Fault::unavailable);   // an authentic kiss
    CHECK(fault(served({.stratum = 16})) == Fault::unavailable);
    CHECK(fault(served({.root_delay = 4 << 16})) == Fault::unavailable);
    CHECK(fault(served({.root_dispersion = 2 << 16})) == Fault::unavailable);
    CHECK(fault(served({.root_delay = ~0u, .root_dispersion = ~0u})) == Fault::unavailable);
    auto const edge = served({.stratum = 15, .root_delay = 1 << 16, .root_dispersion = 1 << 16});  // 1.5 s, all that is allowed
    CHECK(clock::parse_ntp_answer(edge, question, server_key).has_value());
    CHECK(fault(served({.stratum = 15, .root_delay = 1 << 16, .root_dispersion = (1 << 16) + 66})) == Fault::unavailable);
}

TEST_CASE_METHOD(
    NtsNtpFaceTest, "nts_ntp: given sizes and modes that are none, when they are parsed, then they are no answer", "[clock][T-21]")
{
    CHECK(fault({}) == Fault::malformed);
    CHECK(fault(wire::Bytes(clock::kNtpPacketBytesMax + 4)) == Fault::malformed);
    CHECK(fault(served({.first = 0x23})) == Fault::malformed);
    CHECK(fault(served({.first = 0x1c})) == Fault::malformed);
    auto const good = served();
    for (std::size_t size = 0; size < good.size(); ++size) {
        auto const answer = clock::parse_ntp_answer(std::span(good).first(size), question, server_key);
        REQUIRE_FALSE(answer.has_value());
    }
}

TEST_CASE("nts_ntp: given timestamps of any era, when they are unfolded, then the nearest moment is meant", "[clock]")
{
    // 2026-01-01T00:00:00Z is 3976214400 s of NTP's era 0.
    CHECK(clock::unix_time(3'976'214'400ull << 32, 1'767'225'600s) == 1'767'225'600s);
    CHECK(clock::unix_time((3'976'214'400ull << 32) | 0x8000'0000u, 1'767'225'600s) == 1'767'225'600s + 500ms);
    CHECK(clock::unix_time(0, 2'085'978'496s) == 2'085'978'496s);              // 2036-02-07, where era 1 begins
    CHECK(clock::unix_time(10ull << 32, 2'085'978'400s) == 2'085'978'506s);    // seen from before it
    CHECK(clock::unix_time(0xffff'ffffull << 32, 2'085'978'600s) == 2'085'978'495s);
}

}  // namespace test_nts_ntp_face
