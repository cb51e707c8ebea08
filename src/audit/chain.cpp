// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/chain.h"

#include "wire/json.h"

namespace ocu::audit {

namespace {

constexpr std::size_t kDepthMax = 8;

Result<proto::Source> source_named(std::string_view name)
{
    for (std::size_t i = 0; i < kSources; ++i) {
        auto const source = static_cast<proto::Source>(i);
        if (proto::name_of(source) == name) return source;
    }
    return fail(Fault::malformed, "record of an unknown source");
}

}  // namespace

Result<ChainMark> read_mark(std::string_view record)
{
    auto const json = OCU_TRY(wire::Json::parse(record, {.bytes_max = kRecordBytesMax, .depth_max = kDepthMax}));
    auto const metadata = json.view()["metadata"];
    auto const name = metadata["log_name"].string();
    auto const sequence = metadata["sequence"].integer();
    if (!name || !sequence || *sequence < 1) return fail(Fault::malformed, "record without source or sequence");
    ChainMark mark{OCU_TRY(source_named(*name)), {static_cast<std::uint64_t>(*sequence), {}}};

    auto const previous = json.view()["unmapped"]["attestation"]["prev_event"];
    if (!previous) return mark;
    auto const hex = previous["fingerprint"]["value"].string();
    if (!hex) return fail(Fault::malformed, "record without the hash of its predecessor");
    auto const bytes = OCU_TRY(crypto::from_hex(*hex));
    if (bytes.size() != mark.link.previous.size()) return fail(Fault::malformed, "hash of the predecessor has the wrong size");
    std::ranges::copy(bytes, mark.link.previous.begin());
    return mark;
}

void Chains::advance(proto::Source source, std::string_view record)
{
    auto& next = next_[static_cast<std::size_t>(source)];
    ++next.sequence;
    next.previous = crypto::sha256(record);
}

}  // namespace ocu::audit
