// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/command_line.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <format>

#include "base/unique_fd.h"

namespace ocu::init {

namespace {

constexpr std::uint64_t kBlocksMax = 1ull << 32;  // 16 TiB
constexpr std::size_t kRootHashDigits = 64;
constexpr std::size_t kSaltDigitsMax = 128;
constexpr std::size_t kVariantBytesMax = 16;
constexpr std::string_view kRoot = "ocu.root=";
constexpr std::string_view kGuest = "ocu.guest.";
constexpr std::string_view kConsole = "console=";

bool is_hex(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_plain(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

std::string_view take_until(std::string_view& text, char separator)
{
    auto const end = text.find(separator);
    auto const part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
}

Result<VerityImage> parse_image(std::string_view text)
{
    VerityImage image;
    auto const blocks = take_until(text, ',');
    auto const root_hash = take_until(text, ',');
    auto const [end, error] = std::from_chars(blocks.data(), blocks.data() + blocks.size(), image.blocks);
    if (error != std::errc{} || end != blocks.data() + blocks.size() || image.blocks == 0 || image.blocks > kBlocksMax)
        return fail(Fault::malformed, "command line: an image's number of blocks makes no sense");
    if (root_hash.size() != kRootHashDigits || !is_hex(root_hash))
        return fail(Fault::malformed, "command line: an image's root hash is not 64 hex digits");
    if (text.empty() || text.size() > kSaltDigitsMax || text.size() % 2 != 0 || !is_hex(text))
        return fail(Fault::malformed, "command line: an image's salt is not hex");
    image.root_hash = root_hash;
    image.salt = text;
    return image;
}

Result<void> take_word(CommandLine& line, std::string_view word)
{
    if (word.starts_with(kRoot)) {
        if (line.root) return fail(Fault::malformed, "command line: ocu.root is there twice");
        line.root = OCU_TRY(parse_image(word.substr(kRoot.size())));
    } else if (word.starts_with(kGuest)) {
        word.remove_prefix(kGuest.size());
        auto const variant = take_until(word, '=');
        if (variant.empty() || variant.size() > kVariantBytesMax || !is_plain(variant))
            return fail(Fault::malformed, "command line: a guest image has no proper name");
        if (!line.guests.emplace(variant, OCU_TRY(parse_image(word))).second)
            return fail(Fault::malformed, "command line: a guest image is there twice");
    } else if (word.starts_with(kConsole)) {
        word.remove_prefix(kConsole.size());
        auto const device = take_until(word, ',');
        if (!device.empty() && is_plain(device) && std::ranges::find(line.consoles, device) == line.consoles.end())
            line.consoles.emplace_back(device);
    }
    return {};
}

}  // namespace

Result<CommandLine> parse_command_line(std::string_view text)
{
    if (text.size() > kCommandLineBytesMax) return fail(Fault::over_limit, "command line: too long");
    CommandLine line;
    while (!text.empty()) {
        auto const end = text.find_first_of(" \n\t");
        OCU_CHECK(take_word(line, text.substr(0, end)));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return line;
}

Result<CommandLine> read_command_line()
{
    // /proc says that its files are empty; this one is small and read in one piece.
    UniqueFd const in(::open("/proc/cmdline", O_RDONLY | O_CLOEXEC));
    if (!in) return fail_os("open the command line");
    std::string text(kCommandLineBytesMax + 1, '\0');
    auto const got = ::read(in.get(), text.data(), text.size());
    if (got < 0) return fail_os("read the command line");
    text.resize(static_cast<std::size_t>(got));
    return parse_command_line(text);
}

std::string verity_table(std::string_view device, VerityImage const& image)
{
    return std::format("1 {} {} 4096 4096 {} {} sha256 {} {} 1 panic_on_corruption", device, device, image.blocks, image.blocks,
        image.root_hash, image.salt);
}

}  // namespace ocu::init
