// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/checkpoint_note.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "base/crypto/crypto.h"

namespace ocu::custody {

namespace {

constexpr std::size_t kOriginBytesMax = 256;
constexpr std::size_t kRootBytes = 32;

bool is_origin(std::string_view line)
{
    // A key name of the signed-note format: no space, no '+'. We narrow it to printable ASCII.
    return !line.empty() && line.size() <= kOriginBytesMax &&
           std::ranges::all_of(line, [](unsigned char c) { return c > ' ' && c < 0x7f && c != '+'; });
}

bool is_size(std::string_view line)
{
    if (line.empty() || (line.size() > 1 && line.front() == '0')) return false;
    std::uint64_t size = 0;
    auto const [end, error] = std::from_chars(line.data(), line.data() + line.size(), size);
    return error == std::errc{} && end == line.data() + line.size();
}

bool is_root(std::string_view line)
{
    auto const root = crypto::from_base64(line);
    return root && root->size() == kRootBytes;
}

}  // namespace

bool is_checkpoint_note(std::string_view note)
{
    std::array<std::string_view, 3> lines;
    for (auto& line : lines) {
        auto const end = note.find('\n');
        if (end == std::string_view::npos) return false;
        line = note.substr(0, end);
        note.remove_prefix(end + 1);
    }
    return note.empty() && is_origin(lines[0]) && is_size(lines[1]) && is_root(lines[2]);
}

}  // namespace ocu::custody
