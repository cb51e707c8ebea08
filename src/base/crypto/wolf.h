// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Inside src/base/crypto only: the headers of wolfCrypt in the one order that works, and owners for its structures.

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/blake2.h>
#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/pwdbased.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/sha.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include <cstddef>

#undef Sha256  // the library's old name for its own type

namespace ocu::crypto {

inline byte const* wolf(std::byte const* data) { return reinterpret_cast<byte const*>(data); }
inline byte* wolf(std::byte* data) { return reinterpret_cast<byte*>(data); }

// A wolfCrypt structure that is freed (and wiped, where it holds a key) with its owner. `Init` and `Free` are the library's own.
template <class T, auto Init, auto Free>
class Owned {
public:
    Owned() : good_(Init(&value_) == 0) {}
    ~Owned()
    {
        if (good_) Free(&value_);
    }
    Owned(Owned const&) = delete;
    Owned& operator=(Owned const&) = delete;
    bool good() const { return good_; }
    T* get() { return &value_; }

private:
    T value_{};
    bool good_;
};

inline int init_aes(Aes* aes) { return wc_AesInit(aes, nullptr, INVALID_DEVID); }
using AesKey = Owned<Aes, init_aes, wc_AesFree>;
using Rng = Owned<WC_RNG, wc_InitRng, wc_FreeRng>;
using EccKey = Owned<ecc_key, wc_ecc_init, wc_ecc_free>;
using Ed25519Key = Owned<ed25519_key, wc_ed25519_init, wc_ed25519_free>;

}  // namespace ocu::crypto
