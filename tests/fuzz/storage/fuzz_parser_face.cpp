// SPDX-License-Identifier: GPL-3.0-or-later
// Face: the parser's one question. Whatever a guest calls an image or an archive, the answer fits its frame and is what it says it is.
#include "base/assert.h"
#include "storage/parser_face.h"

using namespace ocu;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0 || size > proto::kAnswerBytesMax) return 0;
    proto::Inspect request;
    request.content = data[0] % 2 == 0 ? proto::Content::image : proto::Content::archive;
    request.body = wire::Text<proto::kAnswerBytesMax>(std::string(reinterpret_cast<char const*>(data) + 1, size - 1));
    auto const answer = storage::inspect(request, proto::ParserConfig{});
    OCU_ASSERT(answer.content != proto::Content::archive);
    OCU_ASSERT(answer.content != proto::Content::image || !answer.mime.empty());
    OCU_ASSERT(wire::encode(answer).size() <= proto::kInspectFrameBytesMax);
    return 0;
}
