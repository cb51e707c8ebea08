// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a file seems to be, from its first bytes and, among kinds of text, from its name's end (SB-7). A guess for who shows it: nothing is decided
// by it but a header that says `nosniff` as well. Pure.

#include <string_view>

namespace ocu::storage {

// `first`: at most the first kSniffBytes.
std::string_view media_type_of(std::string_view name, std::string_view first);

}  // namespace ocu::storage
