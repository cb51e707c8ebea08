// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace ocu::manifest {

namespace {

struct Opened {
    UniqueFd fd;
    std::size_t size;
};

Result<Opened> open_bounded(std::string const& path, std::size_t bytes_max)
{
    // Non-blocking, so that a pipe in the place of a file cannot stop the start.
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) {
        if (errno == ENOENT) return fail(Fault::not_found, "there is no such file");
        return fail_os("the file cannot be opened");
    }
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) return fail_os("the file cannot be examined");
    if (!S_ISREG(status.st_mode)) return fail(Fault::denied, "not a regular file");
    if (static_cast<std::size_t>(status.st_size) > bytes_max) return fail(Fault::over_limit, "the file is too large");
    return Opened{std::move(fd), static_cast<std::size_t>(status.st_size)};
}

Result<std::size_t> read_into(int fd, std::span<std::byte> out)
{
    std::size_t done = 0;
    while (done < out.size()) {
        ssize_t const got = ::read(fd, out.data() + done, out.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_os("the file cannot be read");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

Result<void> write_all(int fd, std::span<std::byte const> bytes)
{
    while (!bytes.empty()) {
        ssize_t const put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return fail_os("the file cannot be written");
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
}

Result<void> sync_directory_of(std::string const& path)
{
    std::size_t const slash = path.rfind('/');
    std::string const directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return fail_os("the directory cannot be synced");
    return {};
}

}  // namespace

Result<std::string> read_file(std::string const& path, std::size_t bytes_max)
{
    auto const opened = OCU_TRY(open_bounded(path, bytes_max));
    std::string text(opened.size, '\0');
    text.resize(OCU_TRY(read_into(opened.fd.get(), std::as_writable_bytes(std::span(text)))));
    return text;
}

Result<Secret> read_secret_file(std::string const& path, std::size_t bytes_max)
{
    auto const opened = OCU_TRY(open_bounded(path, bytes_max));
    if (opened.size == 0) return fail(Fault::malformed, "the file is empty");
    auto secret = OCU_TRY(Secret::make(opened.size));
    if (OCU_TRY(read_into(opened.fd.get(), secret.bytes())) != opened.size)
        return fail(Fault::malformed, "the file changed while it was read");
    return secret;
}

Result<void> write_file(std::string const& path, std::span<std::byte const> bytes, unsigned mode, Replace replace)
{
    std::string const beside = path + ".new";
    (void)::unlink(beside.c_str());
    UniqueFd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd) return fail_os("the file cannot be created");
    auto written = write_all(fd.get(), bytes);
    if (written && (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0)) written = fail_os("the file cannot be synced");
    if (!written) {
        (void)::unlink(beside.c_str());
        return written;
    }
    if (replace == Replace::yes) {
        if (::rename(beside.c_str(), path.c_str()) != 0) return fail_os("the file cannot be put in place");
    } else if (::renameat2(AT_FDCWD, beside.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
        int const why = errno;
        (void)::unlink(beside.c_str());
        if (why == EEXIST) return fail(Fault::conflict, "there is such a file already");
        errno = why;
        return fail_os("the file cannot be put in place");
    }
    return sync_directory_of(path);
}

}  // namespace ocu::manifest
