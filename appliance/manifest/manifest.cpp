// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/manifest.h"

#include <charconv>

#include "appliance/manifest/files.h"
#include "appliance/manifest/minisign.h"
#include "appliance/manifest/schema.h"

namespace ocu::manifest {

namespace {

constexpr std::size_t kSerialBytesMax = 128;

// With the path, which is the operator's own.
std::unexpected<Refusal> refuse_file(std::string const& path, Error const& error)
{
    return refuse("", printable(path) + ": " + std::string(error.what.view()));
}

}  // namespace

Admission<std::string> read_verified(std::string const& path, std::string const& trust_key_path)
{
    auto const key_text = read_file(trust_key_path, kKeyFileBytesMax);
    if (!key_text) return refuse_file(trust_key_path, key_text.error());
    auto const key = parse_public_key(*key_text);
    if (!key) return refuse_file(trust_key_path, key.error());
    auto content = read_file(path, kManifestBytesMax);
    if (!content) return refuse_file(path, content.error());
    std::string const signature_path = path + ".minisig";
    auto const signature_text = read_file(signature_path, kMinisigBytesMax);
    if (!signature_text) {
        if (signature_text.error().fault == Fault::not_found)
            return refuse("", "the manifest has no signature: " + printable(signature_path) + " is missing");
        return refuse_file(signature_path, signature_text.error());
    }
    auto const signature = parse_minisig(*signature_text);
    if (!signature) return refuse_file(signature_path, signature.error());
    if (auto const good = verify(*key, *content, *signature); !good) return refuse_file(path, good.error());
    return std::move(*content);
}

// One line: serial, blank, digest.
Admission<void> check_serial(std::string_view remembered, std::int64_t serial, std::string_view digest)
{
    if (remembered.empty()) return {};
    std::int64_t last = 0;
    auto const [end, error] = std::from_chars(remembered.data(), remembered.data() + remembered.size(), last);
    std::string_view rest(end, static_cast<std::size_t>(remembered.data() + remembered.size() - end));
    constexpr std::size_t kDigestSize = 64;
    if (error != std::errc{} || rest.size() != kDigestSize + 2 || rest.front() != ' ' || rest.back() != '\n')
        return refuse("serial", "the file with the last applied serial is damaged");
    std::string_view const last_digest = rest.substr(1, kDigestSize);
    if (serial < last) return refuse("serial", "must not fall: " + std::to_string(last) + " was applied before");
    if (serial == last && digest != last_digest)
        return refuse("serial", "must rise: " + std::to_string(last) + " was applied with other content");
    return {};
}

Admission<Applied> load_manifest(
    std::string const& path, std::string const& trust_key_path, std::string const& state_dir, Defaults const& defaults)
{
    auto const content = read_verified(path, trust_key_path.empty() ? state_dir + "/" + kTrustFile : trust_key_path);
    if (!content) return std::unexpected(content.error());
    auto applied = admit(*content, defaults);
    if (!applied) return applied;
    std::string const serial_path = state_dir + "/" + kSerialFile;
    auto remembered = read_file(serial_path, kSerialBytesMax);
    if (!remembered && remembered.error().fault != Fault::not_found) return refuse_file(serial_path, remembered.error());
    // An empty file is a damaged one, not a first start.
    if (remembered && remembered->empty()) return refuse("serial", "the file with the last applied serial is damaged");
    if (auto verdict = check_serial(remembered ? *remembered : std::string(), applied->serial, applied->digest); !verdict)
        return std::unexpected(verdict.error());
    return applied;
}

Result<void> remember_serial(std::string const& state_dir, Applied const& applied)
{
    std::string const line = std::to_string(applied.serial) + " " + applied.digest + "\n";
    return write_file(state_dir + "/" + kSerialFile, std::as_bytes(std::span(line)), 0600, Replace::yes);
}

}  // namespace ocu::manifest
