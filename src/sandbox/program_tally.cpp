// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/program_tally.h"

#include <algorithm>
#include <format>
#include <utility>

namespace ocu::sandbox {

namespace {

constexpr std::size_t kShownBytesMax = 860;  // and " … and N more"
static_assert(kShownBytesMax + 40 <= decltype(proto::ExecProgramsRun::shown)::kMax);

}  // namespace

void ProgramTally::add(Program program)
{
    ++count_;
    if (last_times_ != 0 && program == last_) {
        ++last_times_;
        return;
    }
    write_last();
    last_ = std::move(program);
    last_times_ = 1;
}

void ProgramTally::dropped_until_now(std::uint32_t dropped)
{
    if (dropped > dropped_) untold_ += dropped - dropped_;
    dropped_ = std::max(dropped, dropped_);
}

// Once something had no place, nothing that comes after it is shown: the text is the beginning of what ran.
void ProgramTally::write_last()
{
    if (last_times_ == 0) return;
    auto text = shown_.empty() ? std::string() : std::string("; ");
    text += last_.path;
    if (!last_.words.empty()) text += " " + last_.words;
    if (last_times_ > 1) text += std::format(" ×{}", last_times_);
    if (not_shown_ == 0 && shown_.size() + text.size() <= kShownBytesMax)
        shown_ += text;
    else
        not_shown_ += last_times_;
    last_times_ = 0;
}

proto::ExecProgramsRun ProgramTally::take()
{
    write_last();
    if (not_shown_ != 0) shown_ += std::format(" … and {} more", not_shown_);
    proto::ExecProgramsRun told{count_, untold_, shown_};
    count_ = untold_ = not_shown_ = 0;
    shown_.clear();
    return told;
}

}  // namespace ocu::sandbox
