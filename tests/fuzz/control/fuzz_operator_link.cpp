// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what operator-front and control say to each other, as bodies of frames. What decodes is encoded to the same bytes again.

#include "control/operator_face.h"

namespace {

template <class Message>
void try_decode(std::span<std::byte const> bytes)
{
    auto const message = ocu::wire::decode<Message>(bytes);
    if (!message) return;
    auto const again = ocu::wire::encode(*message);
    if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const bytes = std::as_bytes(std::span(data, size));
    try_decode<ocu::proto::OperatorAsk>(bytes);
    try_decode<ocu::proto::OperatorConnection>(bytes);
    try_decode<ocu::proto::OperatorAnswer>(bytes);
    if (auto const answer = ocu::wire::decode<ocu::proto::OperatorAnswer>(bytes)) {
        using enum ocu::proto::OperatorAction;
        for (auto const action : {sessions, callers_list, callers_add, metrics}) (void)ocu::control::render_answer(action, *answer, "t");
    }
    return 0;
}
