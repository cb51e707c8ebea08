// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/cli_read.h"

#include <poll.h>

#include <cstdio>
#include <string>

#include "audit/cli_words.h"
#include "audit/journal_walk.h"
#include "audit/layout.h"
#include "audit/reading.h"
#include "audit/recover.h"

namespace ocu::audit {

namespace {

constexpr std::uint64_t kTailDefault = 10;
constexpr std::uint64_t kTailMax = 1'000'000;
constexpr int kFollowMs = 200;

struct Asked {
    std::vector<std::string_view> plain;
    Wanted wanted;
    std::uint64_t count = kTailDefault;
    bool follow = false;
    bool json = false;
};

struct Bad {
    std::string_view option;
    std::string_view must;
};

int misused(Bad const& bad)
{
    std::fprintf(stderr, "audit: %.*s %.*s\n", static_cast<int>(bad.option.size()), bad.option.data(), static_cast<int>(bad.must.size()),
        bad.must.data());
    return kUsage;
}

using Took = std::expected<void, Bad>;

Took take_number(std::uint64_t& into, Bad bad, std::string_view value, std::uint64_t most)
{
    auto const number = parse_number(value);
    if (!number || *number > most) return std::unexpected(bad);
    into = *number;
    return {};
}

Took take_time(std::optional<WallTime>& into, std::string_view option, std::string_view value)
{
    into = read_time(value, SystemClock().wall());
    if (!into) return std::unexpected(Bad{option, "must be a time (2026-01-31T12:00:00Z) or an age (90s, 15m, 2h, 7d)"});
    return {};
}

Took take_option(Asked& asked, std::string_view option, std::string_view value)
{
    auto& wanted = asked.wanted;
    if (option == "-n") return take_number(asked.count, {option, "must be a number up to 1000000"}, value, kTailMax);
    if (option == "--since") return take_time(wanted.since, option, value);
    if (option == "--until") return take_time(wanted.until, option, value);
    if (option == "--actor") return wanted.actor = value, Took{};
    if (option == "--event") return wanted.action = value, Took{};
    if (option == "--source") return wanted.source = value, Took{};
    if (option == "--session") {
        auto session = read_session(value);
        if (!session) return std::unexpected(Bad{option, "must be a session: s- and sixteen hex digits"});
        wanted.session = std::move(*session);
        return {};
    }
    if (option == "--class") {
        std::uint64_t number = 0;
        auto const took = take_number(number, {option, "must be an OCSF class number, as 6003"}, value, UINT32_MAX);
        wanted.class_uid = static_cast<std::uint32_t>(number);
        return took;
    }
    if (option == "--outcome") {
        if (value != "success" && value != "failure") return std::unexpected(Bad{option, "must be success or failure"});
        wanted.success = value == "success";
        return {};
    }
    return std::unexpected(Bad{option, "is no option"});
}

std::expected<Asked, Bad> read_words(std::span<char*> words)
{
    Asked out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view const word = words[i];
        if (word == "--json") {
            out.json = true;
        } else if (word == "-f" || word == "--follow") {
            out.follow = true;
        } else if (!word.starts_with('-')) {
            out.plain.push_back(word);
        } else {
            if (i + 1 == words.size()) return std::unexpected(Bad{word, "is no option, or needs a value"});
            auto const took = take_option(out, word, words[++i]);
            if (!took) return std::unexpected(took.error());
        }
    }
    return out;
}

struct Found {
    std::string record;
    ReadRecord read;
};

std::optional<Found> wanted_of(std::string_view record, Wanted const& wanted)
{
    auto read = read_record(record);
    if (!read || !matches(wanted, *read)) return std::nullopt;
    return Found{std::string(record), std::move(*read)};
}

void print(Found const& found, bool json)
{
    auto const line = json ? found.record : line_of(found.read);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
}

// Those of one segment, as far as they check.
Result<std::vector<Found>> wanted_in(Disk& disk, int directory, std::uint64_t segment, Wanted const& wanted)
{
    std::vector<Found> out;
    auto const bytes = OCU_TRY(disk.read_file(directory, segment_path(segment), kSegmentBytesMax));
    FrameReader reader(bytes);
    for (auto frame = reader.next(); frame && *frame; frame = reader.next())
        if (auto found = wanted_of((*frame)->record, wanted)) out.push_back(std::move(*found));
    return out;
}

// The last ones, newest segment first; `walk` is left where the journal ends now.
Result<std::deque<Found>> last_of(Disk& disk, int directory, JournalWalk& walk, std::uint64_t first, Asked const& asked)
{
    std::deque<Found> last;
    auto earlier = walk.segment();
    while (auto const record = OCU_TRY(walk.next())) {
        if (auto found = wanted_of(*record, asked.wanted)) last.push_back(std::move(*found));
        if (last.size() > asked.count) last.pop_front();
    }
    while (earlier > first && last.size() < asked.count) {
        auto found = OCU_TRY(wanted_in(disk, directory, --earlier, asked.wanted));
        for (; !found.empty() && last.size() < asked.count; found.pop_back()) last.push_front(std::move(found.back()));
    }
    return last;
}

// What there is; then, if asked, what comes, until nobody reads it any more.
Result<int> tail(Disk& disk, int directory, Asked const& asked)
{
    auto const segments = OCU_TRY(list_segments(disk, directory));
    JournalWalk walk(disk, directory, segments.count() == 0 ? 0 : segments.end - 1);
    auto const last = OCU_TRY(last_of(disk, directory, walk, segments.first, asked));
    for (auto const& found : last) print(found, asked.json);
    while (asked.follow) {
        while (auto const record = OCU_TRY(walk.next()))
            if (auto const found = wanted_of(*record, asked.wanted)) print(*found, asked.json);
        if (std::fflush(stdout) != 0) return fail_os("print");
        (void)::poll(nullptr, 0, kFollowMs);
    }
    return kDone;
}

Result<int> replay(Disk& disk, int directory, Asked const& asked)
{
    Replay sum;
    JournalWalk walk(disk, directory, OCU_TRY(list_segments(disk, directory)).first);
    while (auto const record = OCU_TRY(walk.next())) {
        auto const found = wanted_of(*record, asked.wanted);
        if (!found) continue;
        sum.add(found->read);
        print(*found, asked.json);
    }
    if (sum.records() == 0) return fail(Fault::not_found, "no record of such a session");
    if (!asked.json) std::printf("\n%s", sum.summary().c_str());
    return kDone;
}

template <class Run>
int in_directory(std::string_view path, Run run)
{
    auto const directory = open_directory(path);
    if (!directory) return refuse(directory.error());
    SystemDisk disk;
    auto const code = run(disk, directory->get());
    return code ? *code : refuse(code.error());
}

}  // namespace

int tail_main(std::span<char*> words)
{
    auto const asked = read_words(words);
    if (!asked) return misused(asked.error());
    if (asked->plain.size() != 1) return misused(Bad{"tail", "needs the audit directory"});
    return in_directory(asked->plain[0], [&](Disk& disk, int directory) { return tail(disk, directory, *asked); });
}

int replay_main(std::span<char*> words)
{
    auto asked = read_words(words);
    if (!asked) return misused(asked.error());
    if (asked->plain.size() != 2) return misused(Bad{"replay", "needs the audit directory and a session"});
    auto session = read_session(asked->plain[1]);
    if (!session) return misused(Bad{"SESSION", "must be s- and sixteen hex digits"});
    asked->wanted.session = std::move(*session);
    return in_directory(asked->plain[0], [&](Disk& disk, int directory) { return replay(disk, directory, *asked); });
}

}  // namespace ocu::audit
