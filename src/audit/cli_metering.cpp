// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/cli_metering.h"

#include "audit/cli_words.h"
#include "audit/journal_walk.h"
#include "audit/metered.h"
#include "audit/recover.h"

namespace ocu::audit {

namespace {

struct Asked {
    std::string_view directory;
    MeteredRange range;
    bool json = false;
};

// Nothing: it is said what is wrong.
std::optional<Asked> read_words(std::span<char*> words)
{
    Asked out;
    auto const bad = [](std::string_view option, char const* must) -> std::optional<Asked> {
        std::fprintf(stderr, "audit: %.*s %s\n", static_cast<int>(option.size()), option.data(), must);
        return std::nullopt;
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view const word = words[i];
        if (word == "--json") {
            out.json = true;
        } else if (!word.starts_with('-')) {
            if (!out.directory.empty()) return bad(word, "is one directory too many");
            out.directory = word;
        } else if (word != "--from" && word != "--to" && word != "--caller") {
            return bad(word, "is no option");
        } else if (++i == words.size()) {
            return bad(word, "needs a value");
        } else if (word == "--caller") {
            out.range.caller = words[i];
        } else {
            auto const time = read_time(words[i], SystemClock().wall());
            if (!time) return bad(word, "must be a time (2026-01-31T12:00:00Z) or an age (90s, 15m, 2h, 7d)");
            (word == "--from" ? out.range.from : out.range.to) = time;
        }
    }
    if (out.directory.empty()) return bad("metering", "needs the audit directory");
    return out;
}

Result<int> print_metered(Disk& disk, int directory, Asked const& asked)
{
    Metered sums;
    JournalWalk walk(disk, directory, OCU_TRY(list_segments(disk, directory)).first);
    while (auto const record = OCU_TRY(walk.next()))
        if (auto const read = read_record(*record)) OCU_CHECK(sums.add(*read, asked.range));
    if (sums.records() == 0 && !asked.json) return fail(Fault::not_found, "no session was metered then");
    auto const text = asked.json ? sums.json() + "\n" : sums.table();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kDone;
}

}  // namespace

int metering_main(std::span<char*> words)
{
    auto const asked = read_words(words);
    if (!asked) return kUsage;
    auto const directory = open_directory(asked->directory);
    if (!directory) return refuse(directory.error());
    SystemDisk disk;
    auto const code = print_metered(disk, directory->get(), *asked);
    return code ? *code : refuse(code.error());
}

}  // namespace ocu::audit
