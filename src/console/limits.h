// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every bound of the console in one place.

#include <chrono>
#include <cstddef>

namespace ocu::console {

using namespace std::chrono_literals;

// The least terminal that every page fits in, and the largest that is drawn: more is cut, whatever a terminal says of itself.
inline constexpr int kColumnsMin = 80;
inline constexpr int kRowsMin = 24;
inline constexpr int kColumnsMax = 240;
inline constexpr int kRowsMax = 100;
inline constexpr int kBodyRowsMax = 2'000;  // a page longer than the terminal is scrolled up to here

inline constexpr std::size_t kLinesKept = 200;
inline constexpr std::size_t kKeyBytesMax = 32;        // of one escape sequence
inline constexpr std::size_t kReadBytesMax = 256;      // of the keyboard, at a time
inline constexpr std::size_t kWordBytesMax = 8;        // "yes", "no", and what is neither
inline constexpr std::size_t kOutputBytesMax = 4'096;  // plain lines that are made into output at a time
inline constexpr std::size_t kQuestionLinesPlain = 12; // of a question on a line that is not yet a console

inline constexpr auto kKeyWait = 100ms;        // after it, Esc was the key and not the beginning of another
inline constexpr auto kFramesApart = 50ms;     // a flood of news is drawn twenty times a second
inline constexpr auto kTick = 1s;              // the clock on the screen
inline constexpr auto kRedrawEvery = 30s;      // tty1 only: the kernel may have written over the picture
inline constexpr auto kBackToLinesAfter = 5min;
inline constexpr auto kConfirmationStands = 1min;
inline constexpr auto kReadingTakes = 2s;      // a text must have stood on the terminal this long before `yes` to it counts

static_assert(kReadBytesMax < kOutputBytesMax);
static_assert(kKeyWait < kTick);

}  // namespace ocu::console
