// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/cli.h"

#include <sys/stat.h>

#include <cstdio>
#include <format>
#include <optional>
#include <vector>

#include "appliance/commands.h"
#include "appliance/manifest/explain.h"
#include "appliance/manifest/files.h"
#include "appliance/manifest/manifest.h"
#include "appliance/manifest/minisign.h"
#include "appliance/manifest/schema.h"
#include "appliance/manifest/seal_command.h"
#include "base/sealed_face.h"

namespace ocu::manifest {

namespace {

enum Exit : int { done = 0, refused = 1, usage = 2 };

constexpr std::string_view kUsage =
    "usage: ocu-appliance manifest [--json] COMMAND\n"
    "  keygen --secret FILE --public FILE [--passphrase-file FILE]\n"
    "                                     make a key pair, in minisign's format\n"
    "  sign --secret FILE [--passphrase-file FILE] [--comment TEXT] MANIFEST\n"
    "                                     write MANIFEST.minisig; warns of what would be refused\n"
    "  verify --public FILE MANIFEST      check signature and content (--trust means the same)\n"
    "  explain [--public FILE] MANIFEST   say what it would open\n"
    "  schema                             print the JSON Schema\n"
    "  seal --to APPLIANCE.pub [FILE]     seal the secret in FILE (or standard input) to one appliance\n"
    "  seal --passphrase-file FILE [FILE] the same to a passphrase\n"
    "  unseal --passphrase-file FILE SEALED\n"
    "                                     print the secret that a passphrase seals\n";

struct Options {
    bool json = false;
    std::string key;
    std::string trust;
    std::string passphrase_file;
    std::string to;
    std::string comment;
    std::vector<std::string> words;
};

std::optional<Options> parse_options(std::span<char const* const> arguments)
{
    Options options;
    bool only_words = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string_view const word = arguments[i];
        if (only_words || !word.starts_with("--")) {
            options.words.emplace_back(word);
            continue;
        }
        if (word == "--") {
            only_words = true;
            continue;
        }
        if (word == "--help") {
            options.words.assign(1, "help");
            return options;
        }
        if (word == "--json") {
            options.json = true;
            continue;
        }
        std::string* const value = word == "--secret"                        ? &options.key
                                   : word == "--trust" || word == "--public" ? &options.trust
                                   : word == "--passphrase-file"             ? &options.passphrase_file
                                   : word == "--comment"                     ? &options.comment
                                   : word == "--to"                          ? &options.to
                                                                             : nullptr;
        if (value == nullptr || i + 1 == arguments.size()) return std::nullopt;
        *value = arguments[++i];
    }
    return options;
}

int say_usage()
{
    std::fputs(std::string(kUsage).c_str(), stderr);
    return Exit::usage;
}

int say(Options const& options, Refusal const& refusal)
{
    if (options.json) {
        wire::Json line = wire::Json::object();
        line.set("error", "manifest_refused").set("key", refusal.key).set("reason", refusal.reason);
        std::fprintf(stderr, "%s\n", line.print().c_str());
    } else {
        std::fprintf(stderr, "manifest refused: %s%s%s\n", refusal.key.c_str(), refusal.key.empty() ? "" : ": ", refusal.reason.c_str());
    }
    return Exit::refused;
}

int say(Options const& options, std::string const& path, Error const& error)
{
    std::string reason = printable(path) + ": " + std::string(error.what.view());
    if (error.os_errno != 0) reason += std::format(" (errno {})", error.os_errno);
    return say(options, Refusal{"", std::move(reason)});
}

int say_done(Options const& options, std::string const& text, wire::Json json)
{
    std::puts(options.json ? json.print().c_str() : text.c_str());
    return Exit::done;
}

// Without its line end, so that a file written by an editor works.
Result<Secret> read_passphrase(std::string const& path)
{
    constexpr std::size_t kPassphraseBytesMax = 1024;
    auto const all = OCU_TRY(read_secret_file(path, kPassphraseBytesMax));
    auto bytes = all.bytes();
    while (!bytes.empty() && (bytes.back() == std::byte{'\n'} || bytes.back() == std::byte{'\r'})) bytes = bytes.first(bytes.size() - 1);
    if (bytes.empty()) return fail(Fault::malformed, "the passphrase is empty");
    return Secret::copy_of(bytes);
}

int keygen(Options const& options)
{
    if (options.words.size() != 1 || options.key.empty() || options.trust.empty()) return say_usage();
    std::string const& secret_path = options.key;
    std::string const& public_path = options.trust;
    Secret passphrase;
    if (!options.passphrase_file.empty()) {
        auto read = read_passphrase(options.passphrase_file);
        if (!read) return say(options, options.passphrase_file, read.error());
        passphrase = std::move(*read);
    }
    auto const key = make_key();
    if (!key) return say(options, secret_path, key.error());
    auto const secret = write_secret_key(*key, &passphrase);
    if (!secret) return say(options, secret_path, secret.error());
    // A key is never overwritten: what it signed could not be renewed.
    if (auto const good = write_file(secret_path, secret->bytes(), 0600, Replace::no); !good)
        return say(options, secret_path, good.error());
    std::string const public_text = write_public_key(key->verify);
    if (auto const good = write_file(public_path, std::as_bytes(std::span(public_text)), 0644, Replace::no); !good)
        return say(options, public_path, good.error());
    wire::Json json = wire::Json::object();
    json.set("secret", secret_path).set("public", public_path);
    return say_done(options, std::format("wrote {} (keep it away from the appliance) and {}", secret_path, public_path), std::move(json));
}

int sign_manifest(Options const& options)
{
    if (options.words.size() != 2 || options.key.empty()) return say_usage();
    std::string const& path = options.words[1];
    auto const content = read_file(path, kManifestBytesMax);
    if (!content) return say(options, path, content.error());
    // Signed all the same: the one who holds the key decides, and another version of the appliance may take it.
    auto const applied = admit(*content);
    if (!applied) {
        auto const& why = applied.error();
        std::fprintf(
            stderr, "warning: this version refuses it: %s%s%s\n", why.key.c_str(), why.key.empty() ? "" : ": ", why.reason.c_str());
    }
    std::string const digest = crypto::to_hex(crypto::sha256(*content));
    std::string const serial = applied ? std::format(" serial {}", applied->serial) : "";
    Secret passphrase;
    if (!options.passphrase_file.empty()) {
        auto read = read_passphrase(options.passphrase_file);
        if (!read) return say(options, options.passphrase_file, read.error());
        passphrase = std::move(*read);
    }
    auto const key_text = read_secret_file(options.key, kKeyFileBytesMax);
    if (!key_text) return say(options, options.key, key_text.error());
    std::string_view const key_view(reinterpret_cast<char const*>(key_text->bytes().data()), key_text->bytes().size());
    auto const key = parse_secret_key(key_view, &passphrase);
    if (!key) return say(options, options.key, key.error());
    std::string const comment = options.comment.empty() ? std::format("ocu-manifest{} sha256 {}", serial, digest) : options.comment;
    auto const signature = sign(*key, *content, comment);
    if (!signature) return say(options, "--comment", signature.error());
    std::string const out = path + ".minisig";
    if (auto const good = write_file(out, std::as_bytes(std::span(*signature)), 0644, Replace::yes); !good)
        return say(options, out, good.error());
    wire::Json json = wire::Json::object();
    json.set("signature", out).set("digest", digest).set("admitted", applied.has_value());
    return say_done(options, std::format("wrote {}", out), std::move(json));
}

int verify_manifest(Options const& options)
{
    if (options.words.size() != 2 || options.trust.empty()) return say_usage();
    auto const content = read_verified(options.words[1], options.trust);
    if (!content) return say(options, content.error());
    auto const applied = admit(*content);
    if (!applied) return say(options, applied.error());
    wire::Json json = wire::Json::object();
    json.set("verified", true).set("serial", applied->serial).set("digest", applied->digest);
    return say_done(options, std::format("good: serial {}, sha256 {}", applied->serial, applied->digest), std::move(json));
}

int explain_manifest(Options const& options)
{
    if (options.words.size() != 2) return say_usage();
    std::string const& path = options.words[1];
    std::string content;
    if (options.trust.empty()) {
        auto read = read_file(path, kManifestBytesMax);
        if (!read) return say(options, path, read.error());
        content = std::move(*read);
    } else {
        auto read = read_verified(path, options.trust);
        if (!read) return say(options, read.error());
        content = std::move(*read);
    }
    auto const applied = admit(content);
    if (!applied) return say(options, applied.error());
    std::string text = explain(*applied);
    text += options.trust.empty() ? "\nThe signature was not checked (no --public)." : "\nThe signature is good.";
    wire::Json json = wire::Json::object();
    json.set("serial", applied->serial).set("digest", applied->digest).set("text", text).set("verified", !options.trust.empty());
    return say_done(options, text, std::move(json));
}

int seal(Options const& options)
{
    bool const to_appliance = !options.to.empty();
    if (options.words.size() > 2 || to_appliance != options.passphrase_file.empty()) return say_usage();
    std::string const path = options.words.size() == 2 ? options.words[1] : "-";
    auto const plain = read_plain(path);
    if (!plain) return say(options, path, plain.error());
    Secret passphrase;
    if (!to_appliance) {
        auto read = read_passphrase(options.passphrase_file);
        if (!read) return say(options, options.passphrase_file, read.error());
        passphrase = std::move(*read);
    }
    auto const text = to_appliance ? seal_for_appliance(options.to, *plain) : sealed::seal_to_passphrase(passphrase, plain->bytes());
    if (!text) return say(options, to_appliance ? options.to : path, text.error());
    wire::Json json = wire::Json::object();
    json.set("sealed", *text);
    return say_done(options, *text, std::move(json));
}

int unseal(Options const& options)
{
    if (options.words.size() != 2 || options.passphrase_file.empty()) return say_usage();
    std::string const& path = options.words[1];
    auto const passphrase = read_passphrase(options.passphrase_file);
    if (!passphrase) return say(options, options.passphrase_file, passphrase.error());
    auto text = read_file(path, sealed::kTextBytesMax);
    if (!text) return say(options, path, text.error());
    while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
    auto const box = sealed::parse(*text);
    if (!box) return say(options, path, box.error());
    auto const plain = sealed::open_with_passphrase(*box, *passphrase);
    if (!plain) return say(options, path, plain.error());
    std::fwrite(plain->bytes().data(), 1, plain->bytes().size(), stdout);
    return Exit::done;
}

}  // namespace

int command_main(std::span<char const* const> arguments)
{
    auto const options = parse_options(arguments);
    if (!options || options->words.empty()) return say_usage();
    std::string const& command = options->words.front();
    if (command == "help") {
        std::fputs(std::string(kUsage).c_str(), stdout);
        return Exit::done;
    }
    if (command == "keygen") return keygen(*options);
    if (command == "sign") return sign_manifest(*options);
    if (command == "verify") return verify_manifest(*options);
    if (command == "explain") return explain_manifest(*options);
    if (command == "seal") return seal(*options);
    if (command == "unseal") return unseal(*options);
    if (command == "schema" && options->words.size() == 1) {
        std::fputs(std::string(schema_text()).c_str(), stdout);
        return Exit::done;
    }
    return say_usage();
}

}  // namespace ocu::manifest

int ocu::appliance::manifest_main(int argc, char** argv)
{
    return manifest::command_main(std::span<char const* const>(argv + 1, static_cast<std::size_t>(argc - 1)));
}
