// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/listing.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace ocu::guest {

namespace {

constexpr std::size_t kEntriesMax = 2000;  // of one directory that are read; a name has up to 255 bytes
constexpr std::size_t kCharsMax = proto::kAnswerTextCharsMax - 500;
constexpr int kLevels = 2;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

struct Entries {
    std::vector<std::string> names;
    bool all = true;
    bool readable = true;
};

Entries entries_of(std::string const& path)
{
    Entries entries;
    std::unique_ptr<DIR, CloseDirectory> const directory(::opendir(path.c_str()));
    if (!directory) {
        entries.readable = false;
        return entries;
    }
    while (dirent const* const each = ::readdir(directory.get())) {
        std::string_view const name = each->d_name;
        if (name.starts_with('.') || name == "node_modules") continue;
        if (entries.names.size() == kEntriesMax) {
            entries.all = false;
            break;
        }
        entries.names.emplace_back(name);
    }
    std::ranges::sort(entries.names);
    return entries;
}

std::string joined(std::string const& directory, std::string const& name)
{
    return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

// False when the budget is used up.
bool list_level(std::string const& path, int level, std::string& out)
{
    auto const entries = entries_of(path);
    std::string const indent(static_cast<std::size_t>(level) * 2, ' ');
    if (!entries.readable) out += indent + "[cannot be read]\n";
    for (auto const& name : entries.names) {
        if (out.size() + name.size() > kCharsMax) return false;
        std::string const full = joined(path, name);
        struct stat found{};
        bool const known = ::lstat(full.c_str(), &found) == 0;
        bool const is_directory = known && S_ISDIR(found.st_mode);
        out += indent + name + (is_directory ? "/" : "");
        if (known && S_ISREG(found.st_mode)) out += " (" + std::to_string(found.st_size) + " bytes)";
        if (known && S_ISLNK(found.st_mode)) out += " (symbolic link)";
        out += "\n";
        if (is_directory && level + 1 < kLevels && !list_level(full, level + 1, out)) return false;
    }
    if (!entries.all) out += indent + "[more entries than the " + std::to_string(kEntriesMax) + " that are listed]\n";
    return true;
}

}  // namespace

FileAnswer list_directory(std::string const& path)
{
    std::string out = path + ", two levels deep, without hidden entries and node_modules:\n";
    std::size_t const head_size = out.size();
    bool const all = list_level(path, 0, out);
    if (out.size() == head_size) out += "[nothing]\n";
    if (!all) out += "[Cut here: the listing is longer than an answer may be. View a subdirectory, or use find with bash_tool.]\n";
    out.pop_back();
    return {proto::FileOutcome::text, std::move(out)};
}

}  // namespace ocu::guest
