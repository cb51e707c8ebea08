// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/sealed_face.h"

#include <algorithm>

#include "base/crypto/crypto.h"

namespace ocu::sealed {

namespace {

constexpr std::string_view kApplianceHead = "ocu-sealed/1:appliance:";
constexpr std::string_view kPassphraseHead = "ocu-sealed/1:passphrase:";
constexpr std::string_view kKeyHead = "ocu-appliance-key/1:";
constexpr std::size_t kNonceAndTagBytes = 12 + 16;
// 2^17 blocks of 1 KiB, 128 MiB: about half a second. What is opened may cost between an eighth and twice of that.
constexpr std::uint8_t kCost = 17;
constexpr std::uint8_t kCostMin = 14;
constexpr std::uint8_t kCostMax = 18;
constexpr unsigned kScryptBlock = 8;

std::span<std::byte const> head_of(std::string_view head) { return crypto::as_bytes(head); }

Result<Secret> passphrase_key(Secret const& passphrase, Box const& box)
{
    return crypto::scrypt(passphrase, box.salt, box.cost_log2, kScryptBlock, 1, 32);
}

// The parameters are bound to what they protect, so that nobody can make it cheaper to guess.
std::vector<std::byte> associated_of(Box const& box)
{
    auto const head = head_of(kPassphraseHead);
    std::vector<std::byte> out(head.begin(), head.end());
    out.push_back(std::byte{box.cost_log2});
    for (auto const each : box.salt) out.push_back(std::byte{each});
    return out;
}

Result<void> check_plain(std::span<std::byte const> plain)
{
    if (plain.empty() || plain.size() > kPlainBytesMax) return fail(Fault::over_limit, "a secret is 1 to 8192 bytes long");
    return {};
}

Result<Box> parse_appliance(std::span<std::uint8_t const> body)
{
    Box box;
    box.kind = Kind::appliance;
    std::size_t const least = box.recipient.size() + crypto::kHpkeOverheadBytes + 1;
    if (body.size() < least || body.size() > least - 1 + kPlainBytesMax) return fail(Fault::malformed, "sealed text of a wrong length");
    std::ranges::copy(body.first(box.recipient.size()), box.recipient.begin());
    body = body.subspan(box.recipient.size());
    box.bytes.assign(body.begin(), body.end());
    return box;
}

Result<Box> parse_passphrase(std::span<std::uint8_t const> body)
{
    Box box;
    box.kind = Kind::passphrase;
    std::size_t const least = 1 + box.salt.size() + kNonceAndTagBytes + 1;
    if (body.size() < least || body.size() > least - 1 + kPlainBytesMax) return fail(Fault::malformed, "sealed text of a wrong length");
    box.cost_log2 = body.front();
    if (box.cost_log2 < kCostMin || box.cost_log2 > kCostMax) return fail(Fault::over_limit, "sealed text with a cost out of range");
    std::ranges::copy(body.subspan(1, box.salt.size()), box.salt.begin());
    body = body.subspan(1 + box.salt.size());
    box.bytes.assign(body.begin(), body.end());
    return box;
}

}  // namespace

Result<Box> parse(std::string_view text)
{
    if (text.size() > kTextBytesMax) return fail(Fault::over_limit, "sealed text is too long");
    for (auto const head : {kApplianceHead, kPassphraseHead}) {
        if (!text.starts_with(head)) continue;
        auto const body = OCU_TRY(crypto::from_base64url(text.substr(head.size())));
        return head == kApplianceHead ? parse_appliance(body) : parse_passphrase(body);
    }
    return fail(Fault::malformed, "not sealed text");
}

Result<crypto::X25519Public> parse_key(std::string_view text)
{
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    if (text.size() > kKeyTextBytesMax || !text.starts_with(kKeyHead)) return fail(Fault::malformed, "not an appliance's public key");
    auto const bytes = OCU_TRY(crypto::from_base64(text.substr(kKeyHead.size())));
    crypto::X25519Public key{};
    if (bytes.size() != key.size()) return fail(Fault::malformed, "not an appliance's public key");
    std::ranges::copy(bytes, key.begin());
    return key;
}

std::string write_key(crypto::X25519Public const& key) { return std::string(kKeyHead) + crypto::to_base64(key) + "\n"; }

KeyId id_of(crypto::X25519Public const& key)
{
    auto const digest = crypto::sha256(std::as_bytes(std::span(key)));
    KeyId id{};
    std::copy_n(digest.begin(), id.size(), id.begin());
    return id;
}

Result<std::string> seal_to_appliance(crypto::X25519Public const& recipient, std::span<std::byte const> plain)
{
    OCU_CHECK(check_plain(plain));
    auto const id = id_of(recipient);
    auto const sealed = OCU_TRY(crypto::hpke_seal(recipient, head_of(kApplianceHead), std::as_bytes(std::span(id)), plain));
    std::vector<std::uint8_t> body(id.begin(), id.end());
    body.insert(body.end(), sealed.begin(), sealed.end());
    return std::string(kApplianceHead) + crypto::to_base64url(body);
}

Result<std::string> seal_to_passphrase(Secret const& passphrase, std::span<std::byte const> plain)
{
    OCU_CHECK(check_plain(plain));
    Box box;
    box.cost_log2 = kCost;
    crypto::random_bytes(std::as_writable_bytes(std::span(box.salt)));
    auto const key = OCU_TRY(passphrase_key(passphrase, box));
    auto const sealed = OCU_TRY(crypto::seal(key, plain, associated_of(box)));
    std::vector<std::uint8_t> body{box.cost_log2};
    body.insert(body.end(), box.salt.begin(), box.salt.end());
    body.insert(body.end(), sealed.begin(), sealed.end());
    return std::string(kPassphraseHead) + crypto::to_base64url(body);
}

Result<Secret> open_with_key(Box const& box, Secret const& seed)
{
    if (box.kind != Kind::appliance) return fail(Fault::conflict, "sealed to a passphrase");
    if (box.recipient != id_of(OCU_TRY(crypto::x25519_public(seed)))) return fail(Fault::conflict, "sealed to another key");
    return crypto::hpke_open(seed, head_of(kApplianceHead), std::as_bytes(std::span(box.recipient)), box.bytes);
}

Result<Secret> open_with_passphrase(Box const& box, Secret const& passphrase)
{
    if (box.kind != Kind::passphrase) return fail(Fault::conflict, "sealed to an appliance's key");
    return crypto::open(OCU_TRY(passphrase_key(passphrase, box)), box.bytes, associated_of(box));
}

}  // namespace ocu::sealed
