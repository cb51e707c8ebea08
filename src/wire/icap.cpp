// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/icap.h"

#include <charconv>
#include <optional>

namespace ocu::wire {

namespace {

constexpr std::string_view kIcapVersion = "ICAP/1.0 ";
constexpr std::string_view kHttpVersion = "HTTP/1.1 ";

struct Part {
    std::string_view name;
    std::size_t offset = 0;
};

// "name=offset", nothing else.
std::optional<Part> read_part(std::string_view text)
{
    auto const equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    Part part{text.substr(0, equals), 0};
    auto const digits = text.substr(equals + 1);
    auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), part.offset);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return part;
}

std::string_view trimmed(std::string_view text)
{
    auto const begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// One head at offset 0, and behind it a body or that there is none. Whatever else RFC 3507 would allow, no answer of a server needs.
bool read_encapsulated(std::string_view text, IcapMethod asked, IcapAnswer& out)
{
    auto const comma = text.find(',');
    if (comma == std::string_view::npos) return false;
    auto const head = read_part(trimmed(text.substr(0, comma))), body = read_part(trimmed(text.substr(comma + 1)));
    if (!head || !body || head->offset != 0 || body->offset == 0 || body->offset > kRelayHeadBytesMax) return false;
    std::string_view body_name;
    if (asked == IcapMethod::reqmod && same_name(head->name, "req-hdr")) {
        out.carries = IcapAnswer::Carries::request;
        body_name = "req-body";
    } else if (same_name(head->name, "res-hdr")) {
        out.carries = IcapAnswer::Carries::response;
        body_name = "res-body";
    } else {
        return false;
    }
    out.head_bytes = body->offset;
    out.has_body = same_name(body->name, body_name);
    return out.has_body || same_name(body->name, "null-body");
}

}  // namespace

std::string print_icap_head(IcapQuestion const& question, std::size_t preview_bytes)
{
    bool const request_only = question.method == IcapMethod::reqmod;
    std::string out(request_only ? "REQMOD " : "RESPMOD ");
    (((out += question.service.uri) += " ICAP/1.0\r\nHost: ") += question.service.host) += "\r\n";
    // What would be allowed with it beyond a preview is an answer of 204 to a body that has gone and is not kept.
    if (question.has_body)
        (out += "Preview: ").append(std::to_string(preview_bytes)) += "\r\n";
    else
        out += "Allow: 204\r\n";
    out += "Encapsulated: req-hdr=0, ";
    if (!request_only) (out += "res-hdr=").append(std::to_string(question.request_head.size())) += ", ";
    out += question.has_body ? (request_only ? "req-body=" : "res-body=") : "null-body=";
    out += std::to_string(question.request_head.size() + question.response_head.size());
    return ((out += "\r\n\r\n") += question.request_head) += question.response_head;
}

std::expected<IcapAnswer, RelayFault> read_icap_head(std::string_view head, IcapMethod asked)
{
    if (!head.starts_with(kIcapVersion)) return std::unexpected(RelayFault::version);
    // From here on it reads as HTTP does.
    std::string as_http(kHttpVersion);
    as_http += head.substr(kIcapVersion.size());
    auto const read = read_response_head(as_http, {});
    if (!read) return std::unexpected(read.error());
    IcapAnswer out;
    out.status = read->status;
    out.keep_alive = !read->says_close;
    std::size_t times = 0;
    std::string_view encapsulated;
    for (auto const& each : read->headers) {
        if (same_name(each.name, "encapsulated") && ++times == 1) encapsulated = each.value;
        if (same_name(each.name, "x-infection-found") || same_name(each.name, "x-violations-found")) out.found = true;
    }
    if (times > 1) return std::unexpected(RelayFault::framing);
    if (out.status != 200) return out;
    if (times == 0 || !read_encapsulated(encapsulated, asked, out)) return std::unexpected(RelayFault::framing);
    return out;
}

}  // namespace ocu::wire
