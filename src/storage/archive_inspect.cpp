// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/archive_inspect.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <format>
#include <memory>

#include "storage/archive_rules.h"
#include "storage/limits.h"

namespace ocu::storage {

using proto::ArchiveRule;

namespace {

using Reader = std::unique_ptr<archive, decltype([](archive* each) { ::archive_read_free(each); })>;

// Named one by one: what is not in this list is not opened.
Reader make_reader()
{
    Reader reader(::archive_read_new());
    if (!reader) return reader;
    auto* const a = reader.get();
    ::archive_read_support_format_tar(a);
    ::archive_read_support_format_zip(a);
    ::archive_read_support_format_7zip(a);
    ::archive_read_support_format_cpio(a);
    ::archive_read_support_format_ar(a);
    ::archive_read_support_filter_gzip(a);
    ::archive_read_support_filter_xz(a);
    ::archive_read_support_filter_zstd(a);
    // Names stay the bytes that they are: no conversion, which this libarchive was built without.
    ::archive_read_set_option(a, "tar", "hdrcharset", "BINARY");
    return reader;
}

bool names_an_archive(std::string_view name)
{
    constexpr std::array<std::string_view, 14> kEndings{
        ".zip", ".tar", ".tgz", ".gz", ".xz", ".zst", ".bz2", ".7z", ".rar", ".jar", ".whl", ".cpio", ".iso", ".cab"};
    return std::ranges::any_of(kEndings, [name](std::string_view ending) { return name.ends_with(ending); });
}

char kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return 'd';
    case S_IFLNK: return 'l';
    case S_IFREG:
    case 0: return '-';
    default: return '!';
    }
}

std::string_view text_or_empty(char const* text) { return text == nullptr ? std::string_view() : std::string_view(text); }

void add_entry(ArchiveReport& report, archive_entry* entry)
{
    auto const name = text_or_empty(::archive_entry_pathname(entry));
    auto const symbolic = text_or_empty(::archive_entry_symlink(entry));
    auto const hard = text_or_empty(::archive_entry_hardlink(entry));
    auto const mode = ::archive_entry_filetype(entry);
    bool const has_size = ::archive_entry_size_is_set(entry) != 0 && ::archive_entry_size(entry) > 0;
    auto const size = has_size ? static_cast<std::uint64_t>(::archive_entry_size(entry)) : 0;
    bool const device = kind_of(mode) == '!';
    auto const named = name_rule(name);
    bool const out = named == ArchiveRule::path;
    auto const depth = depth_of(name);
    bool const link_out = (!symbolic.empty() && link_rule(depth - std::min<std::size_t>(depth, 1), symbolic) != ArchiveRule::none) ||
                          (!hard.empty() && hard_link_rule(hard) != ArchiveRule::none);

    ++report.entries;
    report.unpacked_bytes += std::min(size, UINT64_MAX - report.unpacked_bytes);
    report.escaping_names += out ? 1 : 0;
    report.odd_names += named == ArchiveRule::name ? 1 : 0;
    report.links += symbolic.empty() && hard.empty() ? 0 : 1;
    report.links_out += link_out ? 1 : 0;
    report.devices += device ? 1 : 0;
    report.encrypted += ::archive_entry_is_encrypted(entry) != 0 ? 1 : 0;
    report.nested += names_an_archive(name) ? 1 : 0;
    if (report.entries > kArchiveEntriesShown) return;
    report.listing += std::format("{} {:>12} {}", hard.empty() ? kind_of(mode) : 'h', size, escaped(name, kArchiveNameCharsShown));
    auto const target = symbolic.empty() ? hard : symbolic;
    if (!target.empty()) report.listing += " -> " + escaped(target, kArchiveNameCharsShown);
    if (out || link_out) report.listing += "   [leads out of the directory]";
    if (device) report.listing += "   [device, fifo or socket]";
    report.listing += '\n';
}

void read_headers(archive* a, ArchiveReport& report, std::uint64_t packed_bytes)
{
    archive_entry* entry = nullptr;
    for (;;) {
        int const got = ::archive_read_next_header(a, &entry);
        if (got == ARCHIVE_EOF) {
            report.complete = true;
            break;
        }
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
            report.corrupt = true;
            break;
        }
        if (report.entries >= kArchiveEntriesMax) {
            report.too_many_entries = true;
            break;
        }
        add_entry(report, entry);
        // The next header lies behind this entry's data, so a compressed tar is decompressed to reach it: only so far.
        auto const decoded = static_cast<std::uint64_t>(std::max<la_int64_t>(::archive_filter_bytes(a, 0), 0));
        auto const next = ::archive_filter_count(a) > 1
                              ? decoded + static_cast<std::uint64_t>(std::max<la_int64_t>(::archive_entry_size(entry), 0))
                              : decoded;
        if (next > kArchiveDecodedBytesMax) {
            report.stopped = true;
            break;
        }
    }
    report.too_large = report.unpacked_bytes > kArchiveUnpackedBytesMax;
    report.bomb_ratio = report.unpacked_bytes > kArchiveRatioFromBytes &&
                        report.unpacked_bytes / std::max<std::uint64_t>(packed_bytes, 1) > kArchiveRatioMax;
}

std::string how_to_unpack(std::string_view type)
{
    if (type.find("ZIP") != type.npos) return "unzip -d DIR FILE, or python3 -m zipfile -e FILE DIR";
    if (type.find("7-Zip") != type.npos) return "7z x -oDIR FILE";
    if (type.find("cpio") != type.npos) return "cpio -idm --no-absolute-filenames < FILE";
    if (type.find("ar ") != type.npos && type.find("tar") == type.npos) return "ar x FILE";
    return "mkdir DIR && tar -xf FILE -C DIR";
}

}  // namespace

std::string escaped(std::string_view name, std::size_t chars_max)
{
    std::string out;
    for (char const each : name) {
        auto const byte = static_cast<unsigned char>(each);
        bool const plain = byte >= 0x20 && byte < 0x7f && byte != '\\';
        auto const next = plain ? std::string(1, each) : std::format("\\x{:02x}", byte);
        if (out.size() + next.size() > chars_max) return out + "...";
        out += next;
    }
    return out;
}

Result<ArchiveReport> inspect_archive(std::span<std::byte const> bytes)
{
    auto const reader = make_reader();
    if (!reader) return fail(Fault::os, "no archive reader");
    auto* const a = reader.get();
    if (::archive_read_open_memory(a, bytes.data(), bytes.size()) != ARCHIVE_OK) return fail(Fault::malformed, "not an archive");
    ArchiveReport report;
    read_headers(a, report, bytes.size());
    if (report.entries == 0 && !report.complete) return fail(Fault::malformed, "not an archive");
    report.type = escaped(text_or_empty(::archive_format_name(a)), 64);
    for (int i = 0; i < ::archive_filter_count(a) - 1; ++i) report.type += ", " + escaped(text_or_empty(::archive_filter_name(a, i)), 32);
    return report;
}

std::string describe(ArchiveReport const& report, std::uint64_t packed_bytes, std::size_t bytes_max)
{
    std::string out = std::format("Archive: {}\nEntries: {}{}\nPacked: {} bytes, unpacked: {} bytes (as the headers claim)\n", report.type,
        report.entries, report.complete ? "" : " or more", packed_bytes, report.unpacked_bytes);
    if (report.dangerous()) out += "DANGEROUS to unpack unguarded:\n";
    if (report.escaping_names != 0)
        out += std::format("- {} names lead out of the directory (absolute, \"..\" or a backslash)\n", report.escaping_names);
    if (report.odd_names != 0) out += std::format("- {} names that no file should have\n", report.odd_names);
    if (report.links_out != 0) out += std::format("- {} links lead out of the directory\n", report.links_out);
    if (report.devices != 0) out += std::format("- {} devices, fifos or sockets\n", report.devices);
    if (report.too_many_entries) out += std::format("- more than {} entries\n", kArchiveEntriesMax);
    if (report.too_large) out += std::format("- more than {} bytes unpacked\n", kArchiveUnpackedBytesMax);
    if (report.bomb_ratio) out += std::format("- more than {} times its size unpacked: it may be a decompression bomb\n", kArchiveRatioMax);
    if (report.stopped) out += std::format("- inspection stopped after {} bytes\n", kArchiveDecodedBytesMax);
    if (report.corrupt) out += "Corrupt: it breaks off before its end\n";
    if (report.links != 0) out += std::format("Links: {}\n", report.links);
    if (report.encrypted != 0) out += std::format("Encrypted entries: {}\n", report.encrypted);
    if (report.nested != 0) out += std::format("Archives inside (not opened): {}\n", report.nested);
    out += "To unpack: " + how_to_unpack(report.type) + "\n\n";
    constexpr std::string_view kCut = "[listing cut]\n";
    bool cut = report.entries > kArchiveEntriesShown;
    std::string_view rest = report.listing;
    while (!rest.empty()) {
        auto const line = rest.substr(0, rest.find('\n') + 1);
        if (out.size() + line.size() + kCut.size() > bytes_max) {
            cut = true;
            break;
        }
        out += line;
        rest.remove_prefix(line.size());
    }
    if (cut) out += kCut;
    return out;
}

}  // namespace ocu::storage
