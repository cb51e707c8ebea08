// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: edge/client_hello_face. Hellos that are built here, and those that real clients sent.

#include <catch2/catch_test_macros.hpp>

#include <fstream>
#include <iterator>

#include "edge/client_hello_face.h"

namespace test_client_hello {

using namespace ocu::edge;
using Bytes = std::vector<std::uint8_t>;

Bytes operator+(Bytes one, Bytes const& other)
{
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

Bytes number(std::size_t value, std::size_t size)
{
    Bytes out;
    for (std::size_t i = size; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return out;
}
Bytes text(std::string_view value) { return {value.begin(), value.end()}; }
Bytes vector(std::size_t length_bytes, Bytes const& content) { return number(content.size(), length_bytes) + content; }
Bytes extension(std::size_t type, Bytes const& body) { return number(type, 2) + vector(2, body); }
Bytes server_name(std::string_view name) { return extension(0, vector(2, number(0, 1) + vector(2, text(name)))); }
Bytes alpn(std::vector<std::string_view> const& names)
{
    Bytes list;
    for (auto const name : names) list = list + vector(1, text(name));
    return extension(16, vector(2, list));
}

// What a hello is made of; each test spoils one thing.
struct Parts {
    std::size_t version = 0x0303;
    Bytes random = Bytes(32, 7);
    Bytes session_id = vector(1, Bytes(32, 9));
    Bytes suites = vector(2, number(0x1a1a, 2) + number(0x1301, 2));
    Bytes compressions = vector(1, {0});
    Bytes extensions = server_name("site.example.com");
    Bytes after;

    Bytes message() const
    {
        auto const body = number(version, 2) + random + session_id + suites + compressions + vector(2, extensions) + after;
        return number(1, 1) + vector(3, body);
    }
};

// The message over records of at most `piece` bytes.
Bytes records(Bytes const& message, std::size_t piece = 1u << 14)
{
    Bytes out;
    for (std::size_t at = 0; at < message.size(); at += piece) {
        Bytes const part(message.begin() + static_cast<std::ptrdiff_t>(at),
            message.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, message.size())));
        out = out + number(22, 1) + number(0x0301, 2) + vector(2, part);
    }
    return out;
}

HelloState state_of(Bytes const& bytes) { return read_client_hello(bytes).state; }
HelloState state_of(Parts const& parts) { return state_of(records(parts.message())); }
HelloState with_extensions(Bytes const& extensions)
{
    Parts parts;
    parts.extensions = extensions;
    return state_of(parts);
}

// In every part before the end it is a beginning, and nothing else.
void check_cut_anywhere(Bytes const& bytes)
{
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        auto const hello = read_client_hello(std::span(bytes).first(size));
        if (hello.state == HelloState::need_more && hello.server_name.empty()) continue;
        INFO(size);
        REQUIRE(hello.state == HelloState::need_more);
    }
}

TEST_CASE("client_hello: given a hello, when it is whole, then its name, protocols and versions", "[edge][EG-5]")
{
    Parts parts;
    parts.extensions = extension(0x2a2a, {}) + server_name("Site.Example.COM") + alpn({"h2", "http/1.1", "x y"}) +
                       extension(43, vector(1, number(0x4a4a, 2) + number(0x0304, 2) + number(0x0303, 2)));
    auto const bytes = records(parts.message());
    auto const hello = read_client_hello(bytes);
    REQUIRE(hello.state == HelloState::whole);
    CHECK(hello.server_name == "site.example.com");
    CHECK(hello.protocols == std::vector<std::string>{"h2", "http/1.1", "x?y"});
    CHECK(hello.versions == std::vector<std::uint16_t>{0x0304, 0x0303});
    CHECK_FALSE(hello.encrypted);
    CHECK(hello.bytes == bytes.size());
    check_cut_anywhere(bytes);
    CHECK(read_client_hello(bytes + text("more")).bytes == bytes.size());
}

TEST_CASE("client_hello: given no extensions, when it is whole, then no name and its own version", "[edge][EG-5]")
{
    Parts const parts;
    auto const body = number(0x0302, 2) + parts.random + vector(1, {}) + parts.suites + parts.compressions;
    auto const hello = read_client_hello(records(number(1, 1) + vector(3, body)));
    REQUIRE(hello.state == HelloState::whole);
    CHECK(hello.server_name.empty());
    CHECK(hello.versions == std::vector<std::uint16_t>{0x0302});
}

TEST_CASE("client_hello: given a hello of post-quantum size, when it comes in many records and segments, then it is read as one",
    "[edge][T-05][EG-5]")
{
    Parts parts;
    parts.extensions = extension(51, Bytes(1216 + 32 + 10, 3)) + server_name("site.example.com") + extension(21, Bytes(3000, 0));
    for (std::size_t const piece : {std::size_t{200}, std::size_t{517}, std::size_t{16'384}}) {
        auto const bytes = records(parts.message(), piece);
        CHECK(read_client_hello(bytes).server_name == "site.example.com");
        CHECK(read_client_hello(bytes).bytes == bytes.size());
        check_cut_anywhere(bytes);
    }
    Parts small;
    auto const bytes = records(small.message(), 1);
    CHECK(read_client_hello(bytes).server_name == "site.example.com");
    check_cut_anywhere(bytes);
}

TEST_CASE(
    "client_hello: given a hello near the limit, when it is within it, then read, and beyond it malformed at once", "[edge][T-06][EG-5]")
{
    Parts parts;
    parts.extensions = server_name("site.example.com") + extension(21, Bytes(65'300, 0));
    CHECK(parts.message().size() <= kHelloBytesMax);
    CHECK(read_client_hello(records(parts.message())).server_name == "site.example.com");
    parts.extensions = server_name("site.example.com") + extension(21, Bytes(65'450, 0));
    CHECK(parts.message().size() > kHelloBytesMax);
    auto const bytes = records(parts.message());
    CHECK(state_of(Bytes(bytes.begin(), bytes.begin() + 9)) == HelloState::malformed);
    CHECK(state_of(bytes) == HelloState::malformed);
}

TEST_CASE("client_hello: given tiny records without end, when twice the limit is there, then malformed", "[edge][T-06][EG-5]")
{
    Parts parts;
    parts.extensions = server_name("site.example.com") + extension(21, Bytes(60'000, 0));
    CHECK(state_of(records(parts.message(), 1)) == HelloState::malformed);
}

TEST_CASE("client_hello: given other bytes, when they are looked at, then not TLS, or an older one", "[edge][T-05][EG-5]")
{
    CHECK(state_of(Bytes{}) == HelloState::need_more);
    CHECK(state_of(text("GET / HTTP/1.1\r\n")) == HelloState::not_tls);
    CHECK(state_of(text("SSH-2.0-x\r\n")) == HelloState::not_tls);
    CHECK(state_of(Bytes{0}) == HelloState::not_tls);
    CHECK(state_of(Bytes{0x80, 0x2e, 1, 3, 1, 0, 0x15}) == HelloState::malformed);
    CHECK(state_of(Bytes{0x80, 0x2e, 1, 0, 2}) == HelloState::malformed);
    CHECK(state_of(Bytes{0x80, 0x2e}) == HelloState::need_more);
    CHECK(state_of(Bytes{0x80, 0x2e, 2}) == HelloState::not_tls);
    CHECK(state_of(Bytes{0x80, 0x2e, 1, 7, 7}) == HelloState::not_tls);
}

TEST_CASE("client_hello: given a record that is not of a hello, when it is looked at, then malformed", "[edge][T-05][EG-5]")
{
    auto const good = records(Parts().message());
    for (auto const& [at, value] : std::vector<std::pair<std::size_t, std::uint8_t>>{{1, 2}, {2, 5}, {3, 0x80}, {5, 2}}) {
        auto bytes = good;
        bytes[at] = value;
        INFO(at);
        CHECK(state_of(bytes) == HelloState::malformed);
    }
    CHECK(state_of(Bytes{22, 3, 1, 0, 0}) == HelloState::malformed);
    // An alert or application data between two records of one message.
    auto const message = Parts().message();
    Bytes const first(message.begin(), message.begin() + 20);
    CHECK(state_of(records(first) + Bytes{21, 3, 1, 0, 2, 1, 0}) == HelloState::malformed);
    CHECK(state_of(records(first) + Bytes{23, 3, 3}) == HelloState::malformed);
    // A second message in the record of the first.
    CHECK(state_of(records(message + message)) == HelloState::malformed);
}

TEST_CASE("client_hello: given lengths that do not add up, when it is read, then malformed", "[edge][T-05][EG-5]")
{
    auto const spoilt = [](auto change) {
        Parts parts;
        change(parts);
        return state_of(parts);
    };
    CHECK(spoilt([](Parts&) {}) == HelloState::whole);
    CHECK(spoilt([](Parts& p) { p.version = 0x0304; }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.version = 0x0203; }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.session_id = vector(1, Bytes(33, 0)); }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.suites = vector(2, {}); }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.suites = vector(2, {0x13, 0x01, 0x13}); }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.compressions = vector(1, {}); }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.compressions = vector(1, {1, 0}); }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.compressions = vector(1, {1}); }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.after = {0}; }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.random.pop_back(); }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.extensions.pop_back(); }) == HelloState::malformed);
    CHECK(spoilt([](Parts& p) { p.extensions.push_back(0); }) == HelloState::malformed);
}

TEST_CASE(
    "client_hello: given a server name that two readers could read differently, when it is read, then malformed", "[edge][T-05][EG-5]")
{
    CHECK(with_extensions(server_name("a.example") + server_name("b.example")) == HelloState::malformed);
    CHECK(with_extensions(server_name("a.example") + extension(0x1234, {}) + extension(0x1234, {})) == HelloState::malformed);
    auto const entry = [](std::size_t type, std::string_view name) { return number(type, 1) + vector(2, text(name)); };
    CHECK(with_extensions(extension(0, vector(2, entry(0, "a.example") + entry(0, "b.example")))) == HelloState::malformed);
    CHECK(with_extensions(extension(0, vector(2, entry(0, "a.example") + entry(1, "b.example")))) == HelloState::malformed);
    CHECK(with_extensions(extension(0, vector(2, entry(1, "a.example")))) == HelloState::malformed);
    CHECK(with_extensions(extension(0, vector(2, {}))) == HelloState::malformed);
    CHECK(with_extensions(extension(0, {})) == HelloState::malformed);
    CHECK(with_extensions(extension(0, vector(2, entry(0, "a.example")) + Bytes{0})) == HelloState::malformed);
    CHECK(with_extensions(extension(0, number(3, 2) + entry(0, "a.example"))) == HelloState::malformed);
    for (std::string_view const name : {std::string_view(""), std::string_view("a.example."), std::string_view("a..b"),
             std::string_view("127.0.0.1"), std::string_view("1"), std::string_view("0x7f000001"), std::string_view("::1"),
             std::string_view("[::1]"), std::string_view("a b"), std::string_view("a\0b", 3),
             std::string_view("b\xc3\xbc"
                              "cher.example"),
             std::string_view("a/b"), std::string_view("a:443")}) {
        INFO(name);
        CHECK(with_extensions(server_name(name)) == HelloState::malformed);
    }
    CHECK(with_extensions(server_name(std::string(254, 'a'))) == HelloState::malformed);
}

TEST_CASE("client_hello: given other extensions that do not add up, when it is read, then malformed", "[edge][T-05][EG-5]")
{
    CHECK(with_extensions(extension(16, {})) == HelloState::malformed);
    CHECK(with_extensions(extension(16, vector(2, {}))) == HelloState::malformed);
    CHECK(with_extensions(extension(16, vector(2, vector(1, {})))) == HelloState::malformed);
    CHECK(with_extensions(extension(16, vector(2, {5, 'h'}))) == HelloState::malformed);
    CHECK(with_extensions(alpn(std::vector<std::string_view>(33, "h2"))) == HelloState::malformed);
    CHECK(with_extensions(extension(43, vector(1, {}))) == HelloState::malformed);
    CHECK(with_extensions(extension(43, vector(1, {3}))) == HelloState::malformed);
    CHECK(with_extensions(extension(43, vector(1, Bytes(66, 3)))) == HelloState::malformed);
    CHECK(with_extensions(extension(41, {}) + server_name("a.example")) == HelloState::malformed);
    CHECK(with_extensions(server_name("a.example") + extension(41, {})) == HelloState::whole);
}

TEST_CASE("client_hello: given an encrypted hello inside, when it is read, then it says so", "[edge][T-05][EG-5]")
{
    for (std::size_t const type : {std::size_t{0xfe0d}, std::size_t{0xffce}}) {
        Parts parts;
        parts.extensions = parts.extensions + extension(type, Bytes(100, 1));
        auto const hello = read_client_hello(records(parts.message()));
        CHECK(hello.state == HelloState::whole);
        CHECK(hello.encrypted);
        CHECK(hello.server_name == "site.example.com");
    }
}

TEST_CASE("client_hello: given hellos of real programs, when they are cut anywhere, then they are read whole", "[edge][EG-5]")
{
    struct Kept {
        char const* file;
        char const* name;
    };
    for (auto const& [file, name] : {Kept{"openssl", "site.example.com"}, Kept{"openssl_no_name", ""},
             Kept{"openssl_tls12", "site.example.com"}, Kept{"curl", "site.example.com"}, Kept{"python", "site.example.com"},
             Kept{"node", "site.example.com"}, Kept{"wget", "localhost"}}) {
        INFO(file);
        std::ifstream in("tests/fuzz/edge/corpus_client_hello/" + std::string(file), std::ios::binary);
        Bytes const bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        REQUIRE(bytes.size() > 100);
        auto const hello = read_client_hello(bytes);
        CHECK(hello.state == HelloState::whole);
        CHECK(hello.server_name == name);
        CHECK(hello.bytes == bytes.size());
        CHECK_FALSE(hello.encrypted);
        check_cut_anywhere(bytes);
    }
}

}  // namespace test_client_hello
