// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/console/key_face. Which bytes are which key, and that nothing else ever is one.

#include "console/key_face.h"
#include "console/limits.h"

namespace test_key_face {

using namespace ocu;
using namespace ocu::console;

std::vector<Key> keys_of(KeyReader& reader, std::string_view bytes) { return reader.read(std::as_bytes(std::span(bytes))); }

std::vector<Key> keys_of(std::string_view bytes)
{
    KeyReader reader;
    return keys_of(reader, bytes);
}

TEST_CASE("key_face: given each key in each of its forms, when it is read, then it is that key and one key", "[console][T-19]")
{
    struct Row {
        std::string_view bytes;
        Key key;
    };
    auto const function = [](int number) { return Key{.kind = KeyKind::function, .number = number}; };
    for (auto const& row : {Row{"y", {.kind = KeyKind::character, .letter = 'y'}}, Row{"\r", {KeyKind::enter}}, Row{"\n", {KeyKind::enter}},
             Row{"\r\n", {KeyKind::enter}}, Row{"\t", {KeyKind::tab}}, Row{"\x1b[Z", {KeyKind::back_tab}}, Row{"\x7f", {KeyKind::backspace}},
             Row{"\b", {KeyKind::backspace}}, Row{"\f", {KeyKind::redraw}}, Row{"\x1b[A", {KeyKind::up}}, Row{"\x1bOA", {KeyKind::up}},
             Row{"\x1b[1;5A", {KeyKind::up}}, Row{"\x1b[B", {KeyKind::down}}, Row{"\x1b[C", {KeyKind::right}}, Row{"\x1bOD", {KeyKind::left}},
             Row{"\x1b[5~", {KeyKind::page_up}}, Row{"\x1b[6~", {KeyKind::page_down}}, Row{"\x1b[6;2~", {KeyKind::page_down}},
             Row{"\x1b[1~", {KeyKind::home}}, Row{"\x1b[H", {KeyKind::home}}, Row{"\x1bOH", {KeyKind::home}}, Row{"\x1b[7~", {KeyKind::home}},
             Row{"\x1b[4~", {KeyKind::end}}, Row{"\x1b[F", {KeyKind::end}}, Row{"\x1b[8~", {KeyKind::end}}, Row{"\x1bOM", {KeyKind::enter}},
             Row{"\x1b[[A", function(1)}, Row{"\x1bOP", function(1)}, Row{"\x1b[11~", function(1)}, Row{"\x1b[1;2Q", function(2)},
             Row{"\x1b[[E", function(5)}, Row{"\x1b[15~", function(5)}, Row{"\x1b[17~", function(6)}, Row{"\x1b[24~", function(12)},
             Row{"\x1b[24;80R", {.kind = KeyKind::position, .row = 24, .column = 80}}}) {
        INFO(row.bytes.substr(1));
        CHECK(keys_of(row.bytes) == std::vector{row.key});
    }
}

TEST_CASE("key_face: given a key whose bytes come one by one, when the last has come, then it is the same key", "[console]")
{
    KeyReader reader;
    CHECK(keys_of(reader, "\x1b").empty());
    CHECK(reader.waiting());
    CHECK(keys_of(reader, "[").empty());
    CHECK(keys_of(reader, "5").empty());
    CHECK(keys_of(reader, "~") == std::vector{Key{KeyKind::page_up}});
    CHECK_FALSE(reader.waiting());
}

TEST_CASE("key_face: given an escape and then nothing, when the time for more has passed, then it was the Esc key", "[console]")
{
    KeyReader reader;
    CHECK(keys_of(reader, "\x1b").empty());
    CHECK(reader.timed_out() == Key{KeyKind::escape});
    CHECK_FALSE(reader.timed_out());
    CHECK(keys_of(reader, "\x1b\x1b") == std::vector{Key{KeyKind::escape}});
    CHECK(reader.timed_out() == Key{KeyKind::escape});
}

TEST_CASE("key_face: given a sequence that breaks off, when its time has passed, then it was no key and what follows is typing again",
    "[console][T-19]")
{
    KeyReader reader;
    CHECK(keys_of(reader, "\x1b[1;").empty());
    CHECK(reader.timed_out() == Key{KeyKind::unknown});
    CHECK(keys_of(reader, "n") == std::vector{Key{.kind = KeyKind::character, .letter = 'n'}});
}

TEST_CASE("key_face: given sequences that are no key, when they are read, then no letter comes of them", "[console][T-19]")
{
    for (std::string_view const bytes : {"\x1b[99~", "\x1b[0~", "\x1b[?1;2c", "\x1b[200~", "\x1b[y", "\x1b[1;2;3A", "\x1b[;A", "\x1b[1;A",
             "\x1b[99999R", "\x1b[1;99999R", "\x1bys"
                                             "\x1b[A",
             "\x1bOy", "\x1b[[y", "\x1b[<0;1;1M", "\x1b[\xff"}) {
        for (auto const& key : keys_of(bytes)) {
            INFO(bytes.substr(1));
            CHECK((key.kind == KeyKind::unknown || key.kind == KeyKind::up || (key.kind == KeyKind::character && key.letter == 's')));
        }
    }
    CHECK(keys_of("\x1by") == std::vector{Key{KeyKind::unknown}});
    CHECK(keys_of("\x1b[M") == std::vector{Key{KeyKind::unknown}});
    for (std::string_view const bytes : {"\x80", "\x9b", "\xff", "\x01"})
        CHECK(keys_of(bytes) == std::vector{Key{KeyKind::unknown}});
}

TEST_CASE("key_face: given a sequence without an end, when it is read, then it is one unknown key and no more than the limit was kept",
    "[console][T-19]")
{
    KeyReader reader;
    std::string const endless(100'000, '1');
    CHECK(keys_of(reader, "\x1b[" + endless).empty());
    CHECK(keys_of(reader, "~") == std::vector{Key{KeyKind::unknown}});
    CHECK(keys_of(reader, "\x1b[" + std::string(kKeyBytesMax, '1') + "~") == std::vector{Key{KeyKind::unknown}});
    CHECK(keys_of(reader, "\x1b[A") == std::vector{Key{KeyKind::up}});
}

TEST_CASE("key_face: given an escape in the middle of a sequence, when it is read, then a new key begins there", "[console]")
{
    CHECK(keys_of("\x1b[1\x1b[B") == std::vector{Key{KeyKind::unknown}, Key{KeyKind::down}});
}

}  // namespace test_key_face
