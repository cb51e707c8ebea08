// SPDX-License-Identifier: GPL-3.0-or-later
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "guest/file_tool.h"
#include "guest/files.h"
#include "guest/lines.h"
#include "guest/listing.h"
#include "guest/recognise.h"

namespace ocu::guest {

namespace {

constexpr std::size_t kTextCharsMax = proto::kAnswerTextCharsMax - 500;  // the rest is for the notice
constexpr std::uint64_t kScanBytesMax = 1ull << 30;                      // how far a range is looked for
constexpr std::size_t kChunkBytes = 64u << 10;

std::string size_text(std::uint64_t bytes) { return std::to_string(bytes) + " bytes"; }

std::string described(std::string const& path, Recognised const& what, std::uint64_t bytes)
{
    std::string text = path + ": " + std::string(what.name) + ", " + size_text(bytes) + ".";
    if (what.how.empty()) return text;
    text += " To read it: ";
    for (std::size_t at = 0; at < what.how.size();) {
        auto const place = what.how.find("FILE", at);
        text += what.how.substr(at, place == std::string_view::npos ? place : place - at);
        if (place == std::string_view::npos) break;
        text += "'" + path + "'";
        at = place + 4;
    }
    return text;
}

proto::FileOutcome outcome_of(FileKind kind)
{
    switch (kind) {
    case FileKind::png: return proto::FileOutcome::png;
    case FileKind::jpeg: return proto::FileOutcome::jpeg;
    case FileKind::gif: return proto::FileOutcome::gif;
    case FileKind::webp: return proto::FileOutcome::webp;
    case FileKind::archive: return proto::FileOutcome::archive;
    default: return proto::FileOutcome::text;
    }
}

// The bytes themselves: somebody on the other side has a parser in a cage for them.
FileAnswer view_bytes(int fd, std::string const& path, Recognised const& what, std::string head)
{
    auto rest = read_up_to(fd, proto::kAnswerBytesMax + 1 - head.size());
    if (!rest) return refused_by_system(path, "cannot read");
    head += *rest;
    if (head.size() <= proto::kAnswerBytesMax) return {outcome_of(what.kind), std::move(head)};
    struct stat found{};
    ::fstat(fd, &found);
    auto const size = static_cast<std::uint64_t>(found.st_size);
    if (what.kind == FileKind::archive) return {proto::FileOutcome::text, described(path, what, size)};
    return refused(
        path + ": " + std::string(what.name) + " of " + size_text(size) + "; images up to 4 MiB can be shown: make a smaller copy first.");
}

std::string notice(NumberedLines const& lines, std::int64_t first, std::uint64_t file_bytes)
{
    auto const line = std::to_string(lines.cut_in_line());
    std::string text =
        "\n\n[Cut here, in line " + line + ": an answer holds 30,000 characters and the file " + size_text(file_bytes) + ". ";
    if (lines.cut_in_line() > first) return text + "The rest: view_range [" + line + ", -1].]";
    return text + "This line alone is longer; read parts of it with bash_tool: sed -n '" + line +
           "p' FILE | cut -c 30000-60000. After it: view_range [" + std::to_string(lines.cut_in_line() + 1) + ", -1].]";
}

FileAnswer view_text(int fd, proto::ToolArguments const& arguments, std::string const& head, std::uint64_t file_bytes)
{
    std::string const& path = arguments.path.str();
    auto const first = arguments.has_range ? arguments.range_first : 1;
    NumberedLines lines(first, arguments.has_range ? arguments.range_last : -1, kTextCharsMax);
    bool more = lines.feed(head);
    std::string chunk(kChunkBytes, '\0');
    for (std::uint64_t scanned = head.size(); more;) {
        if (scanned >= kScanBytesMax) {
            return refused(path + ": line " + std::to_string(first) +
                           " is not within the first GiB of the file; use bash_tool (tail, sed) to reach it.");
        }
        ssize_t const got = ::read(fd, chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return refused_by_system(path, "cannot read");
        if (got == 0) break;
        scanned += static_cast<std::uint64_t>(got);
        more = lines.feed(std::string_view(chunk).substr(0, static_cast<std::size_t>(got)));
    }
    if (lines.lines_seen() == 0) return {proto::FileOutcome::text, "[The file is empty]"};
    if (lines.lines_seen() < first) {
        return refused("view_range starts at line " + std::to_string(first) + ", but " + path + " has " +
                       std::to_string(lines.lines_seen()) + " lines.");
    }
    return {proto::FileOutcome::text, lines.text() + (lines.cut_in_line() == 0 ? "" : notice(lines, first, file_bytes))};
}

}  // namespace

FileAnswer view(proto::ToolArguments const& arguments)
{
    std::string const& path = arguments.path.str();
    if (arguments.has_range && arguments.range_first < 1) return refused("view_range: lines are counted from 1.");
    if (arguments.has_range && arguments.range_last != -1 && arguments.range_last < arguments.range_first) {
        return refused("view_range: the last line comes before the first (-1 means the end).");
    }
    // O_NONBLOCK: a named pipe must not hold us.
    UniqueFd const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return refused_by_system(path, "cannot open");
    struct stat found{};
    if (::fstat(fd.get(), &found) != 0) return refused_by_system(path, "cannot look at it");
    if (S_ISDIR(found.st_mode)) {
        if (arguments.has_range) return refused("view_range is for files; " + path + " is a directory.");
        return list_directory(path);
    }
    if (!S_ISREG(found.st_mode)) return refused(path + ": is neither a file nor a directory.");
    auto head = read_up_to(fd.get(), kHeadBytes);
    if (!head) return refused_by_system(path, "cannot read");
    auto const what = recognise(*head, path);
    auto const size = static_cast<std::uint64_t>(found.st_size);
    switch (what.kind) {
    case FileKind::text: return view_text(fd.get(), arguments, *head, size);
    case FileKind::utf16:
    case FileKind::office:
    case FileKind::pdf:
    case FileKind::binary: return {proto::FileOutcome::text, described(path, what, size)};
    case FileKind::png:
    case FileKind::jpeg:
    case FileKind::gif:
    case FileKind::webp:
    case FileKind::archive: break;
    }
    return view_bytes(fd.get(), path, what, *std::move(head));
}

}  // namespace ocu::guest
