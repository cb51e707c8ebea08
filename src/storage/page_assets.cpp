// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/page_assets.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ranges>

extern "C" char const ocu_page_begin[];
extern "C" char const ocu_page_end[];

namespace ocu::storage {

namespace {

constexpr std::string_view kMagic = "ocu-page/1 ";
constexpr std::size_t kUnpackedBytesMax = 8u << 20;

std::string_view take(std::string_view& from, char end)
{
    auto const at = from.find(end);
    auto const taken = from.substr(0, at);
    from.remove_prefix(at == std::string_view::npos ? from.size() : at + 1);
    return taken;
}

std::optional<std::size_t> number(std::string_view text)
{
    std::size_t value = 0;
    auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

struct Pack {
    std::string_view head;
    std::string_view bodies;
};

std::optional<Pack> open_pack(std::string_view pack)
{
    if (!pack.starts_with(kMagic)) return {};
    pack.remove_prefix(kMagic.size());
    auto const size = number(take(pack, '\n'));
    if (!size || *size > pack.size()) return {};
    return Pack{pack.substr(0, *size), pack.substr(*size)};
}

struct File {
    std::string_view type, policy, cache, etag, packed;
    std::size_t size = 0;
};

std::optional<File> find_file(Pack const& pack, std::string_view path)
{
    for (auto head = pack.head; !head.empty();) {
        auto line = take(head, '\n');
        if (take(line, '\t') != "file" || take(line, '\t') != path) continue;
        File file{.type = take(line, '\t'), .policy = take(line, '\t'), .cache = take(line, '\t'), .etag = take(line, '\t'), .packed = {}};
        auto const offset = number(take(line, '\t'));
        auto const packed = number(take(line, '\t'));
        auto const size = number(line);
        if (!offset || !packed || !size || *offset > pack.bodies.size() || *packed > pack.bodies.size() - *offset ||
            *size > kUnpackedBytesMax)
            return {};
        file.packed = pack.bodies.substr(*offset, *packed);
        file.size = *size;
        return file;
    }
    return {};
}

// A policy names hosts by name. Of addresses it matches 127.0.0.1 alone; for the others `'self'` must do.
bool policy_can_name(std::string_view host)
{
    auto const name = host.substr(0, host.find(':'));
    bool const clean = std::ranges::all_of(host, [](char each) {
        return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') || (each >= '0' && each <= '9') || each == '.' || each == '-' ||
               each == ':';
    });
    bool const address = name.find_first_not_of("0123456789.") == std::string_view::npos;
    return clean && !name.empty() && (!address || name == "127.0.0.1");
}

// Whatever the manifest's admission lets through, a list of origins cannot become another directive here.
bool is_origin(std::string_view text)
{
    return (text.starts_with("https://") || text.starts_with("http://")) &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:/*[]") == std::string_view::npos;
}

void replace_all(std::string& text, std::string_view word, std::string_view with)
{
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + with.size())) text.replace(at, word.size(), with);
}

void add_headers(
    wire::HttpResponse& response, Pack const& pack, std::string_view policy, std::string_view host, std::span<std::string const> ancestors)
{
    // The closed frame lies in the page, which may lie in a host page: all of them must be permitted.
    std::string embedding = "'self'";
    for (auto const& each : ancestors | std::views::filter(is_origin)) embedding += " " + each;
    bool const named = policy_can_name(host);
    auto const place = [&](std::string_view path) { return named ? std::string(host).append(path) : std::string("'self'"); };
    std::array<std::pair<std::string_view, std::string>, 4> const places{
        {{"{assets}", place("/assets/")}, {"{frame}", place("/frame")}, {"{api}", place("/v1/")}, {"{ancestors}", embedding}}};
    for (auto head = pack.head; !head.empty();) {
        auto line = take(head, '\n');
        if (take(line, '\t') != "header" || take(line, '\t') != policy) continue;
        auto const name = take(line, '\t');
        std::string value(line);
        for (auto const& [word, with] : places) replace_all(value, word, with);
        response.headers.push_back({std::string(name), std::move(value)});
    }
}

bool accepts_gzip(std::string_view accepted)
{
    while (!accepted.empty()) {
        auto each = take(accepted, ',');
        auto coding = take(each, ';');
        coding.remove_prefix(std::min(coding.find_first_not_of(' '), coding.size()));
        if (coding.substr(0, coding.find(' ')) != "gzip") continue;
        auto const quality = each.find("q=0");
        return quality == std::string_view::npos || each.find_first_of("123456789", quality) != std::string_view::npos;
    }
    return false;
}

std::optional<std::string> unpacked(File const& file)
{
    std::string out(file.size, '\0');
    z_stream stream{};
    if (::inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return {};
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(file.packed.data()));  // the library only reads it
    stream.avail_in = static_cast<uInt>(file.packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    bool const whole = ::inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0;
    ::inflateEnd(&stream);
    if (!whole) return {};
    return out;
}

}  // namespace

std::string_view page_pack() { return {ocu_page_begin, static_cast<std::size_t>(ocu_page_end - ocu_page_begin)}; }

std::optional<wire::HttpResponse> page_asset_from(
    std::string_view bytes, wire::HttpRequest const& request, std::span<std::string const> ancestors)
{
    if (request.method != "GET" && request.method != "HEAD") return {};
    auto const pack = open_pack(bytes);
    if (!pack) return {};
    auto const file = find_file(*pack, request.path());
    if (!file) return {};
    wire::HttpResponse response;
    // Weak: packed and unpacked are the same file.
    std::string const etag = "W/" + std::string(file->etag);
    response.headers = {{"ETag", etag}, {"Vary", "Accept-Encoding"},
        {"Cache-Control", file->cache == "immutable" ? "public, max-age=31536000, immutable" : "no-cache"}};
    add_headers(response, *pack, file->policy, request.header("Host"), ancestors);
    if (request.header("If-None-Match").contains(file->etag)) {
        response.status = 304;
        return response;
    }
    response.headers.push_back({"Content-Type", std::string(file->type)});
    if (accepts_gzip(request.header("Accept-Encoding"))) {
        response.headers.push_back({"Content-Encoding", "gzip"});
        response.body = file->packed;
        return response;
    }
    auto body = unpacked(*file);
    if (!body) return {};
    response.body = std::move(*body);
    return response;
}

std::optional<wire::HttpResponse> page_asset(wire::HttpRequest const& request, std::span<std::string const> ancestors)
{
    return page_asset_from(page_pack(), request, ancestors);
}

}  // namespace ocu::storage
