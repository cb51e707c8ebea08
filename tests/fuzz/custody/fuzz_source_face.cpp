// SPDX-License-Identifier: GPL-3.0-or-later
// Face: custody/source_face. The first byte chooses the form and how the bytes are cut into pieces. There is a value exactly where nothing failed;
// it and its version can stand in a header and in the record; how the bytes came changes nothing.

#include <algorithm>
#include <cstdlib>

#include "custody/source_face.h"

namespace {

using namespace ocu;
using proto::SourceFailure;

void check(bool good)
{
    if (!good) std::abort();
}

proto::SourceAnswered read(std::string_view bytes, bool basic, std::size_t step)
{
    custody::SourceFace face(basic);
    bool verdict = false;
    for (std::size_t at = 0; at < bytes.size() && !verdict; at += step) verdict = face.feed(bytes.substr(at, step));
    if (!verdict) face.ended();
    return face.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    bool const basic = (data[0] & 1) != 0;
    std::size_t const step = 1 + data[0] / 2;
    std::string_view const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
    auto const answer = read(bytes, basic, step);
    check(answer.value.empty() == (answer.failure != SourceFailure::none));
    check(answer.status <= 999);
    // What is refused says no more than that.
    if (answer.failure != SourceFailure::none) {
        check(answer.version.empty() && answer.expires_in.count() == 0);
        return 0;
    }
    check(answer.status == 200 && answer.expires_in.count() >= 1 && answer.expires_in <= proto::kSourceLifeMax);
    check(std::ranges::none_of(answer.value.str(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
    check(!basic || answer.value.view().contains(':'));
    check(std::ranges::none_of(answer.version.str(), [](char c) { return c <= ' ' || c >= 0x7f; }));
    // In pieces of any size the same, but for bytes behind it that came along in one piece.
    auto const slowly = read(bytes, basic, 1);
    check(slowly.failure == SourceFailure::none && slowly.value == answer.value && slowly.version == answer.version);
    return 0;
}
