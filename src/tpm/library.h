// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One conversation with a TPM through the library: its context over our channel, the storage key and a private session. Inside src/tpm only.

#include <tss2/tss2_esys.h>
#include <tss2/tss2_tcti.h>

#include <expected>
#include <memory>
#include <string>

#include "tpm/sealing.h"

namespace ocu::tpm {

struct LibraryFree {
    void operator()(void* memory) const { ::Esys_Free(memory); }
};
template <class T>
using Owned = std::unique_ptr<T, LibraryFree>;

class Conversation {
public:
    explicit Conversation(Channel& channel);
    Conversation(Conversation const&) = delete;
    Conversation& operator=(Conversation const&) = delete;
    ~Conversation();

    // The storage key; in `name`, its name. Then a session in which first parameters are enciphered either way. Once, in this order.
    std::expected<void, Refused> make_storage_key(TPM2B_NAME& name);
    std::expected<void, Refused> begin_session();

    ESYS_CONTEXT* get() { return esys_; }
    ESYS_TR storage_key() const { return storage_key_; }
    ESYS_TR session() const { return session_; }
    // Taken out of the TPM at the end.
    void hold(ESYS_TR loaded) { loaded_ = loaded; }

private:
    struct Wire {
        TSS2_TCTI_CONTEXT_COMMON_V1 common;  // first: the library's view of it
        Channel* channel;
    };
    static TSS2_RC transmit(TSS2_TCTI_CONTEXT* context, std::size_t size, std::uint8_t const* command);
    static TSS2_RC receive(TSS2_TCTI_CONTEXT* context, std::size_t* size, std::uint8_t* answer, std::int32_t timeout);
    void flush(ESYS_TR& handle);

    Wire wire_{};
    ESYS_CONTEXT* esys_ = nullptr;
    ESYS_TR storage_key_ = ESYS_TR_NONE;
    ESYS_TR session_ = ESYS_TR_NONE;
    ESYS_TR loaded_ = ESYS_TR_NONE;
};

// What the library's answer means where the TPM itself refusing means `tpm_said`. Only for an error.
Refused refused(TSS2_RC code, proto::TpmTrouble tpm_said);

}  // namespace ocu::tpm
