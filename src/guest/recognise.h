// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a file is, from its first bytes and its name. A hint for whoever asked, and the choice of who gets to parse it: never a proof.

#include <string_view>

namespace ocu::guest {

enum class FileKind { text, utf16, png, jpeg, gif, webp, archive, office, pdf, binary };

struct Recognised {
    FileKind kind;
    std::string_view name;     // "PNG image", for a sentence
    std::string_view how = {}; // how to read it with the image's tools
};

// `head`: the first kHeadBytes or the whole file.
inline constexpr std::size_t kHeadBytes = 8192;
Recognised recognise(std::string_view head, std::string_view path);

}  // namespace ocu::guest
