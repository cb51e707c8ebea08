// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a file operation comes to: a value, or the errno that its caller is told.

#include <cerrno>
#include <expected>

namespace ocu::storage {

template <class T>
using Answer = std::expected<T, int>;

inline std::unexpected<int> refuse(int fault) { return std::unexpected(fault); }

// By which face an operation comes: the guest's mount (F7), or the file API on behalf of a caller (F11). Uploads are written by the files
// face alone.
enum class Face : unsigned char { mount, files };

}  // namespace ocu::storage
