// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/retention_note.h"

#include "audit/layout.h"
#include "proto/note_kind.h"

namespace ocu::audit {

namespace {

// A body with the longest name and the greatest numbers fits what the key is asked to sign.
constexpr std::size_t kTermsBytesMax = 160;
constexpr std::size_t kChainBytesMax = 6 + 8 + 20 + 1 + 44 + 1;
static_assert(kOriginBytesMax + 1 + 21 + 45 + kTermsBytesMax + kSources * kChainBytesMax <= proto::kNoteBodyBytesMax);

std::string format_chains(Chains const& chains)
{
    std::string out;
    for (std::size_t i = 0; i < kSources; ++i) {
        auto const source = static_cast<proto::Source>(i);
        auto const& next = chains.next(source);
        out += "chain " + std::string(proto::name_of(source)) + " " + std::to_string(next.sequence) + " " + crypto::to_base64(next.previous) + "\n";
    }
    return out;
}

Result<ChainLink> take_chain(std::string_view& text, proto::Source source)
{
    auto const begin = "chain " + std::string(proto::name_of(source)) + " ";
    auto const end = text.find('\n');
    if (!text.starts_with(begin) || end == std::string_view::npos) return fail(Fault::malformed, "retention checkpoint without a chain");
    auto const line = text.substr(begin.size(), end - begin.size());
    text.remove_prefix(end + 1);
    auto const space = line.find(' ');
    if (space == std::string_view::npos) return fail(Fault::malformed, "chain of a retention checkpoint is not two fields");
    ChainLink link{OCU_TRY(parse_number(line.substr(0, space))), {}};
    auto const hash = OCU_TRY(crypto::from_base64(line.substr(space + 1)));
    if (hash.size() != link.previous.size()) return fail(Fault::malformed, "chain of a retention checkpoint has a hash of the wrong size");
    std::ranges::copy(hash, link.previous.begin());
    return link;
}

}  // namespace

std::string format_retention(Checkpoint const& checkpoint, proto::RetentionTerms const& terms, Chains const& chains)
{
    return format_body(checkpoint) + proto::format_terms(terms) + format_chains(chains);
}

Result<RetentionNote> parse_retention(std::string_view text)
{
    RetentionNote note{OCU_TRY(parse_signed(text)), {}, {}, {}};
    std::string_view body = note.body;
    note.checkpoint = OCU_TRY(take_checkpoint(body));
    auto const terms = proto::take_terms(body);
    if (!terms) return fail(Fault::malformed, "retention checkpoint without its terms");
    note.terms = *terms;
    std::array<ChainLink, kSources> links{};
    for (std::size_t i = 0; i < kSources; ++i) links[i] = OCU_TRY(take_chain(body, static_cast<proto::Source>(i)));
    note.chains = Chains(links);
    if (!terms->hold() || terms->event >= note.checkpoint.size) return fail(Fault::malformed, "retention checkpoint lets go what it may not");
    if (format_retention(note.checkpoint, note.terms, note.chains) != note.body) return fail(Fault::malformed, "retention checkpoint is not canonical");
    return note;
}

Result<std::optional<RetentionNote>> read_retention(Disk& disk, int directory)
{
    auto const text = disk.read_file(directory, std::string(kRetentionPath), kNoteBytesMax);
    if (!text && text.error().fault == Fault::not_found) return std::optional<RetentionNote>{};
    if (!text) return std::unexpected(text.error());
    return std::optional(OCU_TRY(parse_retention(*text)));
}

}  // namespace ocu::audit
