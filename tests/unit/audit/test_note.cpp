// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/note. The first case is the example of the signed-note specification's key hash rule, computed here by hand.

#include "unit/audit/support.h"

namespace test_note {

using namespace audit_support;

struct NoteTest {
    Signer signer;
    VerifierKey key = make_key(kOrigin, signer.key);
    Checkpoint checkpoint{kOrigin, 42, leaf_hash("root")};
    std::string text = format_note(checkpoint, key, signer.sign(format_body(checkpoint)));
};

TEST_CASE_METHOD(NoteTest, "note: given a checkpoint, when formatted and parsed, then it is the same and verifies", "[audit][AU-2]")
{
    CHECK(text.starts_with("box.example/audit\n42\n"));
    CHECK(text.find("\n\n\xe2\x80\x94 box.example/audit ") != std::string::npos);
    auto const note = parse_note(text);
    REQUIRE(note.has_value());
    CHECK(note->checkpoint.origin == kOrigin);
    CHECK(note->checkpoint.size == 42);
    CHECK(note->checkpoint.root == checkpoint.root);
    CHECK(check_note(*note, key).has_value());
}

TEST_CASE_METHOD(NoteTest, "note: given the key id rule, when a key is made, then its id is the hash's first four bytes", "[audit][AU-2]")
{
    std::string input = std::string(kOrigin) + "\n\x01" + std::string(signer.key.begin(), signer.key.end());
    auto const hash = crypto::sha256(input);
    CHECK(key.id == (static_cast<std::uint32_t>(hash[0]) << 24 | hash[1] << 16 | hash[2] << 8 | hash[3]));
    auto const formatted = format_key(key);
    CHECK(parse_key(formatted)->key == signer.key);
    CHECK(parse_key(formatted.substr(0, formatted.size() - 1))->id == key.id);
}

TEST_CASE_METHOD(NoteTest, "note: given a note with any byte changed, when checked, then it is refused", "[audit][T-09][AU-4]")
{
    for (std::size_t i = 0; i < text.size(); ++i)
        for (int bit = 0; bit < 8; ++bit) {
            auto altered = text;
            altered[i] = static_cast<char>(altered[i] ^ (1 << bit));
            auto const note = parse_note(altered);
            CHECK((!note || !check_note(*note, key)));
        }
}

TEST_CASE_METHOD(
    NoteTest, "note: given a verifier key with any byte changed, when parsed, then it is refused or does not verify", "[audit][T-09]")
{
    auto const formatted = format_key(key);
    auto const note = *parse_note(text);
    for (std::size_t i = 0; i + 1 < formatted.size(); ++i)
        for (int bit = 0; bit < 8; ++bit) {
            auto altered = formatted;
            altered[i] = static_cast<char>(altered[i] ^ (1 << bit));
            auto const parsed = parse_key(altered);
            CHECK((!parsed || !check_note(note, *parsed)));
        }
}

TEST_CASE_METHOD(NoteTest, "note: given another key, when checked, then the note is denied", "[audit][T-09]")
{
    crypto::PublicKey other = signer.key;
    other[0] ^= 1;
    auto const checked = check_note(*parse_note(text), make_key(kOrigin, other));
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().fault == Fault::denied);
}

TEST_CASE_METHOD(NoteTest, "note: given an unknown cosignature beside ours, when checked, then it is ignored", "[audit][AU-2]")
{
    auto const witness = make_key("witness.example", signer.key);
    auto const theirs = format_note(checkpoint, witness, signer.sign("something else"));
    auto const both = text + theirs.substr(theirs.find("\n\n") + 2);
    auto const note = parse_note(both);
    REQUIRE(note.has_value());
    CHECK(note->signatures.size() == 2);
    CHECK(check_note(*note, key).has_value());
}

TEST_CASE_METHOD(NoteTest, "note: given malformed notes, when parsed, then each is refused", "[audit][T-09]")
{
    auto const body = format_body(checkpoint);
    auto const signature = text.substr(body.size() + 1);
    CHECK_FALSE(parse_note("").has_value());
    CHECK_FALSE(parse_note(body).has_value());
    CHECK_FALSE(parse_note(body + "\n").has_value());
    CHECK_FALSE(parse_note(body + "\n" + signature.substr(0, signature.size() - 1)).has_value());
    CHECK_FALSE(parse_note("a b\n42\n" + body.substr(body.find("\n42\n") + 4) + "\n" + signature).has_value());
    CHECK_FALSE(parse_note(std::string(kOrigin) + "\n042\n" + body.substr(body.find("\n42\n") + 4) + "\n" + signature).has_value());
    CHECK_FALSE(parse_note(body + "extension\n\n" + signature).has_value());
    CHECK_FALSE(parse_note(text + std::string(kNoteBytesMax, 'x')).has_value());
    std::string many = body + "\n";
    for (std::size_t i = 0; i <= kSignaturesMax; ++i) many += signature;
    CHECK_FALSE(parse_note(many).has_value());
}

TEST_CASE("note: given names that a signed note cannot carry, when asked, then they are no origin", "[audit][T-09]")
{
    CHECK(is_origin("ocu-dev"));
    for (char const* name : {"", "a b", "a+b", "a\nb", "caf\xc3\xa9"}) CHECK_FALSE(is_origin(name));
    CHECK_FALSE(is_origin(std::string(kOriginBytesMax + 1, 'a')));
}

}  // namespace test_note
