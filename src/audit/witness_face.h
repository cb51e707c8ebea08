// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a witness is sent, and what its answer is (C2SP tlog-witness): a stranger's bytes, bounded before they come here (T-40). Helper only. Pure.

#include <string>
#include <string_view>

#include "audit/note.h"
#include "proto/audit_to_witness.h"

namespace ocu::audit {

inline constexpr std::size_t kWitnessAnswerBytesMax = 4u << 10;

// The body of add-checkpoint. `note`: the head, signed.
std::string add_checkpoint(std::uint64_t old_size, std::vector<Digest> const& proof, std::string_view note);

// `sent`: the note that was shown. Of the lines of a 200 those count that are a cosignature by the name and id of `witness`; the last of them. Whether it
// verifies is not looked at.
proto::HeadOutcome read_witness_answer(unsigned status, std::string_view body, std::string_view sent, VerifierKey const& witness);

}  // namespace ocu::audit
