// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/first_look.h"

#include <charconv>
#include <span>

#include "edge/address.h"
#include "edge/client_hello_face.h"
#include "edge/host_name.h"
#include "edge/limits.h"
#include "wire/http_head.h"

namespace ocu::edge {

namespace {

std::string lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// Of a Host field, for a comparison: what is no host and port stays what it is, and is equal to nothing that is allowed.
std::string host_of(std::string_view field)
{
    if (field.empty()) return {};
    if (auto const read = read_host_port(field, 80)) return read->host;
    return printable(lower(field), kHostNameBytesMax);
}

FirstLook look_at_tls(std::string_view bytes)
{
    auto const hello = read_client_hello({reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()});
    FirstLook look;
    look.protocol = hello.state == HelloState::not_tls ? proto::EgressProtocol::tcp : proto::EgressProtocol::tls;
    look.complete = hello.state != HelloState::need_more;
    look.malformed = hello.state == HelloState::malformed;
    look.name = hello.server_name;
    look.encrypted_hello = hello.encrypted;
    return look;
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max)
{
    std::string out(text.substr(0, bytes_max));
    for (char& c : out)
        if (c <= ' ' || c >= 0x7f) c = '?';
    return out;
}

FirstLook look_at(std::string_view bytes)
{
    if (bytes.empty()) return {};
    FirstLook look = look_at_tls(bytes);
    if (look.protocol == proto::EgressProtocol::tls) return look;
    // Every method that programs send begins with a capital letter; all else is no request and need not wait for more bytes.
    if (bytes.front() < 'A' || bytes.front() > 'Z') return look;
    auto const head = wire::parse_http_head(bytes);
    if (!head) {
        look.complete = head.error().fault != Fault::unavailable;
        return look;
    }
    look.complete = true;
    look.protocol = proto::EgressProtocol::http;
    look.name = host_of(head->host);
    look.method = head->method;
    look.target = head->target;
    auto const end = bytes.find("\r\n\r\n");
    look.head_bytes = end == std::string_view::npos ? bytes.size() : end + 4;
    return look;
}

Result<HostPort> read_host_port(std::string_view text, std::uint16_t port_if_none)
{
    HostPort out;
    std::string_view host = text;
    std::string_view port;
    bool const bracketed = text.starts_with('[');
    auto const colon = bracketed ? text.find("]:") : text.find(':');
    if (colon != std::string_view::npos) {
        host = text.substr(0, colon + (bracketed ? 1 : 0));
        port = text.substr(host.size() + 1);
        auto const [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
        if (error != std::errc() || end != port.data() + port.size() || out.port == 0) return fail(Fault::malformed, "not a port");
    } else {
        out.port = port_if_none;
        if (out.port == 0) return fail(Fault::malformed, "no port");
    }
    if (bracketed) {
        if (!host.ends_with(']')) return fail(Fault::malformed, "not an address in brackets");
        auto const address = OCU_TRY(parse_address(host.substr(1, host.size() - 2)));
        if (is_ipv4(address)) return fail(Fault::malformed, "not an address of this family");
        out.host = text_of(address);
        return out;
    }
    if (auto const address = parse_address(host)) {
        out.host = text_of(*address);
        return out;
    }
    if (host.ends_with('.')) host.remove_suffix(1);
    out.host = lower(host);
    out.is_name = true;
    if (!is_host_name(out.host)) return fail(Fault::malformed, "not a host name");
    return out;
}

Result<HostPort> read_absolute_form(std::string_view target)
{
    constexpr std::string_view kScheme = "http://";
    if (lower(target.substr(0, kScheme.size())) != kScheme) return fail(Fault::malformed, "not the absolute form of http");
    target.remove_prefix(kScheme.size());
    return read_host_port(target.substr(0, target.find_first_of("/?#")), 80);
}

}  // namespace ocu::edge
