// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/source_face.h"

#include <algorithm>

#include "base/secret.h"
#include "wire/json.h"

namespace ocu::custody {

using proto::SourceFailure;
using wire::JsonView;

namespace {

constexpr std::string_view kContract = "ocu-secret-source/1";
constexpr std::size_t kVersionBytesMax = 64;
constexpr std::size_t kDepthMax = 2;

void wipe_text(std::string& text)
{
    text.resize(text.capacity());  // what lies beyond the end was written once as well
    wipe(std::as_writable_bytes(std::span(text)));
    text.clear();
}

bool is_json(std::vector<wire::HttpHeader> const& headers)
{
    std::size_t found = 0;
    bool good = true;
    for (auto const& header : headers) {
        if (wire::same_name(header.name, "content-encoding")) return false;
        if (!wire::same_name(header.name, "content-type")) continue;
        auto type = std::string_view(header.value).substr(0, header.value.find(';'));
        while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
        good = good && wire::same_name(type, "application/json");
        ++found;
    }
    return found == 1 && good;
}

// It is put into a header as it is: nothing in it may begin another one (T-26).
bool is_value(std::string_view text)
{
    return !text.starts_with(' ') && !text.ends_with(' ') && std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

bool has_no_control(std::string_view text)
{
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_version(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' || c == '-';
    });
}

SourceFailure read_text(JsonView from, std::size_t bytes_max, bool (*fits)(std::string_view), std::string_view& out)
{
    auto const text = from.string();
    if (!text || text->empty() || !fits(*text)) return SourceFailure::malformed;
    if (text->size() > bytes_max) return SourceFailure::too_large;
    out = *text;
    return SourceFailure::none;
}

// On the heap and of its size at once, so that no shorter copy of it stays behind.
std::string joined(std::string_view user, std::string_view password)
{
    std::string out;
    out.reserve(std::max<std::size_t>(64, user.size() + 1 + password.size()));
    out.append(user);
    if (!password.empty()) out.append(":").append(password);
    return out;
}

SourceFailure read_secret(JsonView root, bool basic, std::string& out)
{
    std::string_view first, second;
    if (!basic) {
        if (auto const bad = read_text(root["value"], proto::kSourceValueBytesMax, is_value, first); bad != SourceFailure::none) return bad;
    } else {
        auto const is_user = [](std::string_view text) { return has_no_control(text) && !text.contains(':'); };
        if (auto const bad = read_text(root["user"], kSourceUserBytesMax, is_user, first); bad != SourceFailure::none) return bad;
        if (auto const bad = read_text(root["password"], kSourcePasswordBytesMax, has_no_control, second); bad != SourceFailure::none)
            return bad;
    }
    out = joined(first, second);
    return SourceFailure::none;
}

SourceFailure read_members(JsonView root, bool basic, proto::SourceAnswered& out, std::string& secret)
{
    if (!root.is_object()) return SourceFailure::malformed;
    auto const version = root["version"];
    std::size_t const known = (basic ? 2u : 1u) + 1u + (version ? 1u : 0u);
    if (root.size() != known) return SourceFailure::malformed;  // with the reads below: none is there that is not read
    auto const expires = root["expires_in"].integer();
    if (!expires || *expires < 1 || *expires > proto::kSourceLifeMax.count()) return SourceFailure::malformed;
    if (version) {
        std::string_view text;
        if (auto const bad = read_text(version, kVersionBytesMax, is_version, text); bad != SourceFailure::none) return bad;
        out.version = text;
    }
    out.expires_in = std::chrono::seconds(*expires);
    return read_secret(root, basic, secret);
}

}  // namespace

std::string print_source_question(proto::SourceConfig const& config)
{
    auto destination = wire::Json::object();
    destination.set("host", config.host.view()).set("port", static_cast<std::int64_t>(config.port));
    auto question = wire::Json::object();
    question.set("contract", kContract).set("appliance", config.appliance.view()).set("purpose", "egress");
    question.set("rule", config.rule.view()).set("credential", config.credential.view()).set("form", config.basic ? "basic" : "value");
    question.set("destination", std::move(destination)).set("session", config.session.view());
    auto const body = question.print();
    return "POST /ocu-secret-source/1/credential HTTP/1.1\r\nHost: " + config.authority.str() +
           "\r\nUser-Agent: ocu-appliance\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

bool SourceFace::feed(std::string_view bytes)
{
    if (over_) return true;
    if (has_head_) return read_body(bytes);
    // A body that came along is looked at only once the head holds.
    auto const room = kSourceHeadBytesMax + kSourceBodyBytesMax - head_.size();
    head_.append(bytes.substr(0, room));
    auto const end = wire::find_head_end(std::string_view(head_).substr(0, kSourceHeadBytesMax));
    if (!end) return fail(end.error() == wire::RelayFault::too_large ? SourceFailure::too_large : SourceFailure::malformed);
    if (*end == 0) return head_.size() >= kSourceHeadBytesMax && fail(SourceFailure::too_large);
    auto rest = head_.substr(*end);
    head_.resize(*end);
    has_head_ = true;
    bool const verdict = read_head() || read_body(rest) || (bytes.size() > room && read_body(bytes.substr(room)));
    wipe_text(rest);
    return verdict;
}

bool SourceFace::read_head()
{
    auto const head = wire::read_response_head(head_, {});
    if (!head) return fail(head.error() == wire::RelayFault::too_large ? SourceFailure::too_large : SourceFailure::malformed);
    answer_.status = static_cast<std::uint16_t>(head->status);
    if (head->status < 200) return fail(SourceFailure::malformed);
    if (head->status == 404) return fail(SourceFailure::not_found);
    if (head->status == 410) return fail(SourceFailure::gone);
    if (head->status != 200) return fail(SourceFailure::status);
    bool const framed = head->body.kind == wire::Framing::length || head->body.kind == wire::Framing::chunked;
    if (!framed || !is_json(head->headers)) return fail(SourceFailure::malformed);
    if (head->body.kind == wire::Framing::length && head->body.length > kSourceBodyBytesMax) return fail(SourceFailure::too_large);
    body_.reserve(kSourceBodyBytesMax + 1);  // never moved: no copy is left where it was
    reader_ = wire::BodyReader(head->body, wire::BodyReader::Extensions::refused);
    return false;
}

bool SourceFace::read_body(std::string_view bytes)
{
    auto const used = reader_.feed(bytes, kSourceBodyBytesMax + 1 - body_.size(), body_);
    if (reader_.broken()) return fail(SourceFailure::malformed);
    if (body_.size() > kSourceBodyBytesMax) return fail(SourceFailure::too_large);
    if (!reader_.done()) return false;
    if (used != bytes.size()) return fail(SourceFailure::malformed);
    return judge();
}

bool SourceFace::judge()
{
    auto const root = wire::Json::parse(body_, {kSourceBodyBytesMax, kDepthMax, wire::DuplicateKeys::refuse});
    std::string secret;
    auto const failure = root ? read_members(root->view(), basic_, answer_, secret) : SourceFailure::malformed;
    if (failure != SourceFailure::none) {
        wipe_text(secret);
        return fail(failure);
    }
    answer_.value = std::move(secret);
    over_ = true;
    return true;
}

bool SourceFace::fail(SourceFailure why)
{
    auto const status = answer_.status;
    answer_ = {};
    answer_.failure = why;
    answer_.status = status;
    over_ = true;
    return true;
}

void SourceFace::ended()
{
    if (!over_) fail(SourceFailure::malformed);
}

proto::SourceAnswered SourceFace::take()
{
    if (!over_) fail(SourceFailure::lost);
    return std::exchange(answer_, {});
}

void SourceFace::reset()
{
    wipe_text(head_);
    wipe_text(body_);
    auto value = std::move(answer_.value).take();
    wipe_text(value);
}

}  // namespace ocu::custody
