// SPDX-License-Identifier: GPL-3.0-or-later
// Retention checkpoints, entry bundles and names of segments: what is accepted must be canonical, and lets nothing go that policy keeps.

#include "audit/layout.h"
#include "audit/retention_note.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu::audit;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (auto const note = parse_retention(text)) {
        OCU_ASSERT(format_retention(note->checkpoint, note->terms, note->chains) == note->body);
        OCU_ASSERT(note->terms.hold() && note->terms.event < note->checkpoint.size);
        (void)check_note(*note, make_key(note->checkpoint.origin, {}));
    }
    if (auto const records = parse_bundle(text)) {
        std::string bundle;
        for (auto const record : *records) add_entry(bundle, record);
        OCU_ASSERT(bundle == text);
    }
    if (auto const number = parse_segment_name(text)) OCU_ASSERT(segment_path(*number) == "journal/" + std::string(text));
    return 0;
}
