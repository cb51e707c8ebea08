// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/minisign.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace ocu::manifest {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kUntrusted = "untrusted comment: ";
constexpr std::string_view kTrusted = "trusted comment: ";
constexpr std::size_t kPublicBytes = 2 + 8 + 32;
constexpr std::size_t kSignatureBytes = 2 + 8 + 64;
constexpr std::size_t kKeyAt = 2 + 2 + 2 + 32 + 8 + 8;        // where key number, seed, public key and checksum begin
constexpr std::size_t kKeyBytes = 8 + 32 + 32 + 32;
constexpr std::size_t kSecretBytes = kKeyAt + kKeyBytes;
// What an encrypted key may ask of us: minisign's own default. And what ours asks.
constexpr std::uint64_t kWorkMax = 33'554'432;
constexpr std::uint64_t kMemoryMax = 1'073'741'824;
constexpr std::uint64_t kOurWork = 4'194'304;
constexpr std::uint64_t kOurMemory = 134'217'728;

// The next line, without its end; nothing at the end of the text. A carriage return before it is taken off, as minisign does.
std::optional<std::string_view> take_line(std::string_view& text)
{
    if (text.empty()) return std::nullopt;
    std::size_t const end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

// Tabs are in the comments that minisign itself makes.
bool is_printable_line(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

// The two lines that key files and the first half of signatures consist of.
Result<Bytes> take_commented(std::string_view& text, std::size_t size)
{
    auto const comment = take_line(text);
    if (!comment || !comment->starts_with(kUntrusted)) return fail(Fault::malformed, "the untrusted comment line is missing");
    auto const encoded = take_line(text);
    if (!encoded) return fail(Fault::malformed, "the line with the bytes is missing");
    auto bytes = OCU_TRY(crypto::from_base64(*encoded));
    if (bytes.size() != size) return fail(Fault::malformed, "the bytes have the wrong length");
    return bytes;
}

template <std::size_t N>
std::array<std::uint8_t, N> take(Bytes const& bytes, std::size_t at)
{
    std::array<std::uint8_t, N> out{};
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), N, out.begin());
    return out;
}

std::uint64_t read_u64(std::uint8_t const* at)
{
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value |= static_cast<std::uint64_t>(at[i]) << (8 * i);
    return value;
}

void write_u64(Bytes& out, std::uint64_t value)
{
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

struct Scrypt {
    unsigned cost_log2;
    unsigned parallel;
};

// How libsodium turns its two limits into scrypt's numbers (block size 8); both sides must agree or no passphrase fits.
Scrypt scrypt_numbers(std::uint64_t work, std::uint64_t memory)
{
    constexpr std::uint64_t kBlock = 8;
    work = std::max<std::uint64_t>(work, 32'768);
    bool const bound_by_work = work < memory / 32;
    std::uint64_t const limit = bound_by_work ? work / (kBlock * 4) : memory / (kBlock * 128);
    Scrypt numbers{1, 1};
    while (numbers.cost_log2 < 62 && (1ull << numbers.cost_log2) <= limit / 2) ++numbers.cost_log2;
    if (!bound_by_work)
        numbers.parallel = static_cast<unsigned>(std::min<std::uint64_t>((work / 4) >> numbers.cost_log2, 0x3fffffff) / kBlock);
    return numbers;
}

Result<void> apply_passphrase(
    std::span<std::uint8_t> key, Secret const& passphrase, std::span<std::uint8_t const> salt, std::uint64_t work, std::uint64_t memory)
{
    auto const numbers = scrypt_numbers(work, memory);
    if (numbers.parallel == 0) return fail(Fault::malformed, "the key's scrypt limits make no sense");
    Secret const stream = OCU_TRY(crypto::scrypt(passphrase, salt, numbers.cost_log2, 8, numbers.parallel, key.size()));
    for (std::size_t i = 0; i < key.size(); ++i) key[i] ^= std::to_integer<std::uint8_t>(stream.bytes()[i]);
    return {};
}

// Of algorithm, number and both halves of the key.
std::array<std::uint8_t, 32> checksum(std::span<std::uint8_t const> key)
{
    Bytes covered{'E', 'd'};
    covered.insert(covered.end(), key.begin(), key.begin() + 72);
    auto const sum = crypto::blake2b_256(std::as_bytes(std::span(covered)));
    wipe(std::as_writable_bytes(std::span(covered)));
    return sum;
}

// A bare key of minisign's has zeros where the checksum would be; its two halves still vouch for each other.
enum class Stored { bare, encrypted };

Result<SigningKey> unpack_key(std::span<std::uint8_t const> key, Stored stored)
{
    auto const sum = checksum(key);
    bool const unsummed = stored == Stored::bare && std::ranges::all_of(key.subspan(72, 32), [](std::uint8_t byte) { return byte == 0; });
    if (!unsummed && !equal_constant_time(std::as_bytes(std::span(sum)), std::as_bytes(key.subspan(72, 32))))
        return fail(Fault::denied, "wrong passphrase, or the key file is damaged");
    SigningKey out;
    std::copy_n(key.begin(), 8, out.verify.number.begin());
    out.seed = OCU_TRY(Secret::copy_of(std::as_bytes(key.subspan(8, 32))));
    out.verify.key = OCU_TRY(crypto::ed25519_public(out.seed));
    if (!std::ranges::equal(out.verify.key, key.subspan(40, 32)))
        return fail(Fault::malformed, "the key's two halves do not belong together");
    return out;
}

std::string number_text(KeyNumber const& number)
{
    KeyNumber big_endian = number;
    std::ranges::reverse(big_endian);
    return crypto::to_hex(big_endian);
}

Bytes global_message(crypto::Signature const& signature, std::string_view comment)
{
    Bytes message(signature.begin(), signature.end());
    message.insert(message.end(), comment.begin(), comment.end());
    return message;
}

std::string with_head(std::string_view algorithm, KeyNumber const& number, std::span<std::uint8_t const> rest)
{
    Bytes bytes(algorithm.begin(), algorithm.end());
    bytes.insert(bytes.end(), number.begin(), number.end());
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return crypto::to_base64(bytes);
}

}  // namespace

Result<VerifyKey> parse_public_key(std::string_view file)
{
    if (file.size() > kKeyFileBytesMax) return fail(Fault::over_limit, "the key file is too large");
    auto const bytes = OCU_TRY(take_commented(file, kPublicBytes));
    if (!file.empty()) return fail(Fault::malformed, "the key file goes on after the key");
    if (bytes[0] != 'E' || bytes[1] != 'd') return fail(Fault::malformed, "the key is not an Ed25519 key");
    return VerifyKey{take<8>(bytes, 2), take<32>(bytes, 10)};
}

Result<Minisig> parse_minisig(std::string_view file)
{
    if (file.size() > kMinisigBytesMax) return fail(Fault::over_limit, "the signature file is too large");
    auto const bytes = OCU_TRY(take_commented(file, kSignatureBytes));
    if (bytes[0] != 'E' || bytes[1] != 'D') return fail(Fault::malformed, "the signature is not of the prehashed kind (ED)");
    Minisig out;
    out.number = take<8>(bytes, 2);
    out.signature = take<64>(bytes, 10);
    auto const comment = take_line(file);
    if (!comment || !comment->starts_with(kTrusted)) return fail(Fault::malformed, "the trusted comment line is missing");
    out.trusted_comment = comment->substr(kTrusted.size());
    if (!is_printable_line(out.trusted_comment)) return fail(Fault::malformed, "the trusted comment is not one printable line");
    auto const encoded = take_line(file);
    if (!encoded) return fail(Fault::malformed, "the global signature is missing");
    auto const global = OCU_TRY(crypto::from_base64(*encoded));
    if (global.size() != out.global.size()) return fail(Fault::malformed, "the global signature has the wrong length");
    std::ranges::copy(global, out.global.begin());
    if (!file.empty()) return fail(Fault::malformed, "the signature file goes on after the signature");
    return out;
}

Result<SigningKey> parse_secret_key(std::string_view file, Secret const* passphrase)
{
    if (file.size() > kKeyFileBytesMax) return fail(Fault::over_limit, "the key file is too large");
    auto bytes = OCU_TRY(take_commented(file, kSecretBytes));
    if (!file.empty()) return fail(Fault::malformed, "the key file goes on after the key");
    if (bytes[0] != 'E' || bytes[1] != 'd' || bytes[4] != 'B' || bytes[5] != '2')
        return fail(Fault::malformed, "not a minisign secret key");
    std::span const key = std::span(bytes).subspan(kKeyAt);
    bool const encrypted = bytes[2] == 'S' && bytes[3] == 'c';
    if (encrypted) {
        std::uint64_t const work = read_u64(bytes.data() + 38);
        std::uint64_t const memory = read_u64(bytes.data() + 46);
        if (work > kWorkMax || memory > kMemoryMax)
            return fail(Fault::over_limit, "the key asks for more scrypt work than minisign's default");
        if (passphrase == nullptr || passphrase->empty()) return fail(Fault::denied, "the key is encrypted: a passphrase is needed");
        OCU_CHECK(apply_passphrase(key, *passphrase, std::span(bytes).subspan(6, 32), work, memory));
    } else if (bytes[2] != 0 || bytes[3] != 0) {
        return fail(Fault::malformed, "the key is encrypted in an unknown way");
    }
    auto out = unpack_key(key, encrypted ? Stored::encrypted : Stored::bare);
    wipe(std::as_writable_bytes(std::span(bytes)));
    return out;
}

Result<SigningKey> make_key()
{
    SigningKey key;
    key.seed = OCU_TRY(Secret::make(32));
    crypto::random_bytes(key.seed.bytes());
    crypto::random_bytes(std::as_writable_bytes(std::span(key.verify.number)));
    key.verify.key = OCU_TRY(crypto::ed25519_public(key.seed));
    return key;
}

std::string write_public_key(VerifyKey const& key)
{
    return std::string(kUntrusted) + "minisign public key " + number_text(key.number) + "\n" + with_head("Ed", key.number, key.key) + "\n";
}

Result<Secret> write_secret_key(SigningKey const& key, Secret const* passphrase)
{
    bool const encrypted = passphrase != nullptr && !passphrase->empty();
    Bytes bytes;
    bytes.reserve(kSecretBytes);  // grows nowhere else, so that no copy of the seed is left behind
    for (char const letter : {'E', 'd', encrypted ? 'S' : '\0', encrypted ? 'c' : '\0', 'B', '2'})
        bytes.push_back(static_cast<std::uint8_t>(letter));
    std::array<std::uint8_t, 32> salt{};
    if (encrypted) crypto::random_bytes(std::as_writable_bytes(std::span(salt)));
    bytes.insert(bytes.end(), salt.begin(), salt.end());
    write_u64(bytes, encrypted ? kOurWork : 0);
    write_u64(bytes, encrypted ? kOurMemory : 0);
    bytes.insert(bytes.end(), key.verify.number.begin(), key.verify.number.end());
    for (std::byte const each : key.seed.bytes()) bytes.push_back(std::to_integer<std::uint8_t>(each));
    bytes.insert(bytes.end(), key.verify.key.begin(), key.verify.key.end());
    auto const sum = checksum(std::span(bytes).subspan(kKeyAt));
    bytes.insert(bytes.end(), sum.begin(), sum.end());
    if (encrypted) OCU_CHECK(apply_passphrase(std::span(bytes).subspan(kKeyAt), *passphrase, salt, kOurWork, kOurMemory));
    std::string encoded = crypto::to_base64(bytes);
    wipe(std::as_writable_bytes(std::span(bytes)));
    std::string text = std::string(kUntrusted) + (encrypted ? "minisign encrypted secret key\n" : "minisign secret key, not encrypted\n");
    text.reserve(text.size() + encoded.size() + 1);
    text += encoded;
    text += '\n';
    auto out = Secret::copy_of(std::as_bytes(std::span(text)));
    wipe(std::as_writable_bytes(std::span(encoded)));
    wipe(std::as_writable_bytes(std::span(text)));
    return out;
}

Result<std::string> sign(SigningKey const& key, std::string_view content, std::string_view trusted_comment)
{
    if (!is_printable_line(trusted_comment)) return fail(Fault::malformed, "the trusted comment must be one printable line");
    auto const hash = crypto::blake2b_512(crypto::as_bytes(content));
    auto const signature = OCU_TRY(crypto::ed25519_sign(key.seed, key.verify.key, std::as_bytes(std::span(hash))));
    auto const covered = global_message(signature, trusted_comment);
    auto const global = OCU_TRY(crypto::ed25519_sign(key.seed, key.verify.key, std::as_bytes(std::span(covered))));
    std::string out = std::string(kUntrusted) + "signature from ocu-appliance key " + number_text(key.verify.number) + "\n";
    out += with_head("ED", key.verify.number, signature) + "\n";
    out += std::string(kTrusted) + std::string(trusted_comment) + "\n" + crypto::to_base64(global) + "\n";
    return out;
}

Result<void> verify(VerifyKey const& key, std::string_view content, Minisig const& signature)
{
    if (signature.number != key.number) return fail(Fault::denied, "signed with another key");
    auto const hash = crypto::blake2b_512(crypto::as_bytes(content));
    if (!crypto::ed25519_verify(key.key, std::as_bytes(std::span(hash)), signature.signature))
        return fail(Fault::denied, "the signature does not fit the file");
    auto const covered = global_message(signature.signature, signature.trusted_comment);
    if (!crypto::ed25519_verify(key.key, std::as_bytes(std::span(covered)), signature.global))
        return fail(Fault::denied, "the trusted comment was altered");
    return {};
}

}  // namespace ocu::manifest
