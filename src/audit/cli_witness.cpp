// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/cli_witness.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <format>
#include <optional>
#include <string>
#include <vector>

#include "audit/cli_words.h"
#include "audit/layout.h"
#include "audit/limits.h"
#include "audit/witness.h"

namespace ocu::audit {

namespace {

struct Asked {
    std::vector<std::string> plain;
    std::vector<std::string> witnesses;
    std::string key;
    std::uint64_t from = 0;
};

// Nothing: these words are no such command.
std::optional<Asked> read_words(std::span<char*> words, std::size_t plain_wanted, bool import)
{
    Asked out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view const word = words[i];
        if (!word.starts_with("--")) {
            out.plain.emplace_back(word);
            continue;
        }
        if (i + 1 == words.size()) return std::nullopt;
        std::string const value = words[++i];
        if (import && word == "--witness" && out.witnesses.size() < kSignaturesMax) {
            out.witnesses.push_back(value);
        } else if (import && word == "--key") {
            out.key = value;
        } else if (auto const number = parse_number(value); !import && word == "--from" && number) {
            out.from = *number;
        } else {
            return std::nullopt;
        }
    }
    if (out.plain.size() != plain_wanted) return std::nullopt;
    return out;
}

int misused()
{
    std::fputs("usage: ocu-appliance audit ...\n", stderr);
    std::fputs(kWitnessUsage, stderr);
    return kUsage;
}

Result<VerifierKey> key_in(Disk& disk, std::string const& path, KeyKind kind)
{
    return parse_key(OCU_TRY(disk.read_file(AT_FDCWD, path, kNoteBytesMax)), kind);
}

Result<std::string> request_of(Asked const& asked)
{
    SystemDisk disk;
    auto const directory = OCU_TRY(open_directory(asked.plain[0]));
    return witness_request(disk, directory.get(), asked.from);
}

Result<ImportedHead> imported_of(Asked const& asked)
{
    SystemDisk disk;
    auto const directory = OCU_TRY(open_directory(asked.plain[0]));
    std::optional<VerifierKey> key;
    if (!asked.key.empty()) key = OCU_TRY(key_in(disk, asked.key, KeyKind::log));
    std::vector<VerifierKey> witnesses;
    for (auto const& path : asked.witnesses) witnesses.push_back(OCU_TRY(key_in(disk, path, KeyKind::witness)));
    auto const note = OCU_TRY(parse_note(OCU_TRY(disk.read_file(AT_FDCWD, asked.plain[1], kNoteBytesMax))));
    return check_imported(disk, directory.get(), note, std::move(key), witnesses);
}

}  // namespace

std::string in_words(std::uint64_t time_s)
{
    constexpr std::uint64_t kTimeMax = 253'402'300'799;  // the last second of the year 9999
    std::chrono::sys_seconds const at{std::chrono::seconds(std::min(time_s, kTimeMax))};
    return std::format("{:%FT%TZ}", at);
}

int witness_request_main(std::span<char*> words)
{
    auto const asked = read_words(words, 1, false);
    if (!asked) return misused();
    auto const request = request_of(*asked);
    if (!request) return refuse(request.error());
    std::fwrite(request->data(), 1, request->size(), stdout);
    return kDone;
}

int import_check_main(std::span<char*> words)
{
    auto const asked = read_words(words, 2, true);
    if (!asked) return misused();
    auto const head = imported_of(*asked);
    if (!head) return refuse(head.error());
    std::printf("good: the log continues the head of %llu records\n", static_cast<unsigned long long>(head->checkpoint.size));
    for (auto const& each : head->witnesses) {
        std::puts(std::format("seen by {} at {}", each.name, in_words(each.time)).c_str());
    }
    if (head->witnesses.empty()) std::puts("note: no witness was asked for; name their keys with --witness");
    if (asked->key.empty()) std::puts("note: the key came with the directory; give a trusted one with --key");
    return kDone;
}

}  // namespace ocu::audit
