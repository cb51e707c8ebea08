// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/checkpoint_note.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "base/crypto/crypto.h"
#include "proto/any_to_audit.h"
#include "proto/retention.h"

namespace ocu::custody {

namespace {

constexpr std::size_t kOriginBytesMax = 256;
constexpr std::size_t kHashBytes = 32;

bool is_origin(std::string_view line)
{
    // A key name of the signed-note format: no space, no '+'. We narrow it to printable ASCII.
    return !line.empty() && line.size() <= kOriginBytesMax &&
           std::ranges::all_of(line, [](unsigned char c) { return c > ' ' && c < 0x7f && c != '+'; });
}

std::optional<std::uint64_t> number_in(std::string_view line)
{
    if (line.empty() || (line.size() > 1 && line.front() == '0')) return std::nullopt;
    std::uint64_t number = 0;
    auto const [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error != std::errc{} || end != line.data() + line.size()) return std::nullopt;
    return number;
}

bool is_hash(std::string_view line)
{
    auto const hash = crypto::from_base64(line);
    return hash && hash->size() == kHashBytes;
}

// Up to the next newline, which is consumed.
std::optional<std::string_view> take_line(std::string_view& text)
{
    auto const end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    auto const line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
}

// Takes origin, size and root off the front: the size.
std::optional<std::uint64_t> take_head(std::string_view& note)
{
    auto const origin = take_line(note);
    auto const size = take_line(note);
    auto const root = take_line(note);
    if (!root || !is_origin(*origin) || !is_hash(*root)) return std::nullopt;
    return number_in(*size);
}

bool take_chain(std::string_view& note, proto::Source source)
{
    auto line = take_line(note);
    auto const begin = "chain " + std::string(proto::name_of(source)) + " ";
    if (!line || !line->starts_with(begin)) return false;
    line->remove_prefix(begin.size());
    auto const space = line->find(' ');
    return space != std::string_view::npos && number_in(line->substr(0, space)) && is_hash(line->substr(space + 1));
}

}  // namespace

bool is_checkpoint_note(std::string_view note) { return take_head(note) && note.empty(); }

bool is_retention_note(std::string_view note, std::uint32_t hot_days)
{
    auto const size = take_head(note);
    auto const terms = size ? proto::take_terms(note) : std::nullopt;
    if (!terms || !terms->hold() || terms->event >= *size) return false;
    if (terms->hot_days != 0 && terms->hot_days != hot_days) return false;
    for (std::uint8_t source = 0; source <= static_cast<std::uint8_t>(proto::Source::kLast); ++source)
        if (!take_chain(note, static_cast<proto::Source>(source))) return false;
    return note.empty();
}

bool is_note(proto::NoteKind kind, std::string_view note, std::uint32_t hot_days)
{
    switch (kind) {
    case proto::NoteKind::checkpoint: return is_checkpoint_note(note);
    case proto::NoteKind::retention: return is_retention_note(note, hot_days);
    }
    return false;
}

}  // namespace ocu::custody
