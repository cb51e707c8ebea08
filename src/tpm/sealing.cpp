// SPDX-License-Identifier: GPL-3.0-or-later
#include "tpm/sealing.h"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "tpm/library.h"

namespace ocu::tpm {

namespace {

using proto::TpmTrouble;

constexpr std::string_view kHeader = "ocu-tpm-key/1\n";

// What rests: three structures of the TPM's, in its own encoding, one after the other.
struct Sealed {
    TPM2B_NAME storage_name{};
    TPM2B_PUBLIC open_part{};
    TPM2B_PRIVATE closed_part{};
};

std::unexpected<Refused> refuse(TpmTrouble why) { return std::unexpected(Refused{why, 0}); }

std::optional<std::string> text_of(Sealed const& sealed)
{
    std::array<std::uint8_t, proto::kSealedKeyBytesMax> bytes{};
    std::size_t at = std::ranges::copy(kHeader, bytes.begin()).out - bytes.begin();
    if (Tss2_MU_TPM2B_NAME_Marshal(&sealed.storage_name, bytes.data(), bytes.size(), &at) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PUBLIC_Marshal(&sealed.open_part, bytes.data(), bytes.size(), &at) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Marshal(&sealed.closed_part, bytes.data(), bytes.size(), &at) != TSS2_RC_SUCCESS)
        return std::nullopt;
    return std::string(reinterpret_cast<char const*>(bytes.data()), at);
}

std::optional<Sealed> parse(std::string_view text)
{
    if (!text.starts_with(kHeader) || text.size() > proto::kSealedKeyBytesMax) return std::nullopt;
    auto const* const bytes = reinterpret_cast<std::uint8_t const*>(text.data());
    std::size_t at = kHeader.size();
    Sealed out;
    if (Tss2_MU_TPM2B_NAME_Unmarshal(bytes, text.size(), &at, &out.storage_name) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes, text.size(), &at, &out.open_part) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Unmarshal(bytes, text.size(), &at, &out.closed_part) != TSS2_RC_SUCCESS || at != text.size())
        return std::nullopt;
    return out;
}

bool same(TPM2B_NAME const& left, TPM2B_NAME const& right)
{
    return std::ranges::equal(std::span(left.name, left.size), std::span(right.name, right.size));
}

// Of this TPM alone, under this parent alone; no password, so no lock-out to wait for either.
TPM2B_PUBLIC sealed_template()
{
    TPM2B_PUBLIC out{};
    auto& area = out.publicArea;
    area.type = TPM2_ALG_KEYEDHASH;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;
    area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
    return out;
}

}  // namespace

std::expected<std::string, Refused> seal_key(Channel& channel, Secret const& key)
{
    Conversation talk(channel);
    Sealed sealed;
    if (auto const made = talk.make_storage_key(sealed.storage_name); !made) return std::unexpected(made.error());
    if (auto const begun = talk.begin_session(); !begun) return std::unexpected(begun.error());
    TPM2B_SENSITIVE_CREATE secret{};
    if (key.bytes().size() != kKeyBytes) return refuse(TpmTrouble::broken);
    secret.sensitive.data.size = kKeyBytes;
    std::ranges::copy(key.bytes(), std::as_writable_bytes(std::span(secret.sensitive.data.buffer)).begin());
    auto const wanted = sealed_template();
    TPM2B_DATA const outside{};
    TPML_PCR_SELECTION const no_registers{};
    TPM2B_PRIVATE* closed_part = nullptr;
    TPM2B_PUBLIC* open_part = nullptr;
    auto const made = ::Esys_Create(talk.get(), talk.storage_key(), talk.session(), ESYS_TR_NONE, ESYS_TR_NONE, &secret, &wanted, &outside,
        &no_registers, &closed_part, &open_part, nullptr, nullptr, nullptr);
    wipe(std::as_writable_bytes(std::span(&secret, 1)));
    Owned<TPM2B_PRIVATE> const own_closed(closed_part);
    Owned<TPM2B_PUBLIC> const own_open(open_part);
    if (made != TSS2_RC_SUCCESS) return std::unexpected(refused(made, TpmTrouble::refused));
    sealed.open_part = *open_part;
    sealed.closed_part = *closed_part;
    auto text = text_of(sealed);
    if (!text) return refuse(TpmTrouble::silent);
    return *std::move(text);
}

std::expected<Secret, Refused> open_key(Channel& channel, std::string_view text)
{
    auto const sealed = parse(text);
    if (!sealed) return refuse(TpmTrouble::altered);
    Conversation talk(channel);
    TPM2B_NAME storage_name{};
    if (auto const made = talk.make_storage_key(storage_name); !made) return std::unexpected(made.error());
    // Before a session is salted to it: who answers with a storage key of his own is told nothing.
    if (!same(storage_name, sealed->storage_name)) return refuse(TpmTrouble::not_this_tpm);
    if (auto const begun = talk.begin_session(); !begun) return std::unexpected(begun.error());
    ESYS_TR loaded = ESYS_TR_NONE;
    auto const load = ::Esys_Load(
        talk.get(), talk.storage_key(), talk.session(), ESYS_TR_NONE, ESYS_TR_NONE, &sealed->closed_part, &sealed->open_part, &loaded);
    if (load != TSS2_RC_SUCCESS) return std::unexpected(refused(load, TpmTrouble::altered));
    talk.hold(loaded);
    TPM2B_SENSITIVE_DATA* data = nullptr;
    // Without a parameter of its own, so only what comes back is enciphered.
    (void)::Esys_TRSess_SetAttributes(talk.get(), talk.session(), 0, TPMA_SESSION_DECRYPT);
    auto const unsealed = ::Esys_Unseal(talk.get(), loaded, talk.session(), ESYS_TR_NONE, ESYS_TR_NONE, &data);
    Owned<TPM2B_SENSITIVE_DATA> const own_data(data);
    if (unsealed != TSS2_RC_SUCCESS) return std::unexpected(refused(unsealed, TpmTrouble::altered));
    auto key = data->size == kKeyBytes ? Secret::copy_of(std::as_bytes(std::span(data->buffer, data->size))) : Result<Secret>();
    bool const whole = data->size == kKeyBytes;
    wipe(std::as_writable_bytes(std::span(data, 1)));
    if (!whole) return refuse(TpmTrouble::altered);
    if (!key) return refuse(TpmTrouble::broken);
    return *std::move(key);
}

}  // namespace ocu::tpm
