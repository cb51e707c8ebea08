// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// XML 1.0 by Expat, as a list of leaves: for small answers of a foreign server. The only folder that includes Expat. No document type and so no
// entity of the document's own, no namespace, no attribute; bounded size, depth and number of elements (SB-7).

#include <cstddef>
#include <functional>
#include <string_view>

#include "base/result.h"

namespace ocu::wire {

struct XmlLimits {
    std::size_t bytes_max = 4u << 20;
    std::size_t depth_max = 8;
    std::size_t elements_max = 40'000;
    std::size_t text_bytes_max = 8u << 10;  // of one element
};

// At each element's end: its path from the root, "/ListBucketResult/Contents/Key", and the text in it, without that of the elements within.
using XmlElement = std::function<void(std::string_view path, std::string_view text)>;

// Errors: malformed (also a document type), over_limit. Elements up to there were told.
Result<void> read_xml(std::string_view document, XmlLimits const& limits, XmlElement const& element);

}  // namespace ocu::wire
