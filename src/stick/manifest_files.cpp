// SPDX-License-Identifier: GPL-3.0-or-later
#include "stick/manifest_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <expected>

#include "stick/beneath.h"

namespace ocu::stick {

namespace {

using proto::StickRefusal;
using Content = std::expected<std::string, StickRefusal>;

// The size that a file claims is refused early and believed never: it is read up to its limit and one byte more.
Content read_whole(int file, std::size_t bytes_max)
{
    struct stat status{};
    // A directory, a pipe, a device: none of them is a manifest, and some would never end.
    if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return std::unexpected(StickRefusal::unreadable);
    if (status.st_size < 0 || static_cast<std::uint64_t>(status.st_size) > bytes_max) return std::unexpected(StickRefusal::too_large);
    std::string content(static_cast<std::size_t>(status.st_size) + 1, '\0');
    std::size_t filled = 0;
    for (;;) {
        ssize_t const got = ::read(file, content.data() + filled, content.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(StickRefusal::unreadable);
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
        if (filled > bytes_max) return std::unexpected(StickRefusal::too_large);
        if (filled == content.size()) content.resize(std::min(content.size() * 2, bytes_max + 1));
    }
    content.resize(filled);
    return content;
}

// `absent`: what it means that there is no such file.
Content read_named(int root, char const* name, std::size_t bytes_max, Content absent)
{
    auto const file = open_beneath(root, name, O_RDONLY);
    if (!file) return errno == ENOENT ? absent : std::unexpected(StickRefusal::unreadable);
    return read_whole(file.get(), bytes_max);
}

}  // namespace

std::variant<proto::StickFiles, StickRefusal> read_manifest_files(int root)
{
    auto manifest = read_named(root, "manifest.json", proto::kManifestFileBytesMax, std::unexpected(StickRefusal::no_manifest));
    if (!manifest) return manifest.error();
    auto signature = read_named(root, "manifest.json.minisig", proto::kSignatureFileBytesMax, std::unexpected(StickRefusal::no_signature));
    if (!signature) return signature.error();
    auto key = read_named(root, "manifest.pub", proto::kPublicKeyFileBytesMax, std::string());
    if (!key) return key.error();
    return proto::StickFiles{*std::move(manifest), *std::move(signature), *std::move(key)};
}

}  // namespace ocu::stick
