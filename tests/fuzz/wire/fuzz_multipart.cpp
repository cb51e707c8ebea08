// SPDX-License-Identifier: GPL-3.0-or-later
// Face: multipart/form-data. However the bytes are cut, the same is said, everything that is said was in them, and reading ends.
#include <string>

#include "base/assert.h"
#include "wire/multipart_face.h"

namespace {

using ocu::wire::Multipart;

std::string read(std::string_view text, std::size_t step, Multipart::Names names)
{
    Multipart form("b", names);
    std::string out;
    std::size_t fed = 0;
    for (;;) {
        switch (form.next()) {
        case Multipart::Said::need_more:
            if (fed == text.size()) return out + "?";
            form.feed(text.substr(fed, step));
            fed += std::min(step, text.size() - fed);
            break;
        case Multipart::Said::part: out += "[" + form.name() + "|" + form.filename() + ":"; break;
        case Multipart::Said::data:
            OCU_ASSERT(!form.data().empty());
            out += form.data();
            break;
        case Multipart::Said::part_ends: out += "]"; break;
        case Multipart::Said::ended: return out + ".";
        case Multipart::Said::malformed: return "!";
        }
        OCU_ASSERT(out.size() <= 8 * text.size() + 16);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    for (auto const names : {Multipart::Names::needed, Multipart::Names::ignored}) {
        OCU_ASSERT(size > 4096 || read(text, size + 1, names) == read(text, 1, names));
        (void)read(text, 7, names);
    }
    return 0;
}
