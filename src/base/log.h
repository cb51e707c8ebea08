// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Lines for the operator on stderr: time, level, who, what. Not the record: that is audit's. Text comes from literals, numbers and
// enumerator names only, so nothing that a peer sent can forge a line or leak through one.

#include <string_view>

#include "base/result.h"

namespace ocu::log {

enum class Level { info, warning, error };

// The name that every line of this process carries ("core", "helper custody"). Set once, before any thread exists.
void set_process_name(std::string_view name);

void line(Level level, Literal what, std::string_view detail = {});
void failure(Literal what, Error const& error);
inline void info(Literal what, std::string_view detail = {}) { line(Level::info, what, detail); }
inline void warning(Literal what, std::string_view detail = {}) { line(Level::warning, what, detail); }
inline void error(Literal what, std::string_view detail = {}) { line(Level::error, what, detail); }

}  // namespace ocu::log
