// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/recognise.h"

#include <algorithm>
#include <string>

namespace ocu::guest {

namespace {

using namespace std::string_view_literals;

struct Magic {
    std::size_t at;
    std::string_view bytes;
    Recognised what;
};

constexpr std::string_view kHowPdf = "pdftotext FILE - (or python3 with pypdf, where installed)";
constexpr std::string_view kHowOldOffice = "soffice --headless --convert-to pdf FILE (where installed)";

constexpr Magic kMagics[] = {
    {0, "\x89PNG\r\n\x1a\n"sv, {FileKind::png, "PNG image"}},
    {0, "\xff\xd8\xff"sv, {FileKind::jpeg, "JPEG image"}},
    {0, "GIF87a"sv, {FileKind::gif, "GIF image"}},
    {0, "GIF89a"sv, {FileKind::gif, "GIF image"}},
    {0, "%PDF-"sv, {FileKind::pdf, "PDF document", kHowPdf}},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, {FileKind::office, "office document of the older, binary kind", kHowOldOffice}},
    {0, "{\\rtf"sv, {FileKind::office, "RTF document", "soffice --headless --convert-to txt FILE (where installed)"}},
    {0, "\x1f\x8b"sv, {FileKind::archive, "gzip archive", "tar tzf FILE, or zcat FILE | head"}},
    {0, "BZh"sv, {FileKind::archive, "bzip2 archive", "tar tjf FILE, or python3 -m bz2"}},
    {0,
        "\xfd"
        "7zXZ\0"sv,
        {FileKind::archive, "xz archive", "tar tJf FILE, or xzcat FILE | head"}},
    {0, "\x28\xb5\x2f\xfd"sv, {FileKind::archive, "zstd archive", "tar --zstd -tf FILE"}},
    {0, "7z\xbc\xaf\x27\x1c"sv, {FileKind::archive, "7z archive", "7z l FILE (where installed)"}},
    {0, "Rar!\x1a\x07"sv, {FileKind::archive, "RAR archive", "unrar l FILE (where installed)"}},
    {257, "ustar"sv, {FileKind::archive, "tar archive", "tar tf FILE"}},
    {0,
        "\x7f"
        "ELF"sv,
        {FileKind::binary, "ELF program or library", "file FILE, readelf -h FILE"}},
    {0, "SQLite format 3\0"sv, {FileKind::binary, "SQLite database", "python3 with its sqlite3 module"}},
    {0, "\xff\xfe"sv, {FileKind::utf16, "UTF-16 text", "iconv -f UTF-16 -t UTF-8 FILE"}},
    {0, "\xfe\xff"sv, {FileKind::utf16, "UTF-16 text", "iconv -f UTF-16 -t UTF-8 FILE"}},
};

struct OfficeName {
    std::string_view suffix;
    Recognised what;
};

constexpr OfficeName kOfficeNames[] = {
    {".docx", {FileKind::office, "Word document", "python3 with python-docx where installed, else unzip -p FILE word/document.xml"}},
    {".xlsx", {FileKind::office, "Excel workbook", "python3 with openpyxl where installed, else unzip -p FILE xl/worksheets/sheet1.xml"}},
    {".pptx", {FileKind::office, "PowerPoint presentation",
                  "python3 with python-pptx where installed, else unzip -p FILE ppt/slides/slide1.xml"}},
    {".odt", {FileKind::office, "OpenDocument text", "unzip -p FILE content.xml"}},
    {".ods", {FileKind::office, "OpenDocument spreadsheet", "unzip -p FILE content.xml"}},
    {".odp", {FileKind::office, "OpenDocument presentation", "unzip -p FILE content.xml"}},
};

bool ends_with_ignoring_case(std::string_view text, std::string_view suffix)
{
    if (text.size() < suffix.size()) return false;
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(text.substr(text.size() - suffix.size()), suffix, {}, lower);
}

Recognised recognise_zip(std::string_view head, std::string_view path)
{
    for (auto const& each : kOfficeNames)
        if (ends_with_ignoring_case(path, each.suffix)) return each.what;
    if (head.find("[Content_Types].xml") != std::string_view::npos ||
        head.find("mimetypeapplication/vnd.oasis") != std::string_view::npos) {
        return {FileKind::office, "office document", "python3 -m zipfile -l FILE lists its parts; unzip -p FILE PART prints one"};
    }
    return {FileKind::archive, "ZIP archive", "python3 -m zipfile -l FILE, or unzip -l FILE"};
}

}  // namespace

Recognised recognise(std::string_view head, std::string_view path)
{
    if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) return recognise_zip(head, path);
    if (head.starts_with("RIFF") && head.substr(0, 12).ends_with("WEBP")) return {FileKind::webp, "WebP image"};
    for (auto const& each : kMagics)
        if (head.size() > each.at && head.substr(each.at).starts_with(each.bytes)) return each.what;
    if (head.find('\0') != std::string_view::npos) return {FileKind::binary, "binary file", "file FILE, od -A x -t x1z FILE | head"};
    return {FileKind::text, "text"};
}

}  // namespace ocu::guest
