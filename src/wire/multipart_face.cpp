// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/multipart_face.h"

#include <algorithm>
#include <optional>

namespace ocu::wire {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool begins_with(std::string_view text, std::string_view start)
{
    return text.size() >= start.size() && std::ranges::equal(text.substr(0, start.size()), start, {}, lower, lower);
}

// A browser writes '"' in a name as %22, and CR and LF as %0D and %0A; nothing else is encoded.
std::string unescaped(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 3) == "%22") {
            out += '"';
            i += 2;
        } else if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) {
            out += text[++i];
        } else {
            out += text[i];
        }
    }
    return out;
}

// The value of `key="…"`; `key` begins a parameter, it is not the end of another one's name.
std::optional<std::string> parameter(std::string_view line, std::string_view key)
{
    std::string const wanted = std::string(key) + "=\"";
    for (auto at = line.find(';'); at != line.npos;) {
        auto rest = line.substr(at + 1);
        while (rest.starts_with(' ')) rest.remove_prefix(1);
        bool const found = begins_with(rest, wanted);
        auto const open = rest.find('"');
        if (open == rest.npos) return std::nullopt;
        auto close = open + 1;
        while (close < rest.size() && rest[close] != '"') close += rest[close] == '\\' && close + 1 < rest.size() ? 2 : 1;
        if (close >= rest.size()) return std::nullopt;
        if (found) return unescaped(rest.substr(open + 1, close - open - 1));
        auto const next = rest.find(';', close);
        if (next == rest.npos) return std::nullopt;
        at = static_cast<std::size_t>(rest.data() - line.data()) + next;
    }
    return std::nullopt;
}

}  // namespace

std::string multipart_boundary(std::string_view content_type)
{
    constexpr std::string_view kKey = "boundary=";
    auto const at = content_type.find(kKey);
    if (at == content_type.npos) return {};
    auto value = content_type.substr(at + kKey.size());
    if (value.starts_with('"')) {
        value.remove_prefix(1);
        value = value.substr(0, value.find('"'));
    } else {
        value = value.substr(0, value.find(';'));
    }
    bool const good = !value.empty() && value.size() <= kBoundaryBytesMax &&
                      std::ranges::all_of(value, [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
    return good ? std::string(value) : std::string();
}

Multipart::Said Multipart::bad()
{
    state_ = State::bad;
    return Said::malformed;
}

Multipart::Said Multipart::take_head()
{
    constexpr std::string_view kEnd = "\r\n\r\n";
    constexpr std::string_view kNoHead = "\r\n";
    bool const empty = names_ == Names::ignored && in_.starts_with(kNoHead);
    auto const end = empty ? 0 : in_.find(kEnd);
    if (end == std::string::npos) return in_.size() > kPartHeadBytesMax ? bad() : Said::need_more;
    if (end > kPartHeadBytesMax || ++parts_ > kPartsMax) return bad();
    if (names_ == Names::needed && !read_head(std::string_view(in_).substr(0, end))) return bad();
    in_.erase(0, end + (empty ? kNoHead : kEnd).size());
    state_ = State::body;
    return Said::part;
}

bool Multipart::read_head(std::string_view head)
{
    constexpr std::string_view kDisposition = "content-disposition: form-data";
    std::optional<std::string> name;
    filename_.clear();
    while (!head.empty()) {
        auto const line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(std::min(line.size() + 2, head.size()));
        if (!begins_with(line, kDisposition)) continue;
        if (name) return false;
        name = parameter(line, "name");
        filename_ = parameter(line, "filename").value_or("");
        if (!name) return false;
    }
    if (!name) return false;
    name_ = *std::move(name);
    return true;
}

Multipart::Said Multipart::take_body()
{
    auto const end = in_.find(delimiter_);
    if (end == 0) {
        in_.erase(0, delimiter_.size());
        state_ = State::boundary;
        return Said::part_ends;
    }
    // What may be the beginning of the boundary stays.
    auto const sure = end != std::string::npos ? end : in_.size() - std::min(in_.size(), delimiter_.size() - 1);
    if (sure == 0) return Said::need_more;
    data_.assign(in_, 0, sure);
    in_.erase(0, sure);
    return Said::data;
}

Multipart::Said Multipart::next()
{
    for (;;) {
        switch (state_) {
        case State::opening:
            if (in_.size() < delimiter_.size()) return std::string_view(delimiter_).starts_with(in_) ? Said::need_more : bad();
            if (!in_.starts_with(delimiter_)) return bad();
            in_.erase(0, delimiter_.size());
            state_ = State::boundary;
            break;
        case State::boundary:
            if (in_.size() < 2) return Said::need_more;
            if (in_.starts_with("--")) {
                state_ = State::ended;
                in_.clear();
                return Said::ended;
            }
            if (!in_.starts_with("\r\n")) return bad();
            in_.erase(0, 2);
            state_ = State::head;
            break;
        case State::head: return take_head();
        case State::body: return take_body();
        case State::ended: in_.clear(); return Said::ended;
        case State::bad: return Said::malformed;
        }
    }
}

}  // namespace ocu::wire
