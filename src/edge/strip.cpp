// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/strip.h"

#include <algorithm>
#include <cstring>

#include "base/crypto/crypto.h"

namespace ocu::edge {

namespace {

constexpr std::size_t kPartBytesMin = 8;      // a password alone, or base64 out of context: shorter ones are found where nothing was
constexpr std::size_t kReleasedBytesMax = 4;

std::string base64(std::string_view text) { return crypto::to_base64({reinterpret_cast<std::uint8_t const*>(text.data()), text.size()}); }

std::string percent(std::string_view text, std::string_view digits)
{
    constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string out;
    for (char const c : text) {
        if (kUnreserved.contains(c)) {
            out += c;
            continue;
        }
        out += '%';
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 0xf];
    }
    return out;
}

std::string replaced(std::string_view text, std::initializer_list<std::pair<char, std::string_view>> by)
{
    std::string out;
    for (char const c : text) {
        auto const found = std::ranges::find(by, c, &std::pair<char, std::string_view>::first);
        if (found == by.end())
            out += c;
        else
            out += found->second;
    }
    return out;
}

void put_base64(std::vector<std::string>& out, std::string_view text)
{
    std::vector<std::string> found;
    auto const whole = base64(text);
    if (whole.ends_with('=')) {
        found.push_back(whole);
        found.push_back(whole.substr(0, whole.find('=')));
    }
    // Within something longer: of the characters at both ends only a part of the bits are the credential's.
    constexpr std::array<std::size_t, 3> kFirstWhole{0, 2, 3};
    for (std::size_t before = 0; before < kFirstWhole.size(); ++before) {
        auto const end = (before + text.size()) * 8 / 6;
        auto const shifted = base64(std::string(before, '\0') + std::string(text));
        if (end >= kFirstWhole[before] + kPartBytesMin) found.push_back(shifted.substr(kFirstWhole[before], end - kFirstWhole[before]));
    }
    for (auto const& each : found) {
        out.push_back(each);
        out.push_back(replaced(each, {{'+', "-"}, {'/', "_"}}));
        out.push_back(replaced(each, {{'+', "%2B"}, {'/', "%2F"}, {'=', "%3D"}}));
        out.push_back(replaced(each, {{'/', "\\/"}}));
    }
}

void put_forms(std::vector<std::string>& out, std::string_view text)
{
    out.emplace_back(text);
    out.push_back(percent(text, "0123456789ABCDEF"));
    out.push_back(percent(text, "0123456789abcdef"));
    out.push_back(replaced(out[out.size() - 2], {{'~', "%7E"}}));
    out.push_back(replaced(text, {{'"', "\\\""}, {'\\', "\\\\"}}));
    out.push_back(replaced(text, {{'"', "\\\""}, {'\\', "\\\\"}, {'/', "\\/"}}));
    out.push_back(replaced(text, {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}}));
    out.push_back(replaced(text, {{'&', "\\u0026"}, {'<', "\\u003c"}, {'>', "\\u003e"}, {'"', "\\\""}, {'\\', "\\\\"}}));
    put_base64(out, text);
}

}  // namespace

Result<std::shared_ptr<CredentialPatterns const>> CredentialPatterns::make(Secret const& credential)
{
    std::string_view const raw(reinterpret_cast<char const*>(credential.bytes().data()), credential.bytes().size());
    if (raw.empty()) return fail(Fault::malformed, "an empty credential");
    std::vector<std::string> forms;
    put_forms(forms, raw);
    auto const colon = raw.find(':');
    if (colon != std::string_view::npos && raw.size() - colon - 1 >= kPartBytesMin) put_forms(forms, raw.substr(colon + 1));
    std::ranges::sort(forms, [](auto const& a, auto const& b) { return a.size() != b.size() ? a.size() > b.size() : a < b; });
    auto const repeated = std::ranges::unique(forms);
    std::size_t size = 0;
    for (auto it = forms.begin(); it != repeated.begin(); ++it) size += it->size();

    std::shared_ptr<CredentialPatterns> out(new CredentialPatterns);
    out->memory_ = OCU_TRY(Secret::make(size));
    auto* at = reinterpret_cast<char*>(out->memory_.bytes().data());
    for (auto it = forms.begin(); it != repeated.begin(); ++it) {
        std::ranges::copy(*it, at);
        out->patterns_.emplace_back(at, it->size());
        out->first_[static_cast<unsigned char>(it->front())] = true;
        at += it->size();
    }
    out->shortest_ = out->patterns_.back().size();
    for (auto& each : forms) wipe(std::as_writable_bytes(std::span(each)));
    return out;
}

CredentialPatterns::Match CredentialPatterns::match(std::string_view text) const
{
    Match out;
    for (auto const pattern : patterns_) {
        if (text.size() < pattern.size()) {
            if (pattern.starts_with(text)) out.undecided = true;
        } else if (text.starts_with(pattern)) {
            out.size = pattern.size();
            break;  // the longest first
        }
    }
    return out;
}

bool CredentialPatterns::found_in(std::string_view text) const
{
    return std::ranges::any_of(patterns_, [&](std::string_view pattern) { return text.contains(pattern); });
}

std::string CredentialPatterns::redact(std::string_view text) const
{
    if (!found_in(text)) return std::string(text);
    std::string out;
    while (!text.empty()) {
        auto const found = match(text).size;
        if (found != 0)
            out.append(kRedacted);
        else
            out += text.front();
        text.remove_prefix(std::max<std::size_t>(found, 1));
    }
    return out;
}

void Strip::feed(std::string_view in, bool last, std::string& out)
{
    held_.append(in);
    std::string_view const text = held_;
    std::size_t at = 0;
    while (at < text.size()) {
        auto next = at;
        while (next < text.size() && !patterns_->begins_one(text[next])) ++next;
        if (next != at) {
            auto const seen = std::max(at, std::min(next, released_));
            out.append(text.substr(seen, next - seen));
            at = next;
            continue;
        }
        auto const found = patterns_->match(text.substr(at));
        if (found.undecided && !last) break;
        if (found.size == 0) {
            if (at >= released_) out += text[at];
            ++at;
        } else {
            if (mode_ == Mode::text)
                out.append(kRedacted);
            else
                out.append(found.size - std::min(found.size, released_ > at ? released_ - at : 0), '*');
            at += found.size;
        }
    }
    released_ = released_ > at ? released_ - at : 0;
    held_.erase(0, at);
}

void Strip::release(std::string& out)
{
    auto const most = std::min(kReleasedBytesMax, patterns_->shortest() / 4);
    if (held_.size() > most) return;
    out.append(held_, released_);
    released_ = held_.size();
}

Strip::Mode strip_mode(std::string_view content_type)
{
    auto const type = wire::lower_case(content_type.substr(0, content_type.find(';')));
    constexpr std::string_view kText[] = {"json", "xml", "javascript", "x-www-form-urlencoded", "yaml", "event-stream", "graphql"};
    bool const text =
        type.empty() || type.starts_with("text/") || std::ranges::any_of(kText, [&](std::string_view each) { return type.contains(each); });
    return text ? Strip::Mode::text : Strip::Mode::filled;
}

}  // namespace ocu::edge
