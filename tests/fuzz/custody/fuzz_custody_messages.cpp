// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what the helper is asked. What decodes encodes to the same bytes.

#include <algorithm>
#include <cstdlib>

#include "custody/checkpoint_note.h"
#include "proto/custody_helper_to_custody.h"

namespace {

template <class Message>
void check(std::span<std::byte const> bytes)
{
    auto const message = ocu::wire::decode<Message>(bytes);
    if (message && !std::ranges::equal(ocu::wire::encode(*message), bytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const bytes = std::as_bytes(std::span(data, size));
    check<ocu::proto::SignCheckpoint>(bytes);
    check<ocu::proto::MintToken>(bytes);
    check<ocu::proto::CheckpointSigned>(bytes);
    check<ocu::proto::MintedToken>(bytes);
    check<ocu::proto::CustodyReport>(bytes);
    check<ocu::proto::CustodyConfig>(bytes);
    check<ocu::proto::OpenEdgeChannel>(bytes);
    check<ocu::proto::GrantLease>(bytes);
    check<ocu::proto::LeaseHeld>(bytes);
    check<ocu::proto::RevokeSession>(bytes);
    return 0;
}
