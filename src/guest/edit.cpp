// SPDX-License-Identifier: GPL-3.0-or-later
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "guest/file_tool.h"
#include "guest/files.h"
#include "guest/replace.h"

namespace ocu::guest {

namespace {

constexpr std::size_t kEditBytesMax = 16u << 20;

char const* kind_name(mode_t mode)
{
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a named pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

std::string lines_text(std::vector<std::uint64_t> const& lines, std::size_t count)
{
    std::string text;
    for (auto const line : lines) text += (text.empty() ? "" : ", ") + std::to_string(line);
    return count > lines.size() ? text + ", …" : text;
}

std::string lines_counted(std::string_view text)
{
    std::size_t count = text.empty() || text.back() == '\n' ? 0 : 1;
    for (char const each : text) count += each == '\n' ? 1 : 0;
    return std::to_string(count) + (count == 1 ? " line" : " lines");
}

}  // namespace

FileAnswer create_file(std::string const& asked, std::string_view text)
{
    std::string const path = resolve_links(asked);
    if (path.back() == '/') return refused(asked + ": a directory's name cannot be a file's.");
    struct stat before{};
    bool const exists = ::lstat(path.c_str(), &before) == 0;
    if (exists && !S_ISREG(before.st_mode))
        return refused(asked + ": is " + kind_name(before.st_mode) + ", not a file; nothing was written.");
    if (!exists && !make_parents(path)) return refused_by_system(asked, "cannot make the directories above it");
    if (!replace_file(path, exists ? &before : nullptr, text)) return refused_by_system(asked, "cannot write");
    return {proto::FileOutcome::text, std::string(exists ? "File overwritten: " : "File created: ") + asked + " (" + lines_counted(text) +
                                          ", " + std::to_string(text.size()) + " bytes)"};
}

FileAnswer str_replace(std::string const& asked, std::string_view old_text, std::string_view new_text)
{
    if (old_text.empty()) return refused("old_str is empty: say which text is to be replaced.");
    if (old_text == new_text) return refused("old_str and new_str are identical: nothing to do.");
    std::string const path = resolve_links(asked);
    UniqueFd const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
    if (!fd) return refused_by_system(asked, "cannot open");
    struct stat before{};
    if (::fstat(fd.get(), &before) != 0) return refused_by_system(asked, "cannot look at it");
    if (!S_ISREG(before.st_mode)) return refused(asked + ": is " + kind_name(before.st_mode) + ", not a file.");
    auto const content = read_up_to(fd.get(), kEditBytesMax + 1);
    if (!content) return refused_by_system(asked, "cannot read");
    if (content->size() > kEditBytesMax) return refused(asked + ": larger than 16 MiB; edit it with bash_tool (sed, python3).");
    auto const replaced = replace_once(*content, old_text, new_text);
    if (replaced.count == 0)
        return refused("old_str was not found in " + asked + " (0 occurrences); it must match exactly, white space included.");
    if (replaced.count > 1) {
        return refused("old_str was found " + std::string(replaced.count == kCountMax ? "at least " : "") + std::to_string(replaced.count) +
                       " times in " + asked + " (lines " + lines_text(replaced.lines, replaced.count) +
                       "); it must occur exactly once: add lines around it until it does.");
    }
    if (!replaced.representable)
        return refused(asked + ": new_str holds characters that the file's encoding does not have; nothing was changed.");
    if (!replace_file(path, &before, replaced.content)) return refused_by_system(asked, "cannot write");
    return {proto::FileOutcome::text, "Replaced 1 occurrence in " + asked + " (line " + std::to_string(replaced.lines.front()) + ")"};
}

}  // namespace ocu::guest
