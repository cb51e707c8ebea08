// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/witness_face.h"

#include "audit/layout.h"

namespace ocu::audit {

using proto::HeadAnswer;

namespace {

constexpr unsigned kDone = 200, kConflict = 409;

proto::HeadOutcome outcome(HeadAnswer answer, unsigned status)
{
    proto::HeadOutcome out;
    out.answer = answer;
    out.status = static_cast<std::uint16_t>(status);
    return out;
}

// The size alone, with a line's end.
proto::HeadOutcome read_size(std::string_view body)
{
    if (!body.ends_with('\n')) return outcome(HeadAnswer::grammar, kConflict);
    body.remove_suffix(1);
    auto const size = parse_number(body);
    if (!size) return outcome(HeadAnswer::grammar, kConflict);
    auto out = outcome(HeadAnswer::other_size, kConflict);
    out.size = *size;
    return out;
}

// Under the head that was sent they are a note: one grammar, and no line can say something of another head.
proto::HeadOutcome read_cosignatures(std::string_view body, std::string_view sent, VerifierKey const& witness)
{
    auto const before = parse_note(sent);
    auto const note = parse_note(std::string(sent) + std::string(body));
    if (!before || !note || note->body != before->body) return outcome(HeadAnswer::grammar, kDone);
    auto out = outcome(HeadAnswer::not_cosigned, kDone);
    for (auto i = before->signatures.size(); i < note->signatures.size(); ++i) {
        auto const& each = note->signatures[i];
        if (each.name != witness.name) continue;
        if (each.id != witness.id) {
            if (out.answer == HeadAnswer::not_cosigned) out.answer = HeadAnswer::other_key;
            continue;
        }
        auto const cosignature = split_cosignature(each);
        if (!cosignature) return outcome(HeadAnswer::grammar, kDone);
        out.answer = HeadAnswer::cosigned;
        out.time_s = cosignature->time;
        out.signature = cosignature->signature;
    }
    return out;
}

}  // namespace

std::string add_checkpoint(std::uint64_t old_size, std::vector<Digest> const& proof, std::string_view note)
{
    std::string out = "old " + std::to_string(old_size) + "\n";
    for (auto const& hash : proof) out += crypto::to_base64(hash) + "\n";
    return out + "\n" + std::string(note);
}

proto::HeadOutcome read_witness_answer(unsigned status, std::string_view body, std::string_view sent, VerifierKey const& witness)
{
    if (body.size() > kWitnessAnswerBytesMax) return outcome(HeadAnswer::too_large, status);
    if (status == kConflict) return read_size(body);
    if (status == kDone) return read_cosignatures(body, sent, witness);
    return outcome(HeadAnswer::answered, status);
}

}  // namespace ocu::audit
