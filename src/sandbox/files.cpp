// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace ocu::sandbox {

std::string read_text(std::string const& path, std::size_t bytes_max)
{
    UniqueFd const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    return file ? read_text(file.get(), bytes_max) : std::string();
}

std::string read_text(int file, std::size_t bytes_max)
{
    std::string text(bytes_max, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        ssize_t const got = ::read(file, text.data() + size, text.size() - size);
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

Result<void> write_existing(std::string const& path, std::string_view text)
{
    UniqueFd const file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return fail_os("open file for writing");
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return fail_os("write file");
    return {};
}

Result<void> write_new(std::string const& path, std::string_view text, unsigned mode)
{
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_os("replace file");
    UniqueFd const file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return fail_os("make file");
    while (!text.empty()) {
        ssize_t const written = ::write(file.get(), text.data(), text.size());
        if (written < 0) return fail_os("write file");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fchmod(file.get(), mode) != 0) return fail_os("set mode of file");
    return {};
}

Result<void> make_directory(std::string const& path, unsigned mode)
{
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail_os("make directory");
    if (::chmod(path.c_str(), mode) != 0) return fail_os("set mode of directory");
    return {};
}

std::string printable_tail(std::string const& path, std::size_t bytes_max)
{
    auto text = read_text(path, 1u << 20);
    if (text.size() > bytes_max) text.erase(0, text.size() - bytes_max);
    for (char& each : text)
        if (each < 0x20 || each > 0x7e) each = ' ';
    return text;
}

}  // namespace ocu::sandbox
