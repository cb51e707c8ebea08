// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/path_pattern.h"

#include <algorithm>

#include "base/assert.h"
#include "wire/json.h"

namespace ocu::gateway {

namespace {

constexpr std::string_view kAnyDepth = "**";

// The names between slashes, of a text that begins with one; "/" has none.
template <class Take>
void each_name(std::string_view text, Take take)
{
    while (text.size() > 1) {
        text.remove_prefix(1);
        auto const name = text.substr(0, text.find('/'));
        take(name);
        text.remove_prefix(name.size());
    }
}

}  // namespace

std::string_view words_of(PathFault fault)
{
    switch (fault) {
    case PathFault::none: return "";
    case PathFault::missing: return "there is none";
    case PathFault::relative: return "it does not begin with /";
    case PathFault::above_root: return "its .. lead above the root";
    case PathFault::not_text: return "it is not UTF-8 without NUL";
    case PathFault::too_long: return "it is longer than 1024 bytes";
    }
    return "?";
}

std::expected<std::string, PathFault> normal_path(std::string_view path)
{
    if (path.empty()) return std::unexpected(PathFault::missing);
    if (path.size() > kJudgedPathBytesMax) return std::unexpected(PathFault::too_long);
    if (path.contains('\0') || !wire::is_utf8(path)) return std::unexpected(PathFault::not_text);
    if (!path.starts_with('/')) return std::unexpected(PathFault::relative);
    std::string normal;
    bool above = false;
    each_name(path, [&](std::string_view name) {
        if (name.empty() || name == ".") return;
        if (name != "..") {
            normal.append("/").append(name);
            return;
        }
        above = above || normal.empty();
        normal.resize(normal.empty() ? 0 : normal.rfind('/'));
    });
    if (above) return std::unexpected(PathFault::above_root);
    return normal.empty() ? "/" : normal;
}

std::string_view PathPattern::fault(std::string_view pattern)
{
    if (pattern.empty()) return "is empty";
    if (pattern.size() > kPatternBytesMax) return "is longer than 127 bytes";
    if (!pattern.starts_with('/')) return "does not begin with /";
    if (std::ranges::any_of(pattern, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) return "has a control character";
    if (!wire::is_utf8(pattern)) return "is not UTF-8";
    if (pattern.size() > 1 && pattern.ends_with('/')) return "ends with /";
    std::string_view found;
    each_name(pattern, [&found](std::string_view name) {
        if (name.empty()) found = "has an empty name";
        if (name == "." || name == "..") found = "has . or .., which no path that is judged has";
        if (name.contains(kAnyDepth) && name != kAnyDepth) found = "has ** in a name that has more";
    });
    return found;
}

PathPattern::PathPattern(std::string_view pattern) : text_(pattern), rows_(1)
{
    OCU_ASSERT(fault(pattern).empty());
    std::string_view before;
    each_name(pattern, [&](std::string_view name) {
        // Two after one another say the same as one.
        if (name != kAnyDepth || before != kAnyDepth) add_name(name);
        before = name;
    });
}

// A row for each byte that the pattern names, where the places of `?` before it are noted too.
void PathPattern::add_byte(unsigned char byte)
{
    if (row_of_[byte] == 0) {
        row_of_[byte] = static_cast<std::uint8_t>(rows_.size());
        rows_.push_back(byte == '/' ? Places{} : rows_[0]);
    }
    rows_[row_of_[byte]].add(end_++);
}

void PathPattern::add_name(std::string_view name)
{
    if (name == kAnyDepth) {
        // Nothing, or a slash and anything after it: what follows in the pattern is the end or a slash, so whole names are taken.
        skips_two_.add(end_);
        add_byte('/');
        skips_one_.add(end_);
        anywhere_.add(end_++);
        return;
    }
    add_byte('/');
    for (char const letter : name) {
        if (letter == '*') {
            in_name_.add(end_);
            skips_one_.add(end_++);
        } else if (letter == '?') {
            for (std::size_t row = 0; row < rows_.size(); ++row)
                if (row != row_of_['/']) rows_[row].add(end_);
            ++end_;
        } else {
            add_byte(static_cast<unsigned char>(letter));
        }
    }
}

// `*` may be followed by `**`; nothing that can be left without a byte follows `**`. So each is looked at once, in this order.
PathPattern::Places PathPattern::closed(Places reached) const
{
    reached = reached | (reached & skips_one_).moved(1);
    return reached | (reached & skips_two_).moved(2);
}

bool PathPattern::matches(std::string_view path) const
{
    Places reached;
    reached.add(0);
    reached = closed(reached);
    if (path == "/") path = {};
    for (unsigned char const byte : path) {
        auto const stays = byte == '/' ? anywhere_ : anywhere_ | in_name_;
        reached = closed((reached & rows_[row_of_[byte]]).moved(1) | (reached & stays));
        if (reached.none()) return false;
    }
    return reached.has(end_);
}

}  // namespace ocu::gateway
