// SPDX-License-Identifier: GPL-3.0-or-later
// Face: a pattern and a path, one line each. What is judged is in one form and stays so; a pattern fits exactly what a plain reading of it fits.

#include "gateway/path_pattern.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

using namespace ocu::gateway;

void check(bool holds)
{
    if (!holds) std::abort();
}

std::vector<std::string_view> names_of(std::string_view path)
{
    std::vector<std::string_view> names;
    while (path.size() > 1) {
        path.remove_prefix(1);
        names.push_back(path.substr(0, path.find('/')));
        path.remove_prefix(names.back().size());
    }
    return names;
}

// By the words of the header, table by table: row i says whether what has been read of the pattern fits the first i of the text.
template <class Pattern, class Text, class IsMany, class Same>
bool reads(Pattern const& pattern, Text const& text, IsMany is_many, Same same)
{
    std::vector<bool> row(text.size() + 1, false);
    row[0] = true;
    for (auto const& each : pattern) {
        std::vector<bool> next(text.size() + 1, false);
        if (is_many(each)) {
            bool reached = false;
            for (std::size_t i = 0; i <= text.size(); ++i) next[i] = reached = reached || row[i];
        } else {
            for (std::size_t i = 0; i < text.size(); ++i) next[i + 1] = row[i] && same(each, text[i]);
        }
        row = next;
    }
    return row[text.size()];
}

bool plainly_fits(std::string_view pattern, std::string_view path)
{
    auto const name_fits = [](std::string_view part, std::string_view name) {
        return reads(part, name, [](char c) { return c == '*'; }, [](char c, char other) { return c == '?' || c == other; });
    };
    return reads(names_of(pattern), names_of(path), [](std::string_view part) { return part == "**"; }, name_fits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    auto const line = bytes.substr(0, bytes.find('\n'));
    auto const path = normal_path(bytes.substr(std::min(size, line.size() + 1)));
    if (path) {
        check(normal_path(*path) == *path && path->starts_with('/') && path->size() <= kJudgedPathBytesMax);
        for (auto const name : names_of(*path)) check(!name.empty() && name != "." && name != "..");
    }
    if (!PathPattern::fault(line).empty() || !path) return 0;
    check(PathPattern(line).matches(*path) == plainly_fits(line, *path));
    return 0;
}
