// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/layout.h"

#include <charconv>
#include <cstdio>

namespace ocu::audit {

std::string segment_path(std::uint64_t number)
{
    char text[32];
    std::snprintf(text, sizeof text, "journal/%08llu.seg", static_cast<unsigned long long>(number));
    return text;
}

Result<std::uint64_t> parse_segment_name(std::string_view name)
{
    std::uint64_t number = 0;
    auto const [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end == name.data() || "journal/" + std::string(name) != segment_path(number))
        return fail(Fault::malformed, "a file of the journal is no segment");
    return number;
}

std::string index_path(std::uint64_t index)
{
    char group[8];
    std::snprintf(group, sizeof group, "%03u", static_cast<unsigned>(index % 1000));
    std::string path = group;
    while ((index /= 1000) != 0) {
        std::snprintf(group, sizeof group, "x%03u/", static_cast<unsigned>(index % 1000));
        path.insert(0, group);
    }
    return path;
}

namespace {

std::string with_width(std::string path, std::size_t width)
{
    if (width < kTileWidth) path += ".p/" + std::to_string(width);
    return path;
}

}  // namespace

std::string tile_path(unsigned level, std::uint64_t index) { return "tile/" + std::to_string(level) + "/" + index_path(index); }

std::string tile_path(unsigned level, std::uint64_t index, std::size_t width) { return with_width(tile_path(level, index), width); }

std::string entries_path(std::uint64_t index, std::size_t width) { return with_width("tile/entries/" + index_path(index), width); }

std::string witnessed_path(std::string_view witness) { return std::string(kWitnessedFolder) + "/" + std::string(witness) + "/head"; }

std::string witness_key_path(std::string_view witness, std::uint32_t key_id)
{
    char id[16];
    std::snprintf(id, sizeof id, "%08x", key_id);
    return std::string(kWitnessedFolder) + "/" + std::string(witness) + "/key-" + id + ".pub";
}

std::string head_path(std::string_view source) { return "sources/" + std::string(source) + ".head"; }

std::string tile_bytes(std::vector<Digest> const& hashes)
{
    std::string bytes;
    bytes.reserve(hashes.size() * sizeof(Digest));
    for (auto const& hash : hashes) bytes.append(reinterpret_cast<char const*>(hash.data()), hash.size());
    return bytes;
}

Result<std::vector<Digest>> parse_tile(std::string_view bytes, std::size_t width)
{
    if (bytes.size() != width * sizeof(Digest)) return fail(Fault::malformed, "tile of the wrong size");
    std::vector<Digest> hashes(width);
    for (std::size_t i = 0; i < width; ++i) std::memcpy(hashes[i].data(), bytes.data() + i * sizeof(Digest), sizeof(Digest));
    return hashes;
}

void add_entry(std::string& bundle, std::string_view record)
{
    bundle.push_back(static_cast<char>(record.size() >> 8));
    bundle.push_back(static_cast<char>(record.size() & 0xff));
    bundle.append(record);
}

Result<std::vector<std::string_view>> parse_bundle(std::string_view bundle)
{
    std::vector<std::string_view> records;
    while (!bundle.empty()) {
        if (bundle.size() < 2 || records.size() == kTileWidth) return fail(Fault::malformed, "bundle of the wrong form");
        auto const size = static_cast<std::size_t>(static_cast<unsigned char>(bundle[0])) << 8 | static_cast<unsigned char>(bundle[1]);
        if (bundle.size() - 2 < size) return fail(Fault::malformed, "bundle ends within an entry");
        records.push_back(bundle.substr(2, size));
        bundle.remove_prefix(2 + size);
    }
    return records;
}

std::string format_head(std::uint64_t sequence, Digest const& hash) { return std::to_string(sequence) + " " + crypto::to_hex(hash) + "\n"; }

Result<SourceHead> parse_head(std::string_view text)
{
    auto const space = text.find(' ');
    if (space == std::string_view::npos || !text.ends_with('\n')) return fail(Fault::malformed, "source head is not two fields");
    SourceHead head{OCU_TRY(parse_number(text.substr(0, space))), {}};
    auto const hash = OCU_TRY(crypto::from_hex(text.substr(space + 1, text.size() - space - 2)));
    if (hash.size() != head.hash.size()) return fail(Fault::malformed, "source head's hash has the wrong size");
    std::ranges::copy(hash, head.hash.begin());
    if (format_head(head.sequence, head.hash) != text) return fail(Fault::malformed, "source head is not canonical");
    return head;
}

Result<std::uint64_t> parse_number(std::string_view text)
{
    std::uint64_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || (text.size() > 1 && text.front() == '0'))
        return fail(Fault::malformed, "not a decimal number");
    return value;
}

}  // namespace ocu::audit
