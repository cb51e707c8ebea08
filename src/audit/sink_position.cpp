// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/sink_position.h"

#include "audit/disk.h"
#include "audit/layout.h"

namespace ocu::audit {

namespace {

constexpr std::string_view kFirstLine = "ocu-audit-sink/1\n";

// The line up to its end, which is taken off `text`. Empty: there is no whole line.
std::string_view take_line(std::string_view& text)
{
    auto const end = text.find('\n');
    if (end == std::string_view::npos) return {};
    auto const line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
}

Result<Digest> parse_digest(std::string_view hex)
{
    auto const bytes = OCU_TRY(crypto::from_hex(hex));
    Digest digest{};
    if (bytes.size() != digest.size()) return fail(Fault::malformed, "hash of the wrong size");
    std::ranges::copy(bytes, digest.begin());
    return digest;
}

}  // namespace

std::string format_position(SinkPosition const& position, Digest const& place)
{
    return std::string(kFirstLine) + std::to_string(position.position) + "\n" + std::to_string(position.segment) + "\n" +
           crypto::to_hex(position.last) + "\n" + crypto::to_hex(place) + "\n";
}

Result<std::optional<SinkPosition>> parse_position(std::string_view text, Digest const& place)
{
    auto rest = text;
    if (!rest.starts_with(kFirstLine)) return fail(Fault::malformed, "position of a sink does not begin as one");
    rest.remove_prefix(kFirstLine.size());
    SinkPosition out;
    out.position = OCU_TRY(parse_number(take_line(rest)));
    out.segment = OCU_TRY(parse_number(take_line(rest)));
    out.last = OCU_TRY(parse_digest(take_line(rest)));
    auto const of = OCU_TRY(parse_digest(take_line(rest)));
    if (format_position(out, of) != text) return fail(Fault::malformed, "position of a sink is not canonical");
    if (of != place) return std::nullopt;
    return out;
}

Result<std::optional<SinkPosition>> load_position(int folder, Digest const& place)
{
    SystemDisk disk;
    auto const text = disk.read_file(folder, kPositionFile, kPositionBytesMax);
    if (!text && text.error().fault == Fault::not_found) return std::nullopt;
    if (!text) return std::unexpected(text.error());
    return parse_position(*text, place);
}

Result<void> store_position(int folder, SinkPosition const& position, Digest const& place)
{
    SystemDisk disk;
    auto const file = OCU_TRY(disk.open(folder, kPositionAside, Open::new_file));
    OCU_CHECK(disk.write(file.get(), format_position(position, place), 0));
    OCU_CHECK(disk.sync(file.get()));
    OCU_CHECK(disk.rename(folder, kPositionAside, kPositionFile));
    return disk.sync_folder(folder, ".");
}

}  // namespace ocu::audit
