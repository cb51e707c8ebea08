// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/cli.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <format>
#include <iterator>
#include <thread>

#include "audit/cli_metering.h"
#include "audit/cli_read.h"
#include "audit/cli_witness.h"
#include "audit/cli_words.h"
#include "audit/export.h"
#include "audit/layout.h"
#include "audit/prove.h"
#include "audit/recover.h"
#include "audit/verify_range.h"
#include "base/clock.h"
#include "wire/json.h"

namespace ocu::audit {

namespace {

using wire::Json;

struct Arguments {
    std::vector<std::string_view> plain;
    std::string_view key;
    std::vector<std::string> witnesses;
    std::optional<std::uint64_t> from;
    std::optional<Range> range;
    std::size_t jobs = std::max(1u, std::thread::hardware_concurrency());
    bool json = false;
};

int usage(std::FILE* out, int code)
{
    std::fputs(
        "usage: ocu-appliance audit COMMAND\n\n"
        "  verify DIR [--key FILE] [--json]  check every record, chain, tile and the signed checkpoint\n"
        "    [--jobs N]                      N segments at once (1 to 8; default: one for each processor)\n"
        "    [--witness KEY]                 and that this witness cosigned a head that lies there; as often as there are\n"
        "    [--range FIRST-LAST]            only these records (from 0), against the checkpoint\n"
        "  head DIR                          the checkpoint, and how many records there are\n"
        "  prove DIR INDEX                   that a record (from 0) is under the checkpoint\n"
        "  prove DIR --from SIZE             that the checkpoint continues an earlier tree\n"
        "  export DIR OUT.tar.zst            journal, tiles, checkpoint and keys in one file\n",
        out);
    std::fputs(kWitnessUsage, out);
    std::fputs(kReadUsage, out);
    std::fputs(kMeteringUsage, out);
    return code;
}

Result<Range> parse_range(std::string_view text)
{
    auto const dash = text.find('-');
    if (dash == std::string_view::npos) return fail(Fault::malformed, "a range is FIRST-LAST");
    Range const range{OCU_TRY(parse_number(text.substr(0, dash))), OCU_TRY(parse_number(text.substr(dash + 1)))};
    if (range.first > range.last) return fail(Fault::malformed, "the range ends before it begins");
    return range;
}

Result<std::size_t> parse_jobs(std::string_view text)
{
    auto const jobs = OCU_TRY(parse_number(text));
    if (jobs == 0 || jobs > kVerifyJobsMax) return fail(Fault::malformed, "jobs");
    return jobs;
}

Result<Arguments> parse(std::span<char*> words)
{
    Arguments out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view const word = words[i];
        bool const more = i + 1 < words.size();
        if (word == "--json")
            out.json = true;
        else if (word == "--key" && more)
            out.key = words[++i];
        else if (word == "--witness" && more && out.witnesses.size() < kSignaturesMax)
            out.witnesses.emplace_back(words[++i]);
        else if (word == "--from" && more)
            out.from = OCU_TRY(parse_number(words[++i]));
        else if (word == "--range" && more)
            out.range = OCU_TRY(parse_range(words[++i]));
        else if (word == "--jobs" && more)
            out.jobs = OCU_TRY(parse_jobs(words[++i]));
        else if (word.starts_with("-"))
            return fail(Fault::malformed, "unknown option");
        else
            out.plain.push_back(word);
    }
    return out;
}

Json hashes_of(std::vector<Digest> const& path)
{
    auto list = Json::array();
    for (auto const& hash : path) list.push(Json::string(crypto::to_base64(hash)));
    return list;
}

void put_checkpoint(Json& out, Checkpoint const& checkpoint)
{
    out.set("origin", checkpoint.origin).set("size", checkpoint.size).set("root", crypto::to_base64(checkpoint.root));
}

Json report_of(Report const& report)
{
    auto out = Json::object();
    out.set("good", report.good()).set("records", report.records).set("covered", report.checkpoint ? report.checkpoint->size : 0);
    out.set("root", crypto::to_base64(report.root)).set("torn_tail_bytes", report.torn_tail_bytes);
    out.set("key", report.key_from_directory ? "directory" : "given").set("findings_count", report.findings_count);
    auto witnessed = Json::array();
    for (auto const& head : report.witnessed) {
        auto each = Json::object();
        each.set("witness", head.witness).set("size", head.checkpoint.size).set("time", head.time).set("key", head.key_given ? "given" : "directory");
        witnessed.push(std::move(each));
    }
    out.set("witnessed", std::move(witnessed));
    out.set("first_record", report.first_record);
    if (report.retention) {
        auto const& terms = report.retention->terms;
        auto let_go = Json::object();
        let_go.set("removed", terms.removed).set("days", static_cast<std::uint64_t>(terms.days)).set("newest_ms", terms.newest_ms);
        let_go.set("signed_ms", terms.signed_ms).set("event", terms.event);
        if (terms.hot_days != 0) let_go.set("hot_days", static_cast<std::uint64_t>(terms.hot_days)).set("cold_until_ms", terms.cold_until_ms());
        put_checkpoint(let_go, report.retention->checkpoint);
        out.set("retention", std::move(let_go));
    }
    auto findings = Json::array();
    for (auto const& finding : report.findings) {
        auto each = Json::object();
        each.set("problem", name_of(finding.problem)).set("record", finding.record).set("where", finding.where);
        findings.push(std::move(each));
    }
    out.set("findings", std::move(findings));
    return out;
}

// A bar on a terminal, for whoever waits; never in a file or a pipe.
class Progress {
public:
    explicit Progress(bool quiet) : shows_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

    std::function<void(std::uint64_t, std::uint64_t)> teller()
    {
        if (!shows_) return {};
        return [this](std::uint64_t done, std::uint64_t all) { show(done, all); };
    }
    void end() const
    {
        if (percent_ <= 100) std::fputs("\r\033[K", stderr);
    }

private:
    void show(std::uint64_t done, std::uint64_t all)
    {
        auto const percent = static_cast<unsigned>(done * 100 / all);
        if (percent == percent_) return;
        percent_ = percent;
        std::string bar(kWidth, '.');
        std::fill_n(bar.begin(), percent * kWidth / 100, '#');
        std::fprintf(stderr, "\rverify [%s] %3u %%", bar.c_str(), percent);
    }

    static constexpr std::size_t kWidth = 40;
    bool shows_;
    unsigned percent_ = 101;  // nothing shown yet
};

void tell_witnessed(WitnessedHead const& head)
{
    std::puts(std::format("witnessed: the first {} records by {} at {}{}", head.checkpoint.size, head.witness, in_words(head.time),
        head.key_given ? "" : " (its key came with the directory; give a trusted one with --witness)")
            .c_str());
}

// What is not there any more, and whose word lets it go.
void tell_removed(RetentionNote const& retention)
{
    auto const& terms = retention.terms;
    std::puts(std::format("note: records 0 to {} were removed under retention of {} days: the newest of them was of {:%F %T}, head {} {} signed {:%F %T}", terms.removed - 1,
        terms.days, WallTime(std::chrono::milliseconds(terms.newest_ms)), retention.checkpoint.size, crypto::to_base64(retention.checkpoint.root),
        WallTime(std::chrono::milliseconds(terms.signed_ms)))
                  .c_str());
    if (terms.hot_days != 0)
        std::puts(std::format("note: they went after {} days, since the cold tier holds them, the newest until {:%F %T}",
            terms.hot_days, WallTime(std::chrono::milliseconds(terms.cold_until_ms())))
                      .c_str());
}

void tell_good(Report const& report, std::optional<Range> const& range)
{
    auto const size = static_cast<unsigned long long>(report.checkpoint->size);
    if (range)
        std::printf("good: records %llu to %llu are under the checkpoint (%llu) of %s; the others were not looked at\n",
            static_cast<unsigned long long>(range->first), static_cast<unsigned long long>(range->last), size, report.checkpoint->origin.c_str());
    else
        std::printf("good: %llu records, %llu under the checkpoint of %s\n", static_cast<unsigned long long>(report.records), size,
            report.checkpoint->origin.c_str());
    if (report.retention) tell_removed(*report.retention);
    if (report.torn_tail_bytes != 0)
        std::printf("note: %llu bytes after the last record were never acknowledged\n", static_cast<unsigned long long>(report.torn_tail_bytes));
    for (auto const& head : report.witnessed) tell_witnessed(head);
    if (report.key_from_directory) std::puts("note: the key came with the directory; give a trusted one with --key");
}

Result<int> run_verify(Disk& disk, int directory, Arguments const& arguments)
{
    std::optional<VerifierKey> key;
    if (!arguments.key.empty()) {
        auto const text = OCU_TRY(disk.read_file(AT_FDCWD, std::string(arguments.key), kNoteBytesMax));
        key = OCU_TRY(parse_key(text));
    }
    std::vector<VerifierKey> witnesses;
    for (auto const& path : arguments.witnesses)
        witnesses.push_back(OCU_TRY(parse_key(OCU_TRY(disk.read_file(AT_FDCWD, path, kNoteBytesMax)), KeyKind::witness)));
    if (arguments.range && !witnesses.empty()) return fail(Fault::malformed, "a range is checked against the checkpoint, and not against witnesses");
    Progress progress(arguments.json);
    auto const report = OCU_TRY(arguments.range ? verify_range(disk, directory, *arguments.range, std::move(key))
                                                : verify(disk, directory, {std::move(key), std::move(witnesses), std::min(arguments.jobs, kVerifyJobsMax), progress.teller()}));
    progress.end();
    if (arguments.json) {
        std::puts(report_of(report).print().c_str());
    } else if (report.good()) {
        tell_good(report, arguments.range);
    }
    if (report.good()) return kDone;
    for (auto const& finding : report.findings)
        if (!arguments.json)
            std::printf("%s at record %llu (%s)\n", name_of(finding.problem).data(), static_cast<unsigned long long>(finding.record),
                finding.where.c_str());
    auto const& first = report.findings.front();
    std::fprintf(stderr, "audit: verify failed: %s at record %llu (%s), %llu findings\n", name_of(first.problem).data(),
        static_cast<unsigned long long>(first.record), first.where.c_str(), static_cast<unsigned long long>(report.findings_count));
    return kFailed;
}

Result<int> run_head(Disk& disk, int directory, Arguments const&)
{
    auto const note = OCU_TRY(read_checkpoint(disk, directory));
    if (!note) return fail(Fault::not_found, "there is no checkpoint yet");
    auto out = Json::object();
    put_checkpoint(out, note->checkpoint);
    auto const segments = OCU_TRY(list_segments(disk, directory));
    out.set("segments", segments.count()).set("first_segment", segments.first);
    std::puts(out.print().c_str());
    return kDone;
}

Result<int> run_prove(Disk& disk, int directory, Arguments const& arguments)
{
    auto out = Json::object();
    if (arguments.from) {
        auto const proof = OCU_TRY(consistency_from(disk, directory, *arguments.from));
        out.set("old_size", proof.old_size).set("old_root", crypto::to_base64(proof.old_root));
        put_checkpoint(out, proof.checkpoint);
        out.set("proof", hashes_of(proof.path));
    } else {
        auto const index = OCU_TRY(parse_number(arguments.plain[1]));
        auto const proof = OCU_TRY(inclusion_from(disk, directory, index));
        out.set("index", proof.index).set("leaf", crypto::to_base64(proof.leaf));
        put_checkpoint(out, proof.checkpoint);
        out.set("proof", hashes_of(proof.path));
    }
    std::puts(out.print().c_str());
    return kDone;
}

Result<int> run_export(Disk& disk, int directory, Arguments const& arguments)
{
    std::string const path(arguments.plain[1]);
    UniqueFd const file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) return fail_os("create the archive");
    auto done = export_archive(disk, directory, file.get());
    if (done && ::fsync(file.get()) != 0) done = fail_os("sync the archive");
    if (done) return kDone;
    ::unlink(path.c_str());
    return std::unexpected(done.error());
}

struct Command {
    std::string_view name;
    std::size_t words;  // plain arguments, the directory first
    Result<int> (*run)(Disk&, int, Arguments const&);
};

constexpr Command kCommands[] = {
    {"verify", 1, run_verify},
    {"head", 1, run_head},
    {"prove", 2, run_prove},
    {"export", 2, run_export},
};

}  // namespace

int audit_main(int argc, char** argv)
{
    if (argc < 2) return usage(stderr, kUsage);
    std::string_view const wanted = argv[1];
    if (wanted == "--help" || wanted == "help") return usage(stdout, kDone);
    std::span const words(argv + 2, static_cast<std::size_t>(argc - 2));
    if (wanted == "tail") return tail_main(words);
    if (wanted == "replay") return replay_main(words);
    if (wanted == "metering") return metering_main(words);
    if (wanted == "witness-request") return witness_request_main(words);
    if (wanted == "import-check") return import_check_main(words);
    auto const* const command = std::ranges::find(kCommands, wanted, &Command::name);
    if (command == std::end(kCommands)) return usage(stderr, kUsage);
    auto const arguments = parse(words);
    if (!arguments) return usage(stderr, kUsage);
    if (arguments->plain.size() != command->words - (arguments->from && wanted == "prove" ? 1 : 0)) return usage(stderr, kUsage);
    auto const directory = open_directory(arguments->plain.front());
    if (!directory) return refuse(directory.error());
    SystemDisk disk;
    auto const code = command->run(disk, directory->get(), *arguments);
    return code ? *code : refuse(code.error());
}

}  // namespace ocu::audit
