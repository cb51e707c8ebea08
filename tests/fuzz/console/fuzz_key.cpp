// SPDX-License-Identifier: GPL-3.0-or-later
// Face: a keyboard's bytes. However they are cut into pieces, they are the same keys; a letter is printable; there are never more keys
// than bytes.

#include "console/key_face.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu::console;
    auto const bytes = std::as_bytes(std::span(data, size));
    KeyReader at_once;
    auto const keys = at_once.read(bytes);
    if (keys.size() > size) __builtin_trap();
    KeyReader one_by_one;
    std::vector<Key> same;
    for (std::size_t i = 0; i < size; ++i)
        for (auto const& key : one_by_one.read(bytes.subspan(i, 1))) same.push_back(key);
    if (same != keys || at_once.timed_out() != one_by_one.timed_out() || at_once.waiting()) __builtin_trap();
    for (auto const& key : keys) {
        if (key.kind == KeyKind::character && (key.letter < ' ' || key.letter > '~')) __builtin_trap();
        if (key.kind == KeyKind::function && (key.number < 1 || key.number > 12)) __builtin_trap();
        if (key.kind == KeyKind::position && (key.row < 1 || key.row > 9999 || key.column < 1 || key.column > 9999)) __builtin_trap();
    }
    return 0;
}
