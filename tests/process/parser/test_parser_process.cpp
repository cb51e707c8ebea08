// SPDX-License-Identifier: GPL-3.0-or-later
// The real parser under its real profile: it answers, it outlives bad input, and what is too much for it ends it alone.

#include <catch2/catch_test_macros.hpp>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "appliance/profiles/parser.h"
#include "helper/frame.h"
#include "proto/parser_to_broker.h"
#include "proto/parser_to_storage.h"
#include "storage/helpers.h"
#include "support/archives.h"

namespace {

using namespace ocu;

struct ParserTest {
    ParserTest()
    {
        auto pair = make_socket_pair().value();
        child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::dup2(pair.theirs.get(), helper::kLinkFd);
            auto self = helper::Helper::begin("parser");
            ::_exit(self && storage::parser_main(*self) ? 0 : 1);
        }
        link = std::move(pair.ours);
        REQUIRE(helper::write_frame(link.get(), helper::kConfigureType, wire::encode(proto::ParserConfig{}), {}));
        auto const ready = helper::read_frame(link.get(), 64, std::chrono::seconds(5));
        REQUIRE(ready.has_value());
        REQUIRE(ready->type == helper::kReadyType);
    }
    ParserTest(ParserTest const&) = delete;
    ParserTest& operator=(ParserTest const&) = delete;
    ~ParserTest()
    {
        if (child <= 0) return;
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    }
    proto::Inspected ask(proto::Content content, std::string body)
    {
        REQUIRE(helper::write_frame(link.get(), static_cast<std::uint16_t>(proto::Type::inspect),
            wire::encode(proto::Inspect{RequestId{9}, content, std::move(body)}), {}));
        auto const frame = helper::read_frame(link.get(), proto::kInspectFrameBytesMax, std::chrono::seconds(20));
        REQUIRE(frame.has_value());
        REQUIRE(frame->type == static_cast<std::uint16_t>(proto::Type::inspected));
        return wire::decode<proto::Inspected>(frame->body).value();
    }
    // As its session's broker: answers ranges of `upload` until the parser has said what it is.
    proto::ArchiveVerdict check(std::string const& upload)
    {
        auto pair = make_socket_pair().value();
        REQUIRE(helper::write_frame(link.get(), static_cast<std::uint16_t>(proto::Type::check_archive),
            wire::encode(proto::CheckArchive{RequestId{3}, upload.size()}), std::array{pair.theirs.get()}));
        pair.theirs.reset();
        for (;;) {
            std::array<pollfd, 2> both{pollfd{link.get(), POLLIN, 0}, pollfd{pair.ours.get(), POLLIN, 0}};
            REQUIRE(::poll(both.data(), both.size(), 20'000) > 0);
            if (both[0].revents != 0) break;
            auto const asked = helper::read_frame(pair.ours.get(), 64, std::chrono::seconds(5));
            if (!asked) continue;
            REQUIRE(asked->type == static_cast<std::uint16_t>(proto::Type::file_read));
            auto const range = wire::decode<proto::FileRead>(asked->body).value();
            auto const bytes = upload.substr(std::min<std::size_t>(range.offset, upload.size()), range.bytes);
            REQUIRE(helper::write_frame(
                pair.ours.get(), static_cast<std::uint16_t>(proto::Type::file_bytes), wire::encode(proto::FileBytes{bytes}), {}));
        }
        auto const frame = helper::read_frame(link.get(), 64, std::chrono::seconds(5));
        REQUIRE(frame.has_value());
        REQUIRE(frame->type == static_cast<std::uint16_t>(proto::Type::archive_checked));
        auto const told = wire::decode<proto::ArchiveChecked>(frame->body).value();
        CHECK(told.request == RequestId{3});
        return told.verdict;
    }

    UniqueFd link;
    pid_t child = -1;
};

void put(std::string& out, std::uint32_t value)
{
    for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
}

// A bitmap of one colour index a pixel, run-length free: the simplest large image.
std::string bitmap(std::uint32_t width, std::uint32_t height)
{
    std::string out("BM");
    auto const row = (width * 3 + 3) / 4 * 4;
    put(out, 54 + row * height);
    put(out, 0);
    put(out, 54);
    put(out, 40);
    put(out, width);
    put(out, height);
    out += std::string("\x01\0\x18\0", 4);
    for (int i = 0; i < 6; ++i) put(out, 0);
    out.append(static_cast<std::size_t>(row) * height, '\x55');
    return out;
}

}  // namespace

TEST_CASE_METHOD(
    ParserTest, "parser: given images and archives, when it is asked, then it answers from inside its profile", "[storage][T-16][AP-8]")
{
    auto const image = ask(proto::Content::image, bitmap(1400, 900));
    CHECK(image.good);
    CHECK(image.content == proto::Content::image);
    CHECK(image.mime.view() == "image/png");
    // A zip of one empty file, stored.
    std::string const zip(
        "PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a"
        "PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a"
        "PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x1f\0\0\0\0\0",
        31 + 47 + 22);
    auto const archive = ask(proto::Content::archive, zip);
    CHECK(archive.content == proto::Content::text);
    CHECK(archive.body.view().find("Entries: 1") != std::string_view::npos);
    for (auto const* const prefix : {"\x1f\x8b\x08", "\x28\xb5\x2f\xfd",
             "\xfd"
             "7zXZ",
             "7z\xbc\xaf\x27\x1c", "PK\x03\x04", "070701", "!<arch>\n", "BZh9"})
        CHECK(ask(proto::Content::archive, prefix + std::string(3'000, '\x41')).content == proto::Content::text);
    CHECK(ask(proto::Content::image, std::string("\xff\xd8\xff\xe0") + std::string(3'000, '\x41')).content == proto::Content::text);
    CHECK(ask(proto::Content::image, "GIF89a" + std::string(3'000, '\x41')).content == proto::Content::text);
    CHECK(::waitpid(child, nullptr, WNOHANG) == 0);
}

TEST_CASE_METHOD(ParserTest, "parser: given a frame that is not its own, when it is heard, then it ends", "[storage][T-14]")
{
    REQUIRE(helper::write_frame(link.get(), 0x7777, {}, {}));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    child = -1;
    CHECK(WIFEXITED(status));
}

TEST_CASE_METHOD(ParserTest,
    "parser: given a parser that serves, when its limits are read, then memory, files and cores are bounded as its profile says",
    "[storage][T-06][T-16]")
{
    std::ifstream file("/proc/" + std::to_string(child) + "/limits");
    std::string const limits{std::istreambuf_iterator<char>(file), {}};
    // Soft and hard.
    auto const bounded = [&limits](std::string_view name, std::string const& value) {
        auto const line = limits.substr(std::min(limits.find(name), limits.size()));
        std::istringstream words(line.substr(std::min(name.size(), line.size())));
        std::string soft;
        std::string hard;
        words >> soft >> hard;
        return soft == value && hard == value;
    };
    CHECK(bounded("Max address space", "1073741824"));
    CHECK(bounded("Max file size", "0"));
    CHECK(bounded("Max core file size", "0"));
    CHECK(bounded("Max open files", "32"));
}

TEST_CASE_METHOD(ParserTest,
    "parser: given uploads that it reads from their broker, when it is asked, then it judges each kind from inside its profile",
    "[storage][T-32][SB-7]")
{
    std::string const text(3u << 20, 't');
    for (auto const* const format : {"tar", "zip", "7z"}) {
        INFO(format);
        auto const upload = archives::Maker(format).add("d/a", text.substr(0, 900'000)).add("b", "x").finish();
        auto const verdict = check(upload);
        CHECK(verdict.rule == proto::ArchiveRule::none);
        CHECK(verdict.entries == 2);
    }
    auto const tar = archives::Maker("tar").add("../a", text.substr(0, 100'000)).finish();
    for (int const filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD})
        CHECK(check(archives::compressed(tar, filter)).rule == proto::ArchiveRule::path);
    auto const bomb = archives::compressed(std::string(64u << 20, '\0'), ARCHIVE_FILTER_XZ);
    CHECK(check(archives::Zip().add("z.xz", bomb).finish()).rule == proto::ArchiveRule::ratio);
    CHECK(check("PK\x03\x04" + std::string(200'000, 'x')).rule == proto::ArchiveRule::unreadable);
    CHECK(::waitpid(child, nullptr, WNOHANG) == 0);
}

TEST_CASE_METHOD(ParserTest, "parser: given a broker that goes while it reads, when it is asked, then nothing is let in and it serves on",
    "[storage][T-32]")
{
    auto pair = make_socket_pair().value();
    REQUIRE(helper::write_frame(link.get(), static_cast<std::uint16_t>(proto::Type::check_archive),
        wire::encode(proto::CheckArchive{RequestId{3}, 1'000}), std::array{pair.theirs.get()}));
    pair.theirs.reset();
    pair.ours.reset();
    auto const frame = helper::read_frame(link.get(), 64, std::chrono::seconds(5));
    REQUIRE(frame.has_value());
    CHECK(wire::decode<proto::ArchiveChecked>(frame->body).value().verdict.rule == proto::ArchiveRule::unchecked);
    CHECK(check(archives::Maker("zip").add("a").finish()).rule == proto::ArchiveRule::none);
}
