// SPDX-License-Identifier: GPL-3.0-or-later
// What a witness answers: a status in the first two bytes, then a body. Whatever it is, it is judged by one rule, and a cosignature is that of the witness.

#include "audit/witness_face.h"
#include "base/assert.h"

namespace {

using namespace ocu;
using namespace ocu::audit;

struct Sent {
    Checkpoint checkpoint{"box.example/audit", 300, {}};
    VerifierKey log = make_key(checkpoint.origin, {});
    VerifierKey witness = make_key("witness.example/w1", {}, KeyKind::witness);
    std::string note = format_note(checkpoint, log, {});
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    static Sent const sent;
    if (size < 2) return 0;
    unsigned const status = (data[0] << 8 | data[1]) % 1000u;
    std::string_view const body(reinterpret_cast<char const*>(data) + 2, size - 2);
    auto const got = read_witness_answer(status, body, sent.note, sent.witness);
    OCU_ASSERT(got.status == status && got.answer <= proto::HeadAnswer::kLast && got.word.empty());
    if (body.size() > kWitnessAnswerBytesMax) OCU_ASSERT(got.answer == proto::HeadAnswer::too_large);
    if (got.answer == proto::HeadAnswer::other_size) OCU_ASSERT(status == 409 && body == std::to_string(got.size) + "\n");
    if (got.answer != proto::HeadAnswer::cosigned) return 0;
    // The line that was found is one of those that came, byte for byte.
    OCU_ASSERT(status == 200 && body.contains(cosignature_line(sent.witness, {got.time_s, got.signature})));
    return 0;
}
