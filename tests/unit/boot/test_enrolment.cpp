// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/trust, and the plan of a machine whose image brings no key: nobody is trusted before a person has said so.

#include "boot_fixture.h"

#include "base/crypto/certificate.h"

namespace test_enrolment {

using namespace ocu;
using namespace ocu::init;
using namespace ocu::boot_test;

struct EnrolmentTest : BootPlanTest {
    EnrolmentTest()
        : open(clock, {.trusted = {}, .built_in = false, .images = {"minimal"}, .remembered_serial = [this] { return remembered; }})
    {}

    Candidate bringing_key(int serial) const
    {
        auto candidate = good(serial);
        candidate.public_key = manifest::write_public_key(key.verify);
        return candidate;
    }

    BootPlan open;
};

#define OCU_ENROLMENT(text, tags) TEST_CASE_METHOD(EnrolmentTest, "boot_plan: " text, "[boot]" tags)

OCU_ENROLMENT("given no trusted key, when a stick brings none, then it says what to do", "[T-15][T-18]")
{
    CHECK(done(open.candidate(good(1))).empty());
    CHECK(open.note().find("put the public key on the stick as manifest.pub") != std::string::npos);
}

OCU_ENROLMENT("given no trusted key, when a stick brings one, then a person sees its fingerprint and nothing else happens", "[T-15][T-18]")
{
    auto const actions = open.candidate(bringing_key(1));
    CHECK(done(actions) == "ask Trust this key?\n");
    auto const* const ask = std::get_if<Ask>(&actions.front());
    REQUIRE(ask != nullptr);
    CHECK(ask->text.find(key_fingerprint(key.verify)) != std::string::npos);
    CHECK(ask->text.find(key_id(key.verify)) != std::string::npos);
    CHECK_FALSE(open.trusted());
    CHECK(open.phase() == proto::MachinePhase::waiting_for_manifest);
}

OCU_ENROLMENT("given that question, when the answer is yes, then the key is kept and the manifest judged like any other", "[T-15]")
{
    (void)open.candidate(bringing_key(1));
    CHECK(done(open.answered(Answer::yes)) == "keep trust\nclear 2\ntimer 0 60000\nconfigure 1\n");
    CHECK(open.trusted()->key == key.verify.key);
    CHECK(open.trust_in_words() == "enrolled on this machine: " + key_id(key.verify));
}

OCU_ENROLMENT("given that question, when the answer is yes and the manifest is not good, then the key stays and the manifest not", "[T-15]")
{
    auto candidate = signed_by(key, manifest_text(1, R"(, "extras": {})"));
    candidate.public_key = manifest::write_public_key(key.verify);
    (void)open.candidate(candidate);
    CHECK(done(open.answered(Answer::yes)).starts_with("keep trust\nreport sdb1 extras|"));
    CHECK(open.trusted());
}

OCU_ENROLMENT("given that question, when the answer is no, then nobody is trusted", "[T-15][T-18]")
{
    (void)open.candidate(bringing_key(1));
    CHECK(done(open.answered(Answer::no)).empty());
    CHECK_FALSE(open.trusted());
    CHECK(done(open.candidate(bringing_key(1))) == "ask Trust this key?\n");
}

OCU_ENROLMENT("given no trusted key, when the manifest is not signed by the key beside it, then nobody is bothered", "[T-15][T-18]")
{
    auto candidate = bringing_key(1);
    candidate.public_key = manifest::write_public_key(manifest::make_key().value().verify);
    CHECK(done(open.candidate(candidate)).empty());
    CHECK(open.note().starts_with("refused: "));
}

OCU_ENROLMENT("given no trusted key, when manifest.pub is garbage, then it is refused", "[T-18]")
{
    auto candidate = bringing_key(1);
    candidate.public_key = std::string(4096, '\xff');
    CHECK(done(open.candidate(candidate)).empty());
    CHECK(open.note().starts_with("refused: manifest: manifest.pub: "));
}

OCU_ENROLMENT("given that question, when the stick is pulled out, then a later yes means nothing", "[T-15][T-18]")
{
    (void)open.candidate(bringing_key(1));
    (void)open.stick_gone("sdb1");
    CHECK(done(open.answered(Answer::yes)).empty());
    CHECK_FALSE(open.trusted());
}

OCU_ENROLMENT("given that question, when another stick comes, then it waits for the answer", "[T-18]")
{
    (void)open.candidate(bringing_key(1));
    CHECK(done(open.candidate(good(2, "sdc1"))).empty());
    CHECK(done(open.answered(Answer::yes)).ends_with("configure 1\n"));
}

TEST_CASE("trust: given a known key, when its fingerprint is made, then it is that of the 42 bytes in the file", "[boot][T-15]")
{
    manifest::VerifyKey key;
    for (std::size_t i = 0; i < key.number.size(); ++i) key.number[i] = static_cast<std::uint8_t>(i + 1);
    auto const file = manifest::write_public_key(key);
    auto const line = file.substr(file.find('\n') + 1);
    auto const bytes = crypto::from_base64(line.substr(0, line.find('\n'))).value();
    REQUIRE(bytes.size() == 42);
    CHECK(key_fingerprint(key) == crypto::fingerprint_text(crypto::sha256(std::as_bytes(std::span(bytes)))));
    CHECK(key_id(key) == "0807060504030201");
}

}  // namespace test_enrolment
