// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/state_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include "appliance/init/ground.h"
#include "appliance/init/trust.h"
#include "appliance/manifest/files.h"
#include "appliance/manifest/manifest.h"

namespace ocu::init {

namespace {

constexpr std::size_t kSerialBytesMax = 128;

std::string in_state(std::string const& name) { return std::string(kStateDirectory) + "/" + name; }

std::span<std::byte const> bytes_of(std::string const& text) { return std::as_bytes(std::span(text)); }

}  // namespace

Result<void> make_state_directories()
{
    for (auto const* const each : {"state", "manifests"})
        if (::mkdir(in_state(each).c_str(), 0700) != 0 && errno != EEXIST) return fail_os("make a directory");
    return {};
}

std::string trusted_key_file() { return ::access(kBuiltInKeyFile, F_OK) == 0 ? kBuiltInKeyFile : in_state(manifest::kTrustFile); }

Result<TrustedKey> find_trusted_key()
{
    auto const path = trusted_key_file();
    auto const text = manifest::read_file(path, manifest::kKeyFileBytesMax);
    if (!text && text.error().fault == Fault::not_found) return TrustedKey{};
    if (!text) return std::unexpected(text.error());
    return TrustedKey{OCU_TRY(manifest::parse_public_key(*text)), path == kBuiltInKeyFile};
}

Result<void> keep_trusted_key(std::string const& public_key)
{
    return manifest::write_file(in_state(manifest::kTrustFile), bytes_of(public_key), 0644, manifest::Replace::no);
}

std::string manifest_file(std::string const& digest) { return in_state("manifests/" + digest + ".json"); }

Result<void> keep_manifest(Candidate const& candidate, std::string const& digest)
{
    auto const path = manifest_file(digest);
    OCU_CHECK(manifest::write_file(path, bytes_of(candidate.manifest), 0600, manifest::Replace::yes));
    return manifest::write_file(path + ".minisig", bytes_of(candidate.signature), 0600, manifest::Replace::yes);
}

manifest::Admission<std::string> remembered_serial()
{
    auto text = manifest::read_file(in_state(manifest::kSerialFile), kSerialBytesMax);
    if (!text && text.error().fault == Fault::not_found) return std::string();
    if (!text) return manifest::refuse("serial", text.error());
    if (text->empty()) return manifest::refuse("serial", "the file with the last applied serial is damaged");
    return std::move(*text);
}

}  // namespace ocu::init
