// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/archive_kind.h"

#include "storage/limits.h"

namespace ocu::storage {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kTarSumAt = 148, kTarSumBytes = 8;

// The oldest tars have no word in their header, only the sum of its bytes in octal. What is all zeros is none.
bool has_tar_sum(std::string_view header)
{
    if (header.size() < kSniffBytes || header.front() == '\0') return false;
    std::uint32_t told = 0;
    std::size_t digits = 0;
    for (char const c : header.substr(kTarSumAt, kTarSumBytes)) {
        if (c >= '0' && c <= '7') {
            told = told * 8 + static_cast<std::uint32_t>(c - '0');
            ++digits;
        } else if (c == '\0' || (c == ' ' && digits != 0)) {
            break;
        } else if (c != ' ') {
            return false;
        }
    }
    std::uint32_t sum = kTarSumBytes * ' ';
    for (std::size_t i = 0; i < kSniffBytes; ++i)
        if (i < kTarSumAt || i >= kTarSumAt + kTarSumBytes) sum += static_cast<unsigned char>(header[i]);
    return digits != 0 && told == sum;
}

// A zstd stream may begin with a frame that is to be skipped: 0x184D2A50 to 5F.
bool is_zstd(std::string_view first)
{
    if (first.starts_with("\x28\xb5\x2f\xfd"sv)) return true;
    return first.size() >= 4 && (static_cast<unsigned char>(first[0]) & 0xf0) == 0x50 && first.substr(1, 3) == "\x2a\x4d\x18"sv;
}

}  // namespace

ArchiveKind archive_kind_of(std::string_view first)
{
    for (auto const mark : {"PK\x03\x04"sv, "PK\x05\x06"sv, "PK\x06\x06"sv, "PK\x07\x08"sv, "PK00PK\x03\x04"sv})
        if (first.starts_with(mark)) return ArchiveKind::zip;
    if (first.starts_with("7z\xbc\xaf\x27\x1c"sv)) return ArchiveKind::seven_zip;
    if (first.starts_with("\x1f\x8b\x08"sv)) return ArchiveKind::gzip;
    if (first.starts_with("\xfd\x37\x7a\x58\x5a\x00"sv)) return ArchiveKind::xz;
    if (is_zstd(first)) return ArchiveKind::zstd;
    bool const ustar = first.size() >= 262 && first.substr(257, 5) == "ustar"sv;
    return ustar || has_tar_sum(first) ? ArchiveKind::tar : ArchiveKind::none;
}

}  // namespace ocu::storage
