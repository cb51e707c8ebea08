// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Checkpoints (C2SP tlog-checkpoint) in signed notes (C2SP signed-note), and verifier keys. Pure. What parse_* accepts is canonical:
// formatting it again gives the same bytes, so no byte of a checkpoint can change unseen (T-09).

#include <string>
#include <string_view>
#include <vector>

#include "audit/tree.h"

namespace ocu::audit {

// Not empty, bounded, no space, no control character, no '+': usable as origin and as key name.
bool is_origin(std::string_view name);

// C2SP signed-note: the signature types that are known here. Both are Ed25519; a cosignature is over a time and the body (tlog-cosignature).
enum class KeyKind : std::uint8_t { log = 0x01, witness = 0x04 };

struct VerifierKey {
    std::string name;
    std::uint32_t id;
    crypto::PublicKey key;
    KeyKind kind = KeyKind::log;
};

VerifierKey make_key(std::string_view name, crypto::PublicKey const& key, KeyKind kind = KeyKind::log);
std::string format_key(VerifierKey const& key);            // name+hexid+base64, with a newline
// The newline may be missing. Errors: malformed, another kind among it.
Result<VerifierKey> parse_key(std::string_view text, KeyKind kind = KeyKind::log);

struct Checkpoint {
    std::string origin;
    std::uint64_t size;
    Digest root;
};

std::string format_body(Checkpoint const& checkpoint);     // the text that is signed
std::string format_note(Checkpoint const& checkpoint, VerifierKey const& key, crypto::Signature const& signature);

// The first three lines of what is signed, taken off the front. Errors: malformed.
Result<Checkpoint> take_checkpoint(std::string_view& body);
std::string format_signed(std::string_view body, VerifierKey const& key, crypto::Signature const& signature);

struct NoteSignature {
    std::string name;
    std::uint32_t id;
    std::vector<std::uint8_t> signature;
};

struct SignedText {
    std::string body;
    std::vector<NoteSignature> signatures;
};

struct Note : SignedText {
    Checkpoint checkpoint;
};

// Errors: malformed. Proves nothing yet.
Result<SignedText> parse_signed(std::string_view text);
Result<Note> parse_note(std::string_view text);
// Errors: denied (no signature of this key, or one that does not verify).
Result<void> check_note(SignedText const& note, VerifierKey const& key);
// A log's signature of the body, as one more line of a note.
std::string signature_line(VerifierKey const& key, crypto::Signature const& signature);

struct Cosignature {
    std::uint64_t time = 0;  // seconds since 1970, by the witness's clock
    crypto::Signature signature{};
};
// Errors: malformed (another size).
Result<Cosignature> split_cosignature(NoteSignature const& line);
std::string cosignature_line(VerifierKey const& witness, Cosignature const& cosignature);
// Over this body, by this witness: that it verifies.
bool verifies(Cosignature const& cosignature, std::string_view body, VerifierKey const& witness);

// When a witness says that it saw the checkpoint, in seconds since 1970: the latest of its cosignatures. Errors as check_note.
Result<std::uint64_t> check_cosignature(Note const& note, VerifierKey const& witness);

}  // namespace ocu::audit
