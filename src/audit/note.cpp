// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/note.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "audit/layout.h"
#include "wire/json.h"

namespace ocu::audit {

namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // em dash, space
constexpr std::size_t kIdBytes = 4;
constexpr std::size_t kTimeBytes = 8;  // of a cosignature, big-endian seconds, before the signature itself

std::uint32_t big_endian(std::span<std::uint8_t const> bytes)
{
    return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
           static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

void put_big_endian(std::vector<std::uint8_t>& out, std::uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

// Base64 has spare bits at its end; only one spelling of them is taken.
Result<std::vector<std::uint8_t>> from_canonical_base64(std::string_view text)
{
    auto bytes = OCU_TRY(crypto::from_base64(text));
    if (crypto::to_base64(bytes) != text) return fail(Fault::malformed, "base64 is not canonical");
    return bytes;
}

// The line up to the next newline, which is consumed.
Result<std::string_view> take_line(std::string_view& text)
{
    auto const end = text.find('\n');
    if (end == std::string_view::npos) return fail(Fault::malformed, "line without an end");
    auto const line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
}

Result<NoteSignature> parse_signature(std::string_view line)
{
    if (!line.starts_with(kDash)) return fail(Fault::malformed, "signature line without a dash");
    line.remove_prefix(kDash.size());
    auto const space = line.find(' ');
    if (space == std::string_view::npos || !is_origin(line.substr(0, space))) return fail(Fault::malformed, "signature without a key name");
    auto const bytes = OCU_TRY(from_canonical_base64(line.substr(space + 1)));
    if (bytes.size() <= kIdBytes) return fail(Fault::malformed, "signature is too short");
    return NoteSignature{std::string(line.substr(0, space)), big_endian(bytes), {bytes.begin() + kIdBytes, bytes.end()}};
}

}  // namespace

Result<Checkpoint> take_checkpoint(std::string_view& body)
{
    auto const origin = OCU_TRY(take_line(body));
    auto const size = OCU_TRY(take_line(body));
    auto const root = OCU_TRY(take_line(body));
    if (!is_origin(origin)) return fail(Fault::malformed, "checkpoint's origin is not a name");
    auto const leaves = OCU_TRY(parse_number(size));
    Checkpoint checkpoint{std::string(origin), leaves, {}};
    auto const hash = OCU_TRY(from_canonical_base64(root));
    if (hash.size() != checkpoint.root.size()) return fail(Fault::malformed, "checkpoint's root has the wrong size");
    std::ranges::copy(hash, checkpoint.root.begin());
    return checkpoint;
}

bool is_origin(std::string_view name)
{
    if (name.empty() || name.size() > kOriginBytesMax) return false;
    // ASCII only: Unicode has more spaces than are worth listing.
    return std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f' && c != '+'; });
}

VerifierKey make_key(std::string_view name, crypto::PublicKey const& key, KeyKind kind)
{
    std::array<std::uint8_t, 2> const separator{'\n', static_cast<std::uint8_t>(kind)};
    crypto::Sha256 hash;
    auto const digest = hash.update(name).update(std::as_bytes(std::span(separator))).update(std::as_bytes(std::span(key))).finish();
    return {std::string(name), big_endian(digest), key, kind};
}

std::string format_key(VerifierKey const& key)
{
    std::vector<std::uint8_t> encoded{static_cast<std::uint8_t>(key.kind)};
    encoded.insert(encoded.end(), key.key.begin(), key.key.end());
    char id[16];
    std::snprintf(id, sizeof id, "+%08x+", key.id);
    return key.name + id + crypto::to_base64(encoded) + "\n";
}

Result<VerifierKey> parse_key(std::string_view text, KeyKind kind)
{
    if (text.ends_with('\n')) text.remove_suffix(1);
    auto const first = text.find('+');
    if (first == std::string_view::npos || text.size() < first + 10 || text[first + 9] != '+')
        return fail(Fault::malformed, "not a verifier key");
    auto const bytes = OCU_TRY(from_canonical_base64(text.substr(first + 10)));
    crypto::PublicKey key{};
    if (bytes.size() != key.size() + 1 || bytes[0] != static_cast<std::uint8_t>(kind))
        return fail(Fault::malformed, "verifier key is of another kind");
    std::copy(bytes.begin() + 1, bytes.end(), key.begin());
    if (!is_origin(text.substr(0, first))) return fail(Fault::malformed, "verifier key's name is not a name");
    auto const parsed = make_key(text.substr(0, first), key, kind);
    if (format_key(parsed) != std::string(text) + "\n") return fail(Fault::malformed, "verifier key's id does not belong to it");
    return parsed;
}

std::string format_body(Checkpoint const& checkpoint)
{
    return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" + crypto::to_base64(checkpoint.root) + "\n";
}

std::string format_signed(std::string_view body, VerifierKey const& key, crypto::Signature const& signature)
{
    return std::string(body) + "\n" + signature_line(key, signature);
}

std::string signature_line(VerifierKey const& key, crypto::Signature const& signature)
{
    std::vector<std::uint8_t> bytes;
    put_big_endian(bytes, key.id);
    bytes.insert(bytes.end(), signature.begin(), signature.end());
    return std::string(kDash) + key.name + " " + crypto::to_base64(bytes) + "\n";
}

std::string cosignature_line(VerifierKey const& witness, Cosignature const& cosignature)
{
    std::vector<std::uint8_t> bytes;
    put_big_endian(bytes, witness.id);
    put_big_endian(bytes, static_cast<std::uint32_t>(cosignature.time >> 32));
    put_big_endian(bytes, static_cast<std::uint32_t>(cosignature.time));
    bytes.insert(bytes.end(), cosignature.signature.begin(), cosignature.signature.end());
    return std::string(kDash) + witness.name + " " + crypto::to_base64(bytes) + "\n";
}

Result<Cosignature> split_cosignature(NoteSignature const& line)
{
    Cosignature out;
    if (line.signature.size() != kTimeBytes + out.signature.size()) return fail(Fault::malformed, "cosignature has the wrong size");
    auto const bytes = std::span(line.signature);
    out.time = static_cast<std::uint64_t>(big_endian(bytes)) << 32 | big_endian(bytes.subspan(kTimeBytes / 2));
    std::ranges::copy(bytes.subspan(kTimeBytes), out.signature.begin());
    return out;
}

bool verifies(Cosignature const& cosignature, std::string_view body, VerifierKey const& witness)
{
    auto const text = "cosignature/v1\ntime " + std::to_string(cosignature.time) + "\n" + std::string(body);
    return crypto::ed25519_verify(witness.key, crypto::as_bytes(text), cosignature.signature);
}

std::string format_note(Checkpoint const& checkpoint, VerifierKey const& key, crypto::Signature const& signature)
{
    return format_signed(format_body(checkpoint), key, signature);
}

Result<SignedText> parse_signed(std::string_view text)
{
    if (text.size() > kNoteBytesMax) return fail(Fault::malformed, "note is too long");
    if (!wire::is_utf8(text)) return fail(Fault::malformed, "note is not UTF-8");
    auto const control = [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; };
    if (std::ranges::any_of(text, control)) return fail(Fault::malformed, "note with a control character");
    auto const split = text.rfind("\n\n");
    if (split == std::string_view::npos) return fail(Fault::malformed, "note without signatures");
    SignedText note{std::string(text.substr(0, split + 1)), {}};
    auto rest = text.substr(split + 2);
    while (!rest.empty()) {
        if (note.signatures.size() == kSignaturesMax) return fail(Fault::malformed, "note with too many signatures");
        auto const line = OCU_TRY(take_line(rest));
        note.signatures.push_back(OCU_TRY(parse_signature(line)));
    }
    if (note.signatures.empty()) return fail(Fault::malformed, "note without signatures");
    return note;
}

Result<Note> parse_note(std::string_view text)
{
    auto note = OCU_TRY(parse_signed(text));
    std::string_view body = note.body;
    auto checkpoint = OCU_TRY(take_checkpoint(body));
    if (!body.empty()) return fail(Fault::malformed, "checkpoint with extension lines");
    return Note{std::move(note), std::move(checkpoint)};
}

Result<void> check_note(SignedText const& note, VerifierKey const& key)
{
    bool verified = false;
    for (auto const& each : note.signatures) {
        if (each.name != key.name || each.id != key.id) continue;
        crypto::Signature signature{};
        if (each.signature.size() != signature.size()) return fail(Fault::denied, "signature has the wrong size");
        std::ranges::copy(each.signature, signature.begin());
        if (!crypto::ed25519_verify(key.key, crypto::as_bytes(note.body), signature))
            return fail(Fault::denied, "signature does not verify");
        verified = true;
    }
    if (!verified) return fail(Fault::denied, "no signature of this key");
    return {};
}

Result<std::uint64_t> check_cosignature(Note const& note, VerifierKey const& witness)
{
    std::optional<std::uint64_t> latest;
    for (auto const& each : note.signatures) {
        if (each.name != witness.name || each.id != witness.id) continue;
        auto const cosignature = split_cosignature(each);
        if (!cosignature) return fail(Fault::denied, "cosignature has the wrong size");
        if (!verifies(*cosignature, note.body, witness)) return fail(Fault::denied, "cosignature does not verify");
        latest = std::max(latest.value_or(0), cosignature->time);
    }
    if (!latest) return fail(Fault::denied, "no cosignature of this witness");
    return *latest;
}

}  // namespace ocu::audit
