// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// view, create_file and str_replace, as 03-interfaces describes them. Runs in a child that is the guest's user already; memory and reads
// are bounded whatever the file is (T-06).

#include <string>

#include "proto/exec_to_guest.h"

namespace ocu::guest {

struct FileAnswer {
    proto::FileOutcome outcome;
    std::string body;
};

FileAnswer run_file_tool(proto::ToolArguments const& arguments);

FileAnswer view(proto::ToolArguments const& arguments);
FileAnswer create_file(std::string const& path, std::string_view text);
FileAnswer str_replace(std::string const& path, std::string_view old_text, std::string_view new_text);

inline FileAnswer refused(std::string body) { return {proto::FileOutcome::refused, std::move(body)}; }
// "PATH: what; the system's reason".
FileAnswer refused_by_system(std::string_view path, std::string_view what);

}  // namespace ocu::guest
