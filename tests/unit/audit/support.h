// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the audit tests share: a directory that goes away, a key, and a log with a few hundred records and a signed checkpoint.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "audit/log.h"
#include "audit/verify.h"

namespace audit_support {

using namespace ocu;
using namespace ocu::audit;

class Folder {
public:
    Folder()
    {
        char path[] = "/tmp/ocu-audit-XXXXXX";
        REQUIRE(::mkdtemp(path) != nullptr);
        path_ = path;
    }
    ~Folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    std::filesystem::path const& path() const { return path_; }
    UniqueFd open() const { return UniqueFd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

private:
    std::filesystem::path path_;
};

inline std::string read(std::filesystem::path const& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write(std::filesystem::path const& path, std::string const& bytes)
{
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

struct Signer {
    // Another byte is another key.
    explicit Signer(std::uint8_t every_byte = 7)
    {
        std::array<std::byte, 32> bytes{};
        bytes.fill(std::byte{every_byte});
        seed = std::move(*Secret::copy_of(bytes));
        key = *crypto::ed25519_public(seed);
    }
    crypto::Signature sign(std::string const& body) const { return *crypto::ed25519_sign(seed, key, crypto::as_bytes(body)); }

    Secret seed;
    crypto::PublicKey key{};
};

inline Entry entry(std::uint64_t number, proto::Source source = proto::Source::gateway)
{
    Entry out{source, WallTime(std::chrono::milliseconds(1'790'000'000'000 + number)), {}};
    out.event.what = number % 2 == 0 ? proto::What::tool_call_begin : proto::What::egress_denied;
    out.event.session = SessionId{number + 1};
    out.event.trace = "trace-" + std::to_string(number);
    out.event.actor = "dev";
    out.event.resource = "example.org:443";
    out.event.detail = "echo " + std::to_string(number);
    out.event.number = 443;
    return out;
}

inline constexpr char kOrigin[] = "box.example/audit";

inline Result<Log> open_log(Disk& disk, Folder const& folder, Clock const& clock)
{
    return Log::open(disk, folder.open(), {kOrigin, kSegmentBytesMin}, clock);
}

inline void append_some(Log& log, std::uint64_t first, std::uint64_t count)
{
    for (std::uint64_t i = 0; i < count; ++i) {
        auto const one = entry(first + i, static_cast<proto::Source>(i % 3));
        REQUIRE(log.append(std::span(&one, 1)).has_value());
    }
}

inline void sign(Log& log, Signer const& signer)
{
    auto const checkpoint = log.derive();
    REQUIRE(checkpoint.has_value());
    REQUIRE(log.write_checkpoint(*checkpoint, signer.key, signer.sign(format_body(*checkpoint))).has_value());
}

inline Report check(Folder const& folder, std::size_t jobs = 1)
{
    SystemDisk disk;
    auto const directory = folder.open();
    auto report = verify(disk, directory.get(), {.jobs = jobs});
    REQUIRE(report.has_value());
    return *report;
}

inline bool has(Report const& report, Problem problem)
{
    return std::ranges::any_of(report.findings, [problem](Finding const& each) { return each.problem == problem; });
}

}  // namespace audit_support
