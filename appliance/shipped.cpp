// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/shipped.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto/crypto.h"

namespace ocu::appliance {

namespace {

constexpr std::size_t kReadAtOnce = 1u << 20;

// SHA-256 of all of it, hex; empty when it cannot be read.
std::string hash_of(int file)
{
    crypto::Sha256 hash;
    std::vector<std::byte> buffer(kReadAtOnce);
    for (off_t at = 0;;) {
        ssize_t const got = ::pread(file, buffer.data(), buffer.size(), at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return {};
        if (got == 0) return crypto::to_hex(hash.finish());
        hash.update(std::span(buffer).first(static_cast<std::size_t>(got)));
        at += got;
    }
}

}  // namespace

manifest::Admission<std::vector<UniqueFd>> open_shipped(std::string const& directory, std::vector<manifest::ShippedDirectory> const& wanted)
{
    std::vector<UniqueFd> out;
    for (auto const& each : wanted) {
        auto const key = "sandbox.mounts[" + std::to_string(out.size()) + "]";
        auto const path = directory + "/" + each.name + ".erofs";
        UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a named pipe is not waited for
        struct stat what{};
        if (!file || ::fstat(file.get(), &what) != 0 || !S_ISREG(what.st_mode))
            return manifest::refuse(key + ".name", "there is no readable file " + path);
        if (hash_of(file.get()) != each.sha256) return manifest::refuse(key + ".sha256", path + " is another file than the one named");
        out.push_back(std::move(file));
    }
    return out;
}

std::string shipped_in_words(std::vector<manifest::ShippedDirectory> const& shipped)
{
    std::string out;
    for (auto const& each : shipped) out += "- /mnt/ocu/" + each.name + " was put here by the operator of this machine. It is read-only.\n";
    return out;
}

}  // namespace ocu::appliance
