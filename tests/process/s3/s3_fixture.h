// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A place in a real S3 store, named by the environment (tests/process/test_s3.py sets it), and what a test does with one.

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>

#include "base/crypto/crypto.h"
#include "storage/s3_segments.h"
#include "storage/s3_sweep.h"
#include "support/model_tree.h"

namespace ocu::test_s3 {

using namespace ocu::storage;

inline std::string setting(char const* name)
{
    auto const* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

inline S3Connect to_port(std::uint16_t port)
{
    return [port]() -> Answer<UniqueFd> {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return refuse(EIO);
        int const one = 1;
        (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd;
    };
}

inline std::uint16_t port_of(char const* name) { return static_cast<std::uint16_t>(std::stoi("0" + setting(name))); }

struct Store {
    Store()
    {
        if (setting("OCU_S3_PORT").empty()) SKIP("no S3 store: tests/process/test_s3.py starts them");
        (void)wire::http_begin();
        place.endpoint = "http://s3.test:" + setting("OCU_S3_PORT");
        place.region = setting("OCU_S3_REGION");
        place.bucket = setting("OCU_S3_BUCKET");
        place.path_style = true;
        place.prefix = "t/" + crypto::to_hex(name) + "/";
        connect = to_port(port_of("OCU_S3_PORT"));
    }
    ~Store()
    {
        if (swept) return;
        (void)sweep_s3(place, credential(), to_port(port_of("OCU_S3_PORT")));
    }
    Secret credential(std::string const& wrong = {}) const
    {
        auto const text = setting("OCU_S3_ACCESS") + ":" + setting("OCU_S3_SECRET") + wrong;
        return std::move(*Secret::copy_of(crypto::as_bytes(text)));
    }
    std::unique_ptr<S3Segments> engine(S3Segments::Rules rules = {}) const
    {
        return std::make_unique<S3Segments>(place, credential(), connect, clock, rules);
    }
    Answer<Swept> sweep()
    {
        swept = true;
        return sweep_s3(place, credential(), to_port(port_of("OCU_S3_PORT")));
    }

    static std::array<std::uint8_t, 8> random_name()
    {
        std::array<std::uint8_t, 8> bytes{};
        crypto::random_bytes(std::as_writable_bytes(std::span(bytes)));
        return bytes;
    }

    std::array<std::uint8_t, 8> name = random_name();
    S3Place place;
    S3Connect connect;
    SystemClock clock;
    bool swept = false;
};

inline std::vector<std::byte> bytes_of(std::uint64_t seed, std::size_t count)
{
    std::vector<std::byte> out(count);
    std::mt19937_64 random(seed);
    for (auto& each : out) each = static_cast<std::byte>(random());
    return out;
}

inline std::vector<std::byte> read_all(Segments& segments, SegmentNumber segment, std::size_t count, std::size_t at_once = 1u << 20)
{
    std::vector<std::byte> out(count + 1);
    std::size_t done = 0;
    while (done < out.size()) {
        auto const part = std::span(out).subspan(done, std::min(at_once, out.size() - done));
        auto const got = segments.read(segment, done, part);
        REQUIRE(got.has_value());
        done += *got;
        if (*got < part.size()) break;
    }
    out.resize(done);
    return out;
}

inline double seconds_since(std::chrono::steady_clock::time_point begun)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace ocu::test_s3
