// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/guest/recognise. Checks what a file is taken for.

#include "guest/recognise.h"

namespace test_recognise {

using namespace ocu::guest;
using namespace std::string_view_literals;

TEST_CASE("recognise: given images, when looked at, then their kind is known by their bytes", "[guest][SX-8]")
{
    CHECK(recognise("\x89PNG\r\n\x1a\n...", "a.txt").kind == FileKind::png);
    CHECK(recognise("\xff\xd8\xff\xe0", "a").kind == FileKind::jpeg);
    CHECK(recognise("GIF89a\1\0"sv, "a").kind == FileKind::gif);
    CHECK(recognise("RIFF....WEBPVP8 ", "a").kind == FileKind::webp);
    CHECK(recognise("RIFF\0\0\0\0WAVE"sv, "a").kind == FileKind::binary);
}

TEST_CASE("recognise: given archives and documents, when looked at, then they are told apart", "[guest][SX-8]")
{
    CHECK(recognise("PK\x03\x04....", "a.zip").kind == FileKind::archive);
    CHECK(recognise("PK\x03\x04....", "A.DOCX").kind == FileKind::office);
    CHECK(recognise("PK\x03\x04....[Content_Types].xml", "a").kind == FileKind::office);
    CHECK(recognise("\x1f\x8b\x08", "a").kind == FileKind::archive);
    CHECK(recognise(std::string(257, '\0') + "ustar\0", "a").kind == FileKind::archive);
    CHECK(recognise("%PDF-1.7", "a").kind == FileKind::pdf);
    CHECK(recognise("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\1", "a.doc").kind == FileKind::office);
}

TEST_CASE("recognise: given anything else, when looked at, then a NUL makes it binary", "[guest][SX-8]")
{
    CHECK(recognise("", "a").kind == FileKind::text);
    CHECK(recognise("caf\xe9", "a").kind == FileKind::text);
    CHECK(recognise("a\0b"sv, "a").kind == FileKind::binary);
    CHECK(recognise("\xff\xfe"
                    "a\0"sv,
              "a")
              .kind == FileKind::utf16);
    CHECK(recognise("\x7f"
                    "ELF\2"sv,
              "a")
              .name == "ELF program or library");
}

}  // namespace test_recognise
