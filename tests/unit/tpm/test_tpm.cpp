// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/tpm/channel, sealing. A TPM that says what it should not, or nothing; the real ones are in tests/flow/test_tpm.py.

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/unique_fd.h"
#include "tpm/channel.h"
#include "tpm/sealing.h"

using namespace ocu;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kHeaderBytes = 10;

// An answer: its header with that size and code, and `body`.
Bytes answer(std::uint32_t code, Bytes const& body = {}, std::size_t says = 0)
{
    auto const size = says != 0 ? says : kHeaderBytes + body.size();
    Bytes out{0x80, 0x01};
    for (auto const value : {static_cast<std::uint32_t>(size), code})
        for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift & 0xff));
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

// The other end of the wire: what it will answer is there before it is asked.
struct FakeTpm {
    FakeTpm() : pair(make_socket_pair().value()) { std::signal(SIGPIPE, SIG_IGN); }  // as every helper does
    void say(Bytes const& bytes) const
    {
        REQUIRE(::write(pair.theirs.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }
    void go() { pair.theirs.reset(); }
    Bytes heard() const
    {
        Bytes out(4096);
        auto const got = ::recv(pair.theirs.get(), out.data(), out.size(), MSG_DONTWAIT);
        out.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return out;
    }

    SocketPair pair;
    tpm::Channel channel{pair.ours.get()};
};

std::string sealed_text()
{
    std::string out("ocu-tpm-key/1\n");
    out += std::string("\0\x22\0\x0b", 4) + std::string(32, 'n');                   // a name: its size, SHA-256, digest
    out += std::string("\0\x0e\0\x08\0\x0b\0\x04\x04\x52\0\0\0\x10\0\0", 16);  // the open part: a sealed object, no policy, no digest
    out += std::string("\0\x04", 2) + "abcd";  // the closed part
    return out;
}

}  // namespace

TEST_CASE("tpm channel: given an answer in pieces, when it is received, then it is one answer", "[tpm][T-12]")
{
    FakeTpm tpm;
    auto const whole = answer(0, Bytes(100, 7));
    tpm.say({whole.begin(), whole.begin() + 4});
    tpm.say({whole.begin() + 4, whole.begin() + 60});
    tpm.say({whole.begin() + 60, whole.end()});
    auto const got = tpm.channel.receive();
    REQUIRE(got);
    CHECK(*got == whole);
}

TEST_CASE("tpm channel: given an answer that is not as long as it says, when it is received, then it is malformed", "[tpm][T-12]")
{
    for (std::size_t const says :
        {std::size_t{1}, kHeaderBytes - 1, kHeaderBytes + 7, tpm::kAnswerBytesMax + 1, std::size_t{0xffff'ffff}}) {
        FakeTpm tpm;
        tpm.say(answer(0, Bytes(8, 7), says));
        auto const got = tpm.channel.receive();
        REQUIRE_FALSE(got);
        CHECK(got.error().fault == Fault::malformed);
    }
}

TEST_CASE("tpm channel: given a TPM that goes in the middle of an answer, or waits for ever, when it is received, then it is unavailable",
    "[tpm][T-12]")
{
    FakeTpm gone;
    gone.say({0x80, 0x01, 0});
    gone.go();
    CHECK(gone.channel.receive().error().fault == Fault::unavailable);
    FakeTpm slow;
    tpm::Channel impatient(slow.pair.ours.get(), std::chrono::milliseconds(0));
    CHECK(impatient.receive().error().fault == Fault::unavailable);
    CHECK(impatient.send(Bytes(10)).error().fault == Fault::unavailable);
}

TEST_CASE("tpm: given a TPM that refuses, when a key is sealed, then the refusal says what for", "[tpm][T-12]")
{
    using proto::TpmTrouble;
    struct Case {
        std::uint32_t code;
        TpmTrouble why;
    };
    // 0x9a2 and 0x98e: bad authorisation of session 1; 0x101: a failure; 0x100: not started.
    for (auto const& each : {Case{0x9a2, TpmTrouble::owner_password}, Case{0x98e, TpmTrouble::owner_password},
             Case{0x101, TpmTrouble::refused}, Case{0x100, TpmTrouble::refused}}) {
        FakeTpm tpm;
        tpm.say(answer(each.code));
        auto const sealed = tpm::seal_key(tpm.channel, *Secret::make(tpm::kKeyBytes));
        REQUIRE_FALSE(sealed);
        CHECK(sealed.error().why == each.why);
        CHECK(sealed.error().code == each.code);
    }
}

TEST_CASE("tpm: given something that is no TPM, when a key is opened, then it counts as silent and hears no key", "[tpm][T-12]")
{
    for (auto const& said : {answer(0), answer(0, Bytes(300, 0xff)), Bytes(64, 0), Bytes{}}) {
        FakeTpm tpm;
        tpm.say(said);
        ::shutdown(tpm.pair.theirs.get(), SHUT_WR);
        auto const opened = tpm::open_key(tpm.channel, sealed_text());
        REQUIRE_FALSE(opened);
        CHECK(opened.error().why == proto::TpmTrouble::silent);
    }
}

TEST_CASE("tpm: given what nobody sealed, when it is opened, then it is altered and the TPM is not asked", "[tpm][T-12]")
{
    auto const good = sealed_text();
    std::vector<std::string> texts{
        "", "ocu-tpm-key/1\n", "ocu-tpm-key/2\n" + good.substr(14), good + "x", good + std::string(2000, 'x'), std::string(1024, '\xff')};
    for (std::size_t size = 0; size < good.size(); ++size) texts.push_back(good.substr(0, size));
    for (auto const& text : texts) {
        FakeTpm tpm;
        auto const opened = tpm::open_key(tpm.channel, text);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().why == proto::TpmTrouble::altered);
        CHECK(tpm.heard().empty());
    }
    // The rest of the test rests on this one being whole.
    FakeTpm tpm;
    tpm.go();
    CHECK(tpm::open_key(tpm.channel, good).error().why == proto::TpmTrouble::silent);
}
