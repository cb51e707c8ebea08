// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/roots.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/log.h"

namespace ocu::appliance {

namespace {

constexpr char kPublicRoots[] = "/etc/ssl/certs/ca-certificates.crt";

Result<std::string> read_public_roots()
{
    UniqueFd const file(::open(kPublicRoots, O_RDONLY | O_CLOEXEC));
    if (!file) {
        if (errno != ENOENT) return fail_os("open the public roots");
        log::warning("this machine has no public roots");
        return std::string();
    }
    std::string text(kPublicRootsBytesMax + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        ssize_t const got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0) return fail_os("read the public roots");
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > kPublicRootsBytesMax) return fail(Fault::over_limit, "too many public roots");
    text.resize(size);
    return text;
}

}  // namespace

Result<UniqueFd> make_roots(std::string_view extra_pem)
{
    std::string text = OCU_TRY(read_public_roots());
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    text += extra_pem;
    return make_only_root(text);
}

Result<UniqueFd> make_only_root(std::string_view text)
{
    UniqueFd const writable(::memfd_create("roots", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!writable) return fail_os("make a file of roots");
    for (std::size_t done = 0; done < text.size();) {
        ssize_t const put = ::write(writable.get(), text.data() + done, text.size() - done);
        if (put < 0) return fail_os("write the roots");
        done += static_cast<std::size_t>(put);
    }
    if (::fcntl(writable.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) return fail_os("seal the roots");
    UniqueFd readable(::open(("/proc/self/fd/" + std::to_string(writable.get())).c_str(), O_RDONLY | O_CLOEXEC));
    if (!readable) return fail_os("open the roots for reading");
    return readable;
}

}  // namespace ocu::appliance
