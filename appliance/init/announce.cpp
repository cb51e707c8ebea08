// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/announce.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/unique_fd.h"

namespace ocu::init {

namespace {

constexpr std::size_t kTextBytesMax = 390;

void write_to(std::string const& device, std::string_view line)
{
    // A serial line whose other end says "stop" must not stop the machine.
    UniqueFd const out(::open(("/dev/" + device).c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (out) [[maybe_unused]]
        auto const written = ::write(out.get(), line.data(), line.size());
}

}  // namespace

std::string line_of(std::string_view text)
{
    std::string line = "ocu: ";
    for (char const c : text.substr(0, kTextBytesMax)) line += c >= 0x20 && c < 0x7f ? c : '?';
    return line + "\n";
}

std::string in_words(std::string_view what, Error const& error)
{
    std::string text = std::string(what) + ": " + std::string(error.what.view());
    if (error.os_errno != 0) text += std::string(" (") + ::strerrordesc_np(error.os_errno) + ")";
    return text;
}

void Announcer::say(std::string_view text) const
{
    auto const line = line_of(text);
    if (consoles_.empty()) return write_to("console", line);
    for (auto const& each : consoles_) write_to(each, line);
}

void Announcer::say(std::string_view what, Error const& error) const { say(in_words(what, error)); }

}  // namespace ocu::init
