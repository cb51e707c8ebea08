// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/media_type.h"

#include <algorithm>
#include <array>

#include "wire/json.h"

namespace ocu::storage {

namespace {

struct Magic {
    std::string_view bytes;
    std::string_view type;
    std::size_t at = 0;
};

using namespace std::string_view_literals;

constexpr std::array kMagics{
    Magic{"%PDF-"sv, "application/pdf"sv},
    Magic{"\x89PNG\r\n\x1a\n"sv, "image/png"sv},
    Magic{"\xff\xd8\xff"sv, "image/jpeg"sv},
    Magic{"GIF87a"sv, "image/gif"sv},
    Magic{"GIF89a"sv, "image/gif"sv},
    Magic{"WEBP"sv, "image/webp"sv, 8},
    Magic{"BM"sv, "image/bmp"sv},
    Magic{"II*\0"sv, "image/tiff"sv},
    Magic{"MM\0*"sv, "image/tiff"sv},
    Magic{"\x1f\x8b"sv, "application/gzip"sv},
    Magic{"\xfd"
          "7zXZ\0"sv,
        "application/x-xz"sv},
    Magic{"\x28\xb5\x2f\xfd"sv, "application/zstd"sv},
    Magic{"7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"sv},
    Magic{"BZh"sv, "application/x-bzip2"sv},
    Magic{"ustar"sv, "application/x-tar"sv, 257},
    Magic{"WAVE"sv, "audio/wav"sv, 8},
    Magic{"ID3"sv, "audio/mpeg"sv},
    Magic{"\xff\xfb"sv, "audio/mpeg"sv},
    Magic{"OggS"sv, "audio/ogg"sv},
    Magic{"fLaC"sv, "audio/flac"sv},
    Magic{"ftyp"sv, "video/mp4"sv, 4},
    Magic{"\x1a\x45\xdf\xa3"sv, "video/webm"sv},
    Magic{"SQLite format 3\0"sv, "application/vnd.sqlite3"sv},
    Magic{"\x7f"
          "ELF"sv,
        "application/x-elf"sv},
    Magic{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "application/x-ole-storage"sv},
};

struct Ending {
    std::string_view end;
    std::string_view type;
};

// What begins as a zip archive and is told apart by name alone.
constexpr std::array kZips{
    Ending{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    Ending{".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    Ending{".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    Ending{".odt", "application/vnd.oasis.opendocument.text"},
    Ending{".ods", "application/vnd.oasis.opendocument.spreadsheet"},
    Ending{".odp", "application/vnd.oasis.opendocument.presentation"},
    Ending{".epub", "application/epub+zip"},
    Ending{".jar", "application/java-archive"},
};

constexpr std::array kTexts{
    Ending{".html", "text/html"},
    Ending{".htm", "text/html"},
    Ending{".svg", "image/svg+xml"},
    Ending{".xml", "application/xml"},
    Ending{".json", "application/json"},
    Ending{".ipynb", "application/x-ipynb+json"},
    Ending{".md", "text/markdown"},
    Ending{".csv", "text/csv"},
    Ending{".tsv", "text/tab-separated-values"},
    Ending{".css", "text/css"},
    Ending{".js", "text/javascript"},
    Ending{".mjs", "text/javascript"},
};

bool ends_with(std::string_view name, std::string_view end)
{
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return name.size() >= end.size() && std::ranges::equal(name.substr(name.size() - end.size()), end, {}, lower);
}

template <std::size_t N>
std::string_view by_name(std::array<Ending, N> const& table, std::string_view name, std::string_view otherwise)
{
    auto const found = std::ranges::find_if(table, [name](Ending const& each) { return ends_with(name, each.end); });
    return found == table.end() ? otherwise : found->type;
}

bool is_text(std::string_view first)
{
    if (std::ranges::any_of(first, [](char c) { return static_cast<unsigned char>(c) < 0x20 && !"\t\n\r\f\x1b"sv.contains(c); }))
        return false;
    // The last character may have been cut in its middle.
    for (std::size_t cut = 0; cut < 4 && cut <= first.size(); ++cut)
        if (wire::is_utf8(first.substr(0, first.size() - cut))) return true;
    return false;
}

}  // namespace

std::string_view media_type_of(std::string_view name, std::string_view first)
{
    if (first.starts_with("PK\x03\x04") || first.starts_with("PK\x05\x06")) return by_name(kZips, name, "application/zip");
    for (auto const& magic : kMagics)
        if (first.size() >= magic.at && first.substr(magic.at).starts_with(magic.bytes)) return magic.type;
    if (is_text(first)) return by_name(kTexts, name, "text/plain");
    return "application/octet-stream";
}

}  // namespace ocu::storage
