// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/file_tool.h"

#include <cerrno>
#include <cstring>

namespace ocu::guest {

FileAnswer refused_by_system(std::string_view path, std::string_view what)
{
    char const* const reason = ::strerrordesc_np(errno);
    return refused(std::string(path) + ": " + std::string(what) + ": " + (reason != nullptr ? reason : "unknown error"));
}

FileAnswer run_file_tool(proto::ToolArguments const& arguments)
{
    std::string const& path = arguments.path.str();
    if (path.empty()) return refused("The path is empty.");
    if (path.find('\0') != std::string::npos) return refused("The path holds a NUL character.");
    switch (arguments.tool) {
    case proto::Tool::view: return view(arguments);
    case proto::Tool::create_file: return create_file(path, arguments.text.view());
    case proto::Tool::str_replace: return str_replace(path, arguments.text.view(), arguments.replacement.view());
    default: break;
    }
    return refused("Not a file tool.");
}

}  // namespace ocu::guest
