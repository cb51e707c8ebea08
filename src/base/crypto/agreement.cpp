// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/crypto/agreement.h"

#include <algorithm>

#include "base/crypto/wolf.h"

namespace ocu::crypto {

namespace {

constexpr std::size_t kNumberBytes = 32;
constexpr std::size_t kBlockBytes = 16;

}  // namespace

Result<Agreed> agree_p256(P256Point const& with)
{
    Rng rng;
    EccKey ours;
    EccKey theirs;
    if (!rng.good() || !ours.good() || !theirs.good()) return fail(Fault::os, "prepare a P-256 agreement");
    // Checked before anything is computed with it: a point that is not on the curve would give the number away.
    if (wc_ecc_import_x963_ex(with.data(), static_cast<word32>(with.size()), theirs.get(), ECC_SECP256R1) != 0 ||
        wc_ecc_check_key(theirs.get()) != 0)
        return fail(Fault::malformed, "not a point of P-256");
    if (wc_ecc_make_key_ex(rng.get(), kNumberBytes, ours.get(), ECC_SECP256R1) != 0) return fail(Fault::os, "make a P-256 key");
#ifdef ECC_TIMING_RESISTANT
    if (wc_ecc_set_rng(ours.get(), rng.get()) != 0) return fail(Fault::os, "prepare a P-256 agreement");
#endif
    Agreed out;
    out.shared = OCU_TRY(Secret::make(kNumberBytes));
    word32 shared_size = kNumberBytes;
    word32 point_size = static_cast<word32>(out.ephemeral.size());
    if (wc_ecc_shared_secret(ours.get(), theirs.get(), wolf(out.shared.bytes().data()), &shared_size) != 0 || shared_size != kNumberBytes)
        return fail(Fault::os, "agree over P-256");
    if (wc_ecc_export_x963(ours.get(), out.ephemeral.data(), &point_size) != 0 || point_size != out.ephemeral.size())
        return fail(Fault::os, "encode a P-256 point");
    return out;
}

Result<void> aes_cfb(
    Direction direction, std::span<std::uint8_t const> key, std::span<std::uint8_t const> vector, std::span<std::uint8_t> bytes)
{
    if ((key.size() != 16 && key.size() != 24 && key.size() != 32) || vector.size() != kBlockBytes)
        return fail(Fault::malformed, "not a key and a vector of AES");
    AesKey aes;
    if (!aes.good() || wc_AesSetKeyDirect(aes.get(), key.data(), static_cast<word32>(key.size()), nullptr, AES_ENCRYPTION) != 0)
        return fail(Fault::os, "set an AES key");
    std::array<std::uint8_t, kBlockBytes> previous{};  // block of ciphertext
    std::ranges::copy(vector, previous.begin());
    while (!bytes.empty()) {
        std::array<std::uint8_t, kBlockBytes> stream{};
        if (wc_AesEncryptDirect(aes.get(), stream.data(), previous.data()) != 0) return fail(Fault::os, "encrypt with AES");
        auto const block = bytes.first(std::min(bytes.size(), kBlockBytes));
        for (std::size_t i = 0; i < block.size(); ++i) {
            auto const in = block[i];
            block[i] = static_cast<std::uint8_t>(in ^ stream[i]);
            previous[i] = direction == Direction::encrypt ? block[i] : in;
        }
        wipe(std::as_writable_bytes(std::span(stream)));
        bytes = bytes.subspan(block.size());
    }
    return {};
}

}  // namespace ocu::crypto
