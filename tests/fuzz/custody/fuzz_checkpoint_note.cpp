// SPDX-License-Identifier: GPL-3.0-or-later
// Face: the text that audit asks to have signed. What passes is three lines of plain text and nothing else, or such
// lines with retention terms that hold.

#include <algorithm>
#include <cstdlib>

#include "base/crypto/crypto.h"
#include "custody/checkpoint_note.h"
#include "custody/session_token.h"
#include "proto/retention.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (ocu::custody::is_checkpoint_note(text)) {
        if (std::ranges::count(text, '\n') != 3 || !text.ends_with("=\n")) std::abort();
        for (unsigned char const c : text)
            if (c != '\n' && (c <= ' ' || c >= 0x7f)) std::abort();
    }
    if (ocu::custody::is_retention_note(text)) {
        auto const begin = text.find(ocu::proto::kRetentionFirstLine);
        if (begin == std::string_view::npos || ocu::custody::is_checkpoint_note(text)) std::abort();
        auto rest = text.substr(begin);
        auto const terms = ocu::proto::take_terms(rest);
        if (!terms || terms->days < ocu::proto::kRetentionDaysFloor || terms->newest_ms > terms->signed_ms - terms->days * ocu::proto::kDayMs) std::abort();
    }
    (void)ocu::custody::verify_session_token({}, text, "c", {});
    return 0;
}
