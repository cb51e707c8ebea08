// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/seal_command.h"

#include <unistd.h>

#include "appliance/manifest/files.h"
#include "base/sealed_face.h"

namespace ocu::manifest {

namespace {

Result<Secret> read_standard_input()
{
    auto bytes = OCU_TRY(Secret::make(sealed::kPlainBytesMax + 1));  // one more, to see what is too long
    std::size_t size = 0;
    while (size < bytes.bytes().size()) {
        ssize_t const got = ::read(STDIN_FILENO, bytes.bytes().data() + size, bytes.bytes().size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_os("read standard input");
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size == 0 || size > sealed::kPlainBytesMax) return fail(Fault::over_limit, "a secret is 1 to 8192 bytes long");
    bytes.shorten(size);
    return bytes;
}

}  // namespace

Result<Secret> read_plain(std::string const& path)
{
    if (path.empty() || path == "-") return read_standard_input();
    return read_secret_file(path, sealed::kPlainBytesMax);
}

Result<std::string> seal_for_appliance(std::string const& recipient, Secret const& plain)
{
    auto const key = OCU_TRY(sealed::parse_key(OCU_TRY(read_file(recipient, sealed::kKeyTextBytesMax))));
    return sealed::seal_to_appliance(key, plain.bytes());
}

}  // namespace ocu::manifest
