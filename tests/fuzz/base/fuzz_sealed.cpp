// SPDX-License-Identifier: GPL-3.0-or-later
// Sealed text of a manifest, and the key file that `manifest seal` reads. What parses is also tried to open.

#include "base/assert.h"
#include "base/sealed_face.h"

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size)
{
    using namespace ocu;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    static Secret const seed = *crypto::make_x25519_seed();
    if (auto const box = sealed::parse(text)) {
        OCU_ASSERT(text.size() <= sealed::kTextBytesMax && box->bytes.size() <= sealed::kPlainBytesMax + 64);
        OCU_ASSERT(!sealed::open_with_key(*box, seed));  // nobody has sealed anything to it
    }
    if (auto const key = sealed::parse_key(text)) OCU_ASSERT(sealed::parse_key(sealed::write_key(*key)).value() == *key);
    return 0;
}
