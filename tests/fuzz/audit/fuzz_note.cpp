// SPDX-License-Identifier: GPL-3.0-or-later
// Signed notes, verifier keys and source heads: what is accepted must be canonical.

#include "audit/layout.h"
#include "audit/note.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu::audit;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (auto const note = parse_note(text)) {
        OCU_ASSERT(format_body(note->checkpoint) == note->body);
        (void)check_note(*note, make_key(note->checkpoint.origin, {}));
        // Under the name and id that each line claims, so that what follows them is looked at.
        for (auto const& each : note->signatures) OCU_ASSERT(!check_cosignature(*note, {each.name, each.id, {}, KeyKind::witness}));
    }
    if (auto const key = parse_key(text)) OCU_ASSERT(format_key(*key).starts_with(text));
    if (auto const key = parse_key(text, KeyKind::witness)) OCU_ASSERT(format_key(*key).starts_with(text) && !parse_key(text));
    if (auto const head = parse_head(text)) OCU_ASSERT(format_head(head->sequence, head->hash) == text);
    return 0;
}
