// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/witness and the cosignatures of audit/note. tests/flow/test_witness.py has a witness that others wrote.

#include "audit/cli.h"
#include "audit/witness.h"
#include "unit/audit/support.h"

namespace test_witness {

using namespace audit_support;

constexpr char kWitness[] = "witness.example/w1";
constexpr std::uint64_t kTime = 1'795'000'000;

struct WitnessTest {
    WitnessTest()
    {
        key = make_key(kWitness, witness.key, KeyKind::witness);
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, 299);
        sign(*log, signer);
        head = read(folder.path() / "checkpoint");
    }
    std::string cosigned(std::string text, std::uint64_t time = kTime, std::string_view prefix = "cosignature/v1\ntime ") const
    {
        auto const body = parse_note(text)->body;
        auto const signature = witness.sign(std::string(prefix) + std::to_string(time) + "\n" + body);
        std::vector<std::uint8_t> bytes;
        for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(key.id >> shift));
        for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(time >> shift));
        bytes.insert(bytes.end(), signature.begin(), signature.end());
        return text + "\xe2\x80\x94 " + kWitness + " " + crypto::to_base64(bytes) + "\n";
    }
    Result<ImportedHead> import(std::string const& text, std::vector<VerifierKey> const& witnesses, std::optional<VerifierKey> trusted = {})
    {
        auto const directory = folder.open();
        return check_imported(disk, directory.get(), OCU_TRY(parse_note(text)), std::move(trusted), witnesses);
    }
    void grow(std::uint64_t count)
    {
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        append_some(*log, 1000, count);
        sign(*log, signer);
    }

    Folder folder;
    ManualClock clock;
    SystemDisk disk;
    Signer signer;
    Signer witness{9};
    VerifierKey key;
    std::string head;
};

Fault fault_of(Result<ImportedHead> const& result) { return result ? Fault{} : result.error().fault; }

TEST_CASE_METHOD(WitnessTest, "witness: given a head that it cosigned, when it comes back, then who saw it and when is known", "[audit][AU-9]")
{
    auto const imported = import(cosigned(head), {key});
    REQUIRE(imported.has_value());
    CHECK(imported->checkpoint.size == 300);
    REQUIRE(imported->witnesses.size() == 1);
    CHECK(imported->witnesses[0].name == kWitness);
    CHECK(imported->witnesses[0].time == kTime);
    grow(300);  // it comes back late
    CHECK(import(cosigned(head), {key}, make_key(kOrigin, signer.key)).has_value());
    auto const twice = import(cosigned(cosigned(head), kTime + 5), {key});
    REQUIRE(twice.has_value());
    CHECK(twice->witnesses[0].time == kTime + 5);
}

TEST_CASE_METHOD(WitnessTest, "witness: given a head without its cosignature, or with one that is not over it, when checked, then it is denied",
    "[audit][AU-9][T-09]")
{
    CHECK(import(head, {}).has_value());
    CHECK(fault_of(import(head, {key})) == Fault::denied);
    CHECK(fault_of(import(cosigned(head, kTime, "cosignature/v0\ntime "), {key})) == Fault::denied);
    CHECK(fault_of(import(cosigned(head, kTime, ""), {key})) == Fault::denied);
    auto other = witness.key;
    other[0] ^= 1;
    CHECK(fault_of(import(cosigned(head), {make_key(kWitness, other, KeyKind::witness)})) == Fault::denied);
    CHECK(fault_of(import(cosigned(head), {key, make_key("second.example", other, KeyKind::witness)})) == Fault::denied);
    auto const good = cosigned(head);
    auto const line = good.rfind("\xe2\x80\x94 ");
    for (std::size_t i = line; i < good.size(); ++i) {
        auto altered = good;
        altered[i] = static_cast<char>(altered[i] ^ 1);
        CHECK_FALSE(import(altered, {key}).has_value());
    }
}

TEST_CASE_METHOD(WitnessTest, "witness: given a log that does not continue the head, when checked, then it says so", "[audit][AU-9][T-09]")
{
    grow(300);
    auto const later = read(folder.path() / "checkpoint");
    // The same sizes, another history.
    Folder second;
    {
        auto log = open_log(disk, second, clock);
        REQUIRE(log.has_value());
        append_some(*log, 5000, 299);
        sign(*log, signer);
        append_some(*log, 7000, 400);
        sign(*log, signer);
    }
    auto const directory = second.open();
    auto const rewritten = check_imported(disk, directory.get(), *parse_note(cosigned(head)), {}, {key});
    CHECK(fault_of(rewritten) == Fault::denied);
    // Records are gone.
    Folder third;
    {
        auto log = open_log(disk, third, clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, 299);
        sign(*log, signer);
    }
    auto const behind = third.open();
    CHECK(fault_of(check_imported(disk, behind.get(), *parse_note(cosigned(later)), {}, {key})) == Fault::not_found);
    // Another log's, and one that a stranger signed for this one.
    Checkpoint const foreign{"other.example/audit", 300, leaf_hash("x")};
    CHECK(fault_of(import(cosigned(format_note(foreign, make_key(foreign.origin, signer.key), signer.sign(format_body(foreign)))), {key})) == Fault::denied);
    Checkpoint const forged{kOrigin, 300, leaf_hash("x")};
    CHECK(fault_of(import(cosigned(format_note(forged, make_key(kOrigin, witness.key), witness.sign(format_body(forged)))), {key})) == Fault::denied);
    CHECK(fault_of(import(cosigned(format_note(forged, make_key(kOrigin, signer.key), signer.sign(format_body(forged)))), {key})) == Fault::denied);
}

TEST_CASE_METHOD(WitnessTest, "witness: given a key of one kind, when read as the other, then it is refused", "[audit][AU-9]")
{
    CHECK(parse_key(format_key(key), KeyKind::witness)->key == witness.key);
    CHECK_FALSE(parse_key(format_key(key)).has_value());
    CHECK_FALSE(parse_key(format_key(make_key(kOrigin, signer.key)), KeyKind::witness).has_value());
    CHECK(make_key(kWitness, witness.key).id != key.id);
    // A log's key does not cosign, a witness's does not sign.
    CHECK_FALSE(check_note(*parse_note(cosigned(head)), make_key(kWitness, witness.key)).has_value());
}

TEST_CASE_METHOD(WitnessTest, "witness: given a log, when a request is made, then it has the proof from what was seen to the head", "[audit][AU-9]")
{
    auto const directory = folder.open();
    CHECK(*witness_request(disk, directory.get(), 0) == "old 0\n\n" + head);
    grow(300);
    auto const text = *witness_request(disk, directory.get(), 300);
    CHECK(text.starts_with("old 300\n"));
    CHECK(text.ends_with("\n\n" + read(folder.path() / "checkpoint")));
    auto const proof = text.substr(8, text.find("\n\n") - 7);
    CHECK(std::ranges::count(proof, '\n') >= 2);
    CHECK_FALSE(witness_request(disk, directory.get(), 10'000).has_value());
}

TEST_CASE_METHOD(WitnessTest, "cli: given a head that came back, when checked by words, then the exit code says what it is", "[audit][AU-9]")
{
    Folder out;
    auto const call = [](std::vector<std::string> words) {
        words.insert(words.begin(), "audit");
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        return audit::audit_main(static_cast<int>(argv.size()), argv.data());
    };
    auto const dir = folder.path().string();
    auto const file = [&](char const* name) { return (out.path() / name).string(); };
    write(file("head"), cosigned(head));
    write(file("plain"), head);
    write(file("witness"), format_key(key));
    write(file("log"), format_key(make_key(kOrigin, signer.key)));
    CHECK(call({"import-check", dir, file("head"), "--witness", file("witness"), "--key", file("log")}) == 0);
    CHECK(call({"import-check", dir, file("plain"), "--witness", file("witness")}) == 1);
    CHECK(call({"import-check", dir, file("head"), "--witness", file("log")}) == 1);
    CHECK(call({"import-check", dir, file("none")}) == 1);
    CHECK(call({"import-check", dir}) == 2);
    CHECK(call({"import-check", dir, file("head"), "--from", "7"}) == 2);
    CHECK(call({"import-check", dir, file("head"), "--witness"}) == 2);
    CHECK(call({"witness-request", dir}) == 0);
    CHECK(call({"witness-request", dir, "--from", "7"}) == 0);
    CHECK(call({"witness-request", dir, "--from", "9999"}) == 1);
    CHECK(call({"witness-request", dir, "--from", "x"}) == 2);
}

}  // namespace test_witness
