// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/archive_rules.h"

#include <algorithm>

#include "storage/limits.h"

namespace ocu::storage {

using proto::ArchiveRule;

namespace {

constexpr std::uint64_t kFnvStart = 0xcbf29ce484222325, kFnvPrime = 0x100000001b3;

// FNV-1a: names of one archive are compared by it, nothing is kept secret by it.
std::uint64_t added(std::uint64_t hash, std::string_view bytes)
{
    for (char const c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
    return hash;
}

std::uint64_t added_folded(std::uint64_t hash, std::string_view bytes)
{
    for (char const c : bytes) {
        auto const lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        hash = (hash ^ static_cast<unsigned char>(lower)) * kFnvPrime;
    }
    return hash;
}

bool is_odd(char c)
{
    auto const byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

bool is_drive(std::string_view name)
{
    auto const letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return name.size() >= 2 && name[1] == ':' && letter(name[0]);
}

// The next component, which may be empty; `rest` goes on after its slash.
std::string_view take_part(std::string_view& rest)
{
    auto const end = std::min(rest.find('/'), rest.size());
    auto const part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

// What holds for names and targets alike: bytes and lengths.
ArchiveRule bytes_rule(std::string_view name)
{
    if (name.empty() || name.size() > kArchiveNameBytesMax || std::ranges::any_of(name, is_odd)) return ArchiveRule::name;
    while (!name.empty())
        if (take_part(name).size() > kNameBytesMax) return ArchiveRule::name;
    return ArchiveRule::none;
}

std::uint32_t twins(std::vector<std::uint64_t>& numbers)
{
    std::ranges::sort(numbers);
    auto const [last, end] = std::ranges::unique(numbers);
    auto const count = static_cast<std::uint32_t>(end - last);
    numbers.erase(last, end);
    return count;
}

}  // namespace

std::uint64_t number_of(std::string_view bytes) { return added(kFnvStart, bytes); }

std::size_t depth_of(std::string_view name)
{
    std::size_t depth = 0;
    while (!name.empty())
        if (auto const part = take_part(name); !part.empty() && part != ".") ++depth;
    return depth;
}

ArchiveRule name_rule(std::string_view name)
{
    if (name.starts_with('/') || is_drive(name) || name.contains('\\')) return ArchiveRule::path;
    for (auto rest = name; !rest.empty();)
        if (take_part(rest) == "..") return ArchiveRule::path;
    return bytes_rule(name);
}

ArchiveRule link_rule(std::size_t depth, std::string_view target)
{
    if (target.starts_with('/') || is_drive(target) || target.contains('\\')) return ArchiveRule::link;
    bool named = false;
    for (auto rest = target; !rest.empty();) {
        auto const part = take_part(rest);
        if (part == "..") {
            // Above where it is unpacked; or after a name, which may be another link and lead up from somewhere else.
            if (named || depth == 0) return ArchiveRule::link;
            --depth;
        } else if (!part.empty() && part != ".") {
            named = true;
        }
    }
    return bytes_rule(target);
}

ArchiveRule hard_link_rule(std::string_view target)
{
    return name_rule(target) == ArchiveRule::none ? ArchiveRule::none : ArchiveRule::link;
}

bool NameBook::add(std::string_view name, Kind kind)
{
    std::uint64_t whole = kFnvStart, folded = kFnvStart, parent = 0;
    std::size_t const first = above_.size();
    while (!name.empty()) {
        auto const part = take_part(name);
        if (part.empty() || part == ".") continue;
        if (whole != kFnvStart) {
            parent = whole;
            above_.push_back(whole);
            whole = added(whole, "/");
            folded = added(folded, "/");
        }
        whole = added(whole, part);
        folded = added_folded(folded, part);
    }
    // Files of one directory come together: it is remembered once.
    if (parent == last_parent_) above_.resize(first);
    last_parent_ = parent;
    if (kind != Kind::target) {
        names_.push_back(whole);
        folded_.push_back(folded);
    }
    if (kind == Kind::link) links_.push_back(whole);
    return above_.size() <= kArchiveDirectoriesMax;
}

NameBook::Found NameBook::finish()
{
    Found found;
    found.repeated = twins(names_);
    found.case_twins = twins(folded_) - found.repeated;
    twins(above_);
    found.beneath_link = std::ranges::any_of(links_, [this](std::uint64_t link) { return std::ranges::binary_search(above_, link); });
    return found;
}

}  // namespace ocu::storage
