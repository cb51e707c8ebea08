// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The parser reads one upload, and nothing else, from its session's broker: on a channel that the storage thread made for this one question, in ranges
// that it asks for one after the other. The words are those of proto/files_front_to_broker.h: file_read, answered by file_bytes. The parser has opened what
// a stranger made by then: any other word, and a range that is malformed, ends the channel, and with it the upload (T-14, T-32).

#include <array>

#include "proto/files_front_to_broker.h"

namespace ocu::proto {

inline constexpr std::array kParserMayAskBroker{wire::Permit{static_cast<std::uint16_t>(Type::file_read), 0, 16}};

}  // namespace ocu::proto
