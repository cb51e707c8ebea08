// SPDX-License-Identifier: GPL-3.0-or-later
#include "tpm/library.h"

#include <tss2/tss2_tctildr.h>

#include <algorithm>

#include "base/assert.h"
#include "tpm/cryptography.h"

// The library would look for a channel of its own where it is given none. It is always given one.
extern "C" TSS2_RC Tss2_TctiLdr_Initialize(char const*, TSS2_TCTI_CONTEXT**) { return TSS2_TCTI_RC_NOT_IMPLEMENTED; }
extern "C" void Tss2_TctiLdr_Finalize(TSS2_TCTI_CONTEXT**) {}

namespace ocu::tpm {

namespace {

constexpr std::uint64_t kMagic = 0x6f63752d74706d31;  // any number: who makes the context checks it, and nobody else does
constexpr std::uint16_t kNumberBytes = 32;

// The TCG's template of the storage key on P-256: every TPM makes the same key from it each time, until it is cleared.
TPM2B_PUBLIC storage_template()
{
    TPM2B_PUBLIC out{};
    auto& area = out.publicArea;
    area.type = TPM2_ALG_ECC;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                            TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
    auto& ecc = area.parameters.eccDetail;
    ecc.symmetric.algorithm = TPM2_ALG_AES;
    ecc.symmetric.keyBits.aes = 128;
    ecc.symmetric.mode.aes = TPM2_ALG_CFB;
    ecc.scheme.scheme = TPM2_ALG_NULL;
    ecc.curveID = TPM2_ECC_NIST_P256;
    ecc.kdf.scheme = TPM2_ALG_NULL;
    area.unique.ecc.x.size = kNumberBytes;  // of zeros
    area.unique.ecc.y.size = kNumberBytes;
    return out;
}

bool is_bad_password(TSS2_RC code)
{
    // A format-one code: six bits of error beneath bits that say which session or parameter it is about.
    constexpr TSS2_RC kError = TPM2_RC_FMT1 | 0x3f;
    return (code & kError) == TPM2_RC_BAD_AUTH || (code & kError) == TPM2_RC_AUTH_FAIL;
}

}  // namespace

Refused refused(TSS2_RC code, proto::TpmTrouble tpm_said)
{
    bool const by_the_tpm = (code & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER;
    return {by_the_tpm ? tpm_said : proto::TpmTrouble::silent, code};
}

TSS2_RC Conversation::transmit(TSS2_TCTI_CONTEXT* context, std::size_t size, std::uint8_t const* command)
{
    auto const& wire = *reinterpret_cast<Wire const*>(context);
    return wire.channel->send({command, size}) ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_IO_ERROR;
}

TSS2_RC Conversation::receive(TSS2_TCTI_CONTEXT* context, std::size_t* size, std::uint8_t* answer, std::int32_t)
{
    if (answer == nullptr) {  // how much room is needed at most
        *size = kAnswerBytesMax;
        return TSS2_RC_SUCCESS;
    }
    auto const& wire = *reinterpret_cast<Wire const*>(context);
    auto const got = wire.channel->receive();
    if (!got) return TSS2_TCTI_RC_IO_ERROR;
    if (got->size() > *size) return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
    std::ranges::copy(*got, answer);
    *size = got->size();
    return TSS2_RC_SUCCESS;
}

Conversation::Conversation(Channel& channel)
{
    wire_.common.magic = kMagic;
    wire_.common.version = 1;
    wire_.common.transmit = transmit;
    wire_.common.receive = receive;
    wire_.channel = &channel;
    auto* const tcti = reinterpret_cast<TSS2_TCTI_CONTEXT*>(&wire_);
    // Fails for want of memory only, which ends a process like ours anyway.
    OCU_ASSERT(::Esys_Initialize(&esys_, tcti, nullptr) == TSS2_RC_SUCCESS);
    auto callbacks = cryptography();
    OCU_ASSERT(::Esys_SetCryptoCallbacks(esys_, &callbacks) == TSS2_RC_SUCCESS);
}

Conversation::~Conversation()
{
    flush(loaded_);
    flush(session_);
    flush(storage_key_);
    ::Esys_Finalize(&esys_);
}

// One that does not hear of it forgets at the latest when its descriptor is closed or it is switched off.
void Conversation::flush(ESYS_TR& handle)
{
    if (handle != ESYS_TR_NONE) (void)::Esys_FlushContext(esys_, handle);
    handle = ESYS_TR_NONE;
}

std::expected<void, Refused> Conversation::make_storage_key(TPM2B_NAME& name)
{
    TPM2B_SENSITIVE_CREATE const nothing{};
    TPM2B_DATA const outside{};
    TPML_PCR_SELECTION const no_registers{};
    auto const wanted = storage_template();
    auto const made = ::Esys_CreatePrimary(esys_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &nothing, &wanted,
        &outside, &no_registers, &storage_key_, nullptr, nullptr, nullptr, nullptr);
    if (made != TSS2_RC_SUCCESS)
        return std::unexpected(refused(made, is_bad_password(made) ? proto::TpmTrouble::owner_password : proto::TpmTrouble::refused));
    TPM2B_NAME* found = nullptr;
    auto const named = ::Esys_TR_GetName(esys_, storage_key_, &found);
    Owned<TPM2B_NAME> const own(found);
    if (named != TSS2_RC_SUCCESS) return std::unexpected(refused(named, proto::TpmTrouble::refused));
    name = *found;
    return {};
}

std::expected<void, Refused> Conversation::begin_session()
{
    TPMT_SYM_DEF cipher{};
    cipher.algorithm = TPM2_ALG_AES;
    cipher.keyBits.aes = 128;
    cipher.mode.aes = TPM2_ALG_CFB;
    // Salted: its keys follow from a number that only the holder of the storage key can read.
    auto const begun = ::Esys_StartAuthSession(esys_, storage_key_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nullptr,
        TPM2_SE_HMAC, &cipher, TPM2_ALG_SHA256, &session_);
    if (begun != TSS2_RC_SUCCESS) return std::unexpected(refused(begun, proto::TpmTrouble::refused));
    constexpr TPMA_SESSION kPrivate = TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT;
    auto const set = ::Esys_TRSess_SetAttributes(esys_, session_, kPrivate, kPrivate);
    if (set != TSS2_RC_SUCCESS) return std::unexpected(refused(set, proto::TpmTrouble::refused));
    return {};
}

}  // namespace ocu::tpm
