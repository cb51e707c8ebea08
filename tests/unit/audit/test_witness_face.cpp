// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/witness_face and audit/head_proof. What a witness is sent, what may come back, and the proof made of lent tiles.

#include "audit/head_proof.h"
#include "audit/layout.h"
#include "audit/prove.h"
#include "audit/recover.h"
#include "audit/witness_face.h"
#include "unit/audit/support.h"

namespace test_witness_face {

using namespace audit_support;
using proto::HeadAnswer;

constexpr std::uint64_t kTime = 1'795'000'000;

struct FaceTest {
    FaceTest()
    {
        key = make_key("witness.example/w1", witness.key, KeyKind::witness);
        Checkpoint const checkpoint{kOrigin, 300, crypto::sha256("root")};
        note = format_note(checkpoint, make_key(kOrigin, signer.key), signer.sign(format_body(checkpoint)));
        body = format_body(checkpoint);
    }
    std::string line(std::string const& of) const
    {
        return cosignature_line(key, {kTime, witness.sign("cosignature/v1\ntime " + std::to_string(kTime) + "\n" + of)});
    }
    proto::HeadOutcome answer(unsigned status, std::string const& text) const { return read_witness_answer(status, text, note, key); }

    Signer signer;
    Signer witness{9};
    VerifierKey key;
    std::string note;
    std::string body;
};

TEST_CASE_METHOD(FaceTest, "witness_face: given a cosignature, when it is read, then its time and its signature, which verifies over the head", "[audit][AU-9]")
{
    auto const other = make_key("else.example", signer.key, KeyKind::witness);
    auto const got = answer(200, cosignature_line(other, {1, {}}) + line(body));
    CHECK(got.answer == HeadAnswer::cosigned);
    CHECK(got.time_s == kTime);
    CHECK(verifies({got.time_s, got.signature}, body, key));
    CHECK_FALSE(verifies({got.time_s + 1, got.signature}, body, key));
    CHECK_FALSE(verifies({got.time_s, got.signature}, body + "x", key));
}

TEST_CASE_METHOD(FaceTest, "witness_face: given an answer that does not count, when it is read, then which way", "[audit][AU-9][T-40]")
{
    CHECK(answer(200, "").answer == HeadAnswer::not_cosigned);
    CHECK(answer(200, cosignature_line(make_key("else.example", witness.key, KeyKind::witness), {kTime, {}})).answer == HeadAnswer::not_cosigned);
    CHECK(answer(200, cosignature_line(make_key(key.name, signer.key, KeyKind::witness), {kTime, {}})).answer == HeadAnswer::other_key);
    CHECK(answer(200, signature_line(key, {})).answer == HeadAnswer::grammar);  // as long as a log's, and no time in it
    CHECK(answer(200, "hello\n").answer == HeadAnswer::grammar);
    CHECK(answer(200, line(body) + "\n").answer == HeadAnswer::grammar);
    CHECK(answer(200, "\n" + line(body)).answer == HeadAnswer::grammar);  // another body before it
    CHECK(answer(200, line(body).substr(0, 60)).answer == HeadAnswer::grammar);
    CHECK(answer(200, std::string(kWitnessAnswerBytesMax + 1, 'x')).answer == HeadAnswer::too_large);
    for (unsigned const status : {201u, 301u, 403u, 404u, 422u, 429u, 500u}) {
        CHECK(answer(status, line(body)).answer == HeadAnswer::answered);
        CHECK(answer(status, "").status == status);
    }
}

TEST_CASE_METHOD(FaceTest, "witness_face: given a witness that has seen another size, when it says so, then that number and nothing else", "[audit][AU-9][T-40]")
{
    CHECK(answer(409, "17\n").answer == HeadAnswer::other_size);
    CHECK(answer(409, "17\n").size == 17);
    CHECK(answer(409, "0\n").size == 0);
    for (char const* const text : {"", "17", "017\n", "-1\n", "17\n\n", "17 \n", "99999999999999999999\n", "0x11\n"}) CHECK(answer(409, text).answer == HeadAnswer::grammar);
}

TEST_CASE("head_proof: given sizes, when the tiles are lent, then they prove what the directory proves, and no other head", "[audit][AU-4][AU-9]")
{
    Folder folder;
    SystemDisk disk;
    ManualClock clock;
    Signer signer;
    auto log = open_log(disk, folder, clock);
    REQUIRE(log.has_value());
    append_some(*log, 0, 1299);
    sign(*log, signer);
    auto const directory = folder.open();
    auto const note = read_checkpoint(disk, directory.get()).value().value();
    for (std::uint64_t const old : {1ull, 2ull, 255ull, 256ull, 257ull, 700ull, 1024ull, 1299ull, 1300ull}) {
        INFO(old);
        auto const places = tiles_of_proof(old, note.checkpoint.size).value();
        CHECK(places.size() <= kProofTilesMax);
        std::vector<std::vector<Digest>> tiles;
        for (auto const& each : places) tiles.push_back(read_tile(disk, directory.get(), each.level, each.index, each.width).value());
        auto const wanted = consistency_from(disk, directory.get(), old).value();
        CHECK(proof_of(old, note.checkpoint, tiles).value() == wanted.path);
        CHECK(add_checkpoint(old, wanted.path, "NOTE").starts_with("old " + std::to_string(old) + "\n"));
        auto other = note.checkpoint;
        other.root[0] ^= 1;
        CHECK_FALSE(proof_of(old, other, tiles).has_value());
        tiles.pop_back();
        CHECK_FALSE(proof_of(old, note.checkpoint, tiles).has_value());
    }
    CHECK(tiles_of_proof(0, 1300).value().empty());
    CHECK_FALSE(tiles_of_proof(1301, 1300).has_value());
    CHECK(tiles_of_proof((1ull << 39) + 12345, (1ull << 40) + 54321).value().size() <= kProofTilesMax);
}

}  // namespace test_witness_face
