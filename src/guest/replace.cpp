// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/replace.h"

#include <algorithm>
#include <cstring>

namespace ocu::guest {

namespace {

struct CodePoint {
    char32_t value = 0;
    std::size_t bytes = 0;  // 0: not UTF-8
};

CodePoint decode_one(std::string_view text)
{
    auto const byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned char const lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    std::size_t const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
    char32_t value = lead & (0xffu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        value = (value << 6) | (byte(i) & 0x3f);
    }
    constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < kLeast[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return {};
    return {value, size};
}

void append_unit(std::string& out, char32_t unit, bool big)
{
    char const low = static_cast<char>(unit & 0xff);
    char const high = static_cast<char>(unit >> 8);
    out += big ? high : low;
    out += big ? low : high;
}

void append_utf16(std::string& out, char32_t value, bool big)
{
    if (value < 0x10000) return append_unit(out, value, big);
    append_unit(out, 0xd800 + ((value - 0x10000) >> 10), big);
    append_unit(out, 0xdc00 + ((value - 0x10000) & 0x3ff), big);
}

// True when every line of it ends in CR LF.
bool is_crlf(std::string_view content, std::string_view carriage_return, std::string_view newline)
{
    std::string const both = std::string(carriage_return) + std::string(newline);
    bool any = false;
    std::size_t const step = newline.size();
    for (std::size_t at = content.find(newline); at != std::string_view::npos; at = content.find(newline, at + step)) {
        if (at % step != 0) continue;
        if (at < step || content.substr(at - step, 2 * step) != both) return false;
        any = true;
    }
    return any;
}

std::string with_crlf(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
        out += text[i];
    }
    return out;
}

}  // namespace

bool is_utf8(std::string_view text)
{
    while (!text.empty()) {
        auto const one = decode_one(text);
        if (one.bytes == 0) return false;
        text.remove_prefix(one.bytes);
    }
    return true;
}

Encoding encoding_of(std::string_view content)
{
    if (content.starts_with("\xff\xfe")) return Encoding::utf16_little;
    if (content.starts_with("\xfe\xff")) return Encoding::utf16_big;
    return is_utf8(content) ? Encoding::utf8 : Encoding::latin1;
}

bool to_encoding(Encoding encoding, std::string_view text, std::string& out)
{
    out.clear();
    if (encoding == Encoding::utf8) {
        out = text;
        return true;
    }
    while (!text.empty()) {
        auto const one = decode_one(text);
        if (one.bytes == 0) return false;
        text.remove_prefix(one.bytes);
        if (encoding == Encoding::latin1) {
            if (one.value > 0xff) return false;
            out += static_cast<char>(one.value);
        } else {
            append_utf16(out, one.value, encoding == Encoding::utf16_big);
        }
    }
    return true;
}

Replaced replace_once(std::string_view content, std::string_view old_text, std::string_view new_text)
{
    Encoding const encoding = encoding_of(content);
    std::string carriage_return, newline, old_bytes, new_bytes;
    to_encoding(encoding, "\r", carriage_return);
    to_encoding(encoding, "\n", newline);
    bool const crlf = is_crlf(content, carriage_return, newline);
    Replaced result;
    // A file of mixed encodings is taken byte by byte where the old text itself can only be meant so.
    if (!to_encoding(encoding, crlf ? with_crlf(old_text) : old_text, old_bytes)) return result;
    result.representable = to_encoding(encoding, crlf ? with_crlf(new_text) : new_text, new_bytes);
    if (old_bytes.empty()) return result;
    std::size_t const step = newline.size();
    std::size_t counted_to = 0;
    std::uint64_t line = 1;
    std::size_t first = std::string_view::npos;
    for (std::size_t at = 0; result.count < kCountMax; at += step) {
        auto const* const found =
            static_cast<char const*>(::memmem(content.data() + at, content.size() - at, old_bytes.data(), old_bytes.size()));
        if (found == nullptr) break;
        at = static_cast<std::size_t>(found - content.data());
        if (at % step != 0) {  // half a UTF-16 unit: not an occurrence
            at -= step - 1;
            continue;
        }
        if (first == std::string_view::npos) first = at;
        ++result.count;
        if (result.lines.size() == kLinesNamedMax) continue;
        for (; counted_to < at; counted_to += step) line += content.substr(counted_to, step) == newline ? 1 : 0;
        result.lines.push_back(line);
    }
    if (result.count != 1 || !result.representable) return result;
    result.content.reserve(content.size() + new_bytes.size());
    result.content.append(content.substr(0, first)).append(new_bytes).append(content.substr(first + old_bytes.size()));
    return result;
}

}  // namespace ocu::guest
