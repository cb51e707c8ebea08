// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The process that reads what one session's guest sends, and the thread that decides for it. The helper knows no rule: it asks for each
// name, each connection and each request, and is handed a connected socket or a refusal. Which session speaks is known by the link.
//
//      helper                         thread
//      name_asked              ->
//                              <-     name_decided
//      connect_asked           ->                         a proxy's CONNECT, before the guest is told to go on
//                              <-     connect_decided
//      route_asked             ->                         (then proto/edge_to_uplink.h)
//                              <-     route_opened + socket, or route_refused
//      request_asked           ->                         on a route whose handling is `http` or `bump`, for each request
//                              <-     request_allowed, or request_refused
//      icap_asked              ->                         for a request that was allowed with an IcapOrder
//                              <-     icap_opened + socket, or icap_refused
//      request_done            ->
//      connection_ended        ->
//                              <-     connection_cut      at any time: this connection ends now
//                              <-     custody_channel + socket   instead of the one before, whose other end is gone
//      egress_denied           ->                         what the helper refuses by itself: grammar, its own ceilings
//                              <-     withheld_contents   at any time (proto/withheld.h): no body that is one of them goes out
//
// Configuration: EdgeConfig. Descriptors: the shared empty namespace, then [0] the lane's TCP listener, [1] its DNS socket, [2] the channel to
// custody (proto/edge_helper_to_custody_helper.h), [3] a read-only file of PEM roots against which upstreams are verified.
// Texts from the helper are printable ASCII without spaces; else the link is violated.

#include <array>

#include "base/id.h"
#include "proto/reason.h"
#include "proto/type.h"
#include "proto/withheld.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

// Names are answered with addresses of these, which no guest can reach otherwise: one for each name and session.
inline constexpr std::uint32_t kSyntheticFirst4 = 0xc6120000;   // 198.18.0.0/15 (RFC 2544)
inline constexpr unsigned kSyntheticPrefix4 = 15;
inline constexpr std::array<std::uint8_t, 12> kSyntheticPrefix6{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01, 0xff, 0xff, 0, 0, 0, 0};  // /96 (RFC 8215)
// For programs that are told of a proxy: CONNECT and absolute-form. The lane's own address.
inline constexpr std::uint16_t kProxyPort = 3128;

inline constexpr std::size_t kContactBytesMax = 200;

struct EdgeConfig {
    wire::Text<kContactBytesMax> contact;  // printable; goes into refusals as it is

    static void fields(auto& wire, auto& m) { wire(m.contact); }
};

enum class EgressProtocol : std::uint8_t { tcp, http, tls, dns, kLast = dns };

constexpr std::string_view name_of(EgressProtocol protocol)
{
    constexpr std::string_view kNames[] = {"tcp", "http", "tls", "dns"};
    return kNames[static_cast<std::size_t>(protocol)];
}

struct NameAsked {
    static constexpr Type kType = Type::name_asked;
    RequestId request;
    wire::Text<253> name;  // lower case, without the last dot

    static void fields(auto& wire, auto& m) { wire(m.request, m.name); }
};

struct NameDecided {
    static constexpr Type kType = Type::name_decided;
    RequestId request;
    Reason reason = Reason::none;  // none: some rule may let a connection to it through

    static void fields(auto& wire, auto& m) { wire(m.request, m.reason); }
};

// Whether any connection to there could be let through: what a program that asks a proxy is told before it says more (EG-6). It opens
// nothing, and a route to there is asked for all the same.
struct ConnectAsked {
    static constexpr Type kType = Type::connect_asked;
    ConnectionId connection;  // whose route will be asked for
    wire::Text<253> name;     // lower case, without the last dot; or
    wire::Text<45> address;   // numeric
    std::uint16_t port = 0;

    static void fields(auto& wire, auto& m) { wire(m.connection, m.name, m.address, m.port); }
};

struct ConnectDecided {
    static constexpr Type kType = Type::connect_decided;
    ConnectionId connection;
    Reason reason = Reason::none;  // none: the inner bytes decide

    static void fields(auto& wire, auto& m) { wire(m.connection, m.reason); }
};

// How the guest said where it wants to go.
enum class RouteForm : std::uint8_t { direct, connect, absolute, kLast = absolute };

// All that is known before a byte goes out. `name` is empty when the guest used an address that stands for no name.
struct RouteAsked {
    static constexpr Type kType = Type::route_asked;
    ConnectionId connection;  // numbered by the helper as it accepts; asked for in any order, never one that is open
    RouteForm form{};
    EgressProtocol protocol{};      // of the first bytes: tcp, http or tls
    wire::Text<253> name;           // of the synthetic address, or of CONNECT or the absolute form; lower case
    wire::Text<45> address;         // numeric; empty if `name` says it
    std::uint16_t port = 0;
    wire::Text<253> inner_name;     // tls: SNI, http: Host; lower case, without port; empty if there is none
    bool encrypted_hello = false;   // tls: the ClientHello hides its name (ECH)

    static void fields(auto& wire, auto& m)
    {
        wire(m.connection, m.form, m.protocol, m.name, m.address, m.port, m.inner_name, m.encrypted_hello);
    }
};

// What the helper does with an open route.
enum class Handling : std::uint8_t {
    splice,  // bytes both ways, unseen
    http,    // plain HTTP/1.1: each request is asked for
    bump,    // TLS ended here, upstream verified; inside it as `http`
    kLast = bump
};

// With one descriptor: connected to what was decided.
struct RouteOpened {
    static constexpr Type kType = Type::route_opened;
    ConnectionId connection;
    Handling handling{};
    wire::Text<253> upstream_name;  // bump: whose certificate the upstream must show
    bool client_certificate = false;  // bump: what the rule lends is shown in the upstream's TLS, which waits for the first request that may have it
    bool http1_only = false;        // bump: no other protocol is offered

    static void fields(auto& wire, auto& m) { wire(m.connection, m.handling, m.upstream_name, m.client_certificate, m.http1_only); }
};

enum class RefusedBy : std::uint8_t {
    us,
    proxy,  // the customer's, by which all connections go: what the guest reads says so
    kLast = proxy
};

// `reason` none: no rule refuses it, but it cannot be reached (no such name, no answer): 502 where the protocol has room for it.
struct RouteRefused {
    static constexpr Type kType = Type::route_refused;
    ConnectionId connection;
    Reason reason{};
    RefusedBy by = RefusedBy::us;

    static void fields(auto& wire, auto& m) { wire(m.connection, m.reason, m.by); }
};

inline constexpr std::size_t kPathTextBytesMax = 2048;

struct RequestAsked {
    static constexpr Type kType = Type::request_asked;
    ConnectionId connection;
    RequestId request;                     // numbered by the helper within the connection, from 1
    wire::Text<32> method;
    wire::Text<253> host;                  // of the request, lower case, without port
    wire::Text<kPathTextBytesMax> path;    // normalised, without query

    static void fields(auto& wire, auto& m) { wire(m.connection, m.request, m.method, m.host, m.path); }
};

// What is shown to an ICAP server before it goes on: URIs of its services, empty for what is not shown (EG-11).
struct IcapOrder {
    wire::Text<256> request;
    wire::Text<256> response;
    std::uint16_t preview_bytes = 0;

    bool empty() const { return request.empty() && response.empty(); }
    static void fields(auto& wire, auto& m) { wire(m.request, m.response, m.preview_bytes); }
};

struct RequestAllowed {
    static constexpr Type kType = Type::request_allowed;
    ConnectionId connection;
    RequestId request;
    std::uint64_t lease = 0;       // 0: nothing is injected
    wire::Text<64> header;         // whose value is replaced
    wire::Text<128> format;        // "Bearer {}": {} stands for the credential; "{basic}" for base64("user:password")
    bool client_certificate = false;  // the header is removed, and the credential is the upstream connection's certificate
    IcapOrder icap{};

    static void fields(auto& wire, auto& m) { wire(m.connection, m.request, m.lease, m.header, m.format, m.client_certificate, m.icap); }
};

enum class IcapSide : std::uint8_t { request, response, kLast = response };

// A connection to the ICAP server of that request's rule. One for each side of a route: another one for the same side ends the one before.
struct IcapAsked {
    static constexpr Type kType = Type::icap_asked;
    ConnectionId connection;
    RequestId request;
    IcapSide side{};

    static void fields(auto& wire, auto& m) { wire(m.connection, m.request, m.side); }
};

// With one descriptor, connected.
struct IcapOpened {
    static constexpr Type kType = Type::icap_opened;
    ConnectionId connection;
    RequestId request;
    IcapSide side{};

    static void fields(auto& wire, auto& m) { wire(m.connection, m.request, m.side); }
};

struct IcapRefused {
    static constexpr Type kType = Type::icap_refused;
    ConnectionId connection;
    RequestId request;
    IcapSide side{};

    static void fields(auto& wire, auto& m) { wire(m.connection, m.request, m.side); }
};

struct RequestRefused {
    static constexpr Type kType = Type::request_refused;
    ConnectionId connection;
    RequestId request;
    Reason reason{};

    static void fields(auto& wire, auto& m) { wire(m.connection, m.request, m.reason); }
};

struct RequestDone {
    static constexpr Type kType = Type::request_done;
    ConnectionId connection;
    RequestId request;
    std::uint16_t status = 0;  // what the guest got; 0: the exchange broke off
    Reason reason = Reason::none;  // why the helper refused it after it was allowed: scoped_token_missing, credential_unavailable, ...
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;

    static void fields(auto& wire, auto& m) { wire(m.connection, m.request, m.status, m.reason, m.bytes_up, m.bytes_down); }
};

struct ConnectionEnded {
    static constexpr Type kType = Type::connection_ended;
    ConnectionId connection;
    Reason reason = Reason::none;  // why it was ended here: upstream_unverified, protocol_denied, ...
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
    wire::Text<32> word;  // for the record: what was wrong with the upstream ("chain", "dates", ...); mostly empty

    static void fields(auto& wire, auto& m) { wire(m.connection, m.reason, m.bytes_up, m.bytes_down, m.word); }
};

struct ConnectionCut {
    static constexpr Type kType = Type::connection_cut;
    ConnectionId connection;

    static void fields(auto& wire, auto& m) { wire(m.connection); }
};

// With one descriptor. What was asked on the channel before is not answered any more.
struct CustodyChannel {
    static constexpr Type kType = Type::custody_channel;

    static void fields(auto& wire, auto&) { wire(); }
};

// `count` refusals that were alike.
struct EgressDenied {
    static constexpr Type kType = Type::egress_denied;
    EgressProtocol protocol{};
    Reason reason{};
    wire::Text<64> destination;  // the address that was asked for; "*" where many were folded into one
    std::uint16_t port = 0;
    wire::Text<256> name;        // what the guest called it: HTTP Host, SNI, DNS name
    std::uint32_t count = 0;

    static void fields(auto& wire, auto& m) { wire(m.protocol, m.reason, m.destination, m.port, m.name, m.count); }
};

inline constexpr std::array kEdgeToHelper{
    wire::Permit{static_cast<std::uint16_t>(Type::name_decided), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::route_opened), 1, 512},
    wire::Permit{static_cast<std::uint16_t>(Type::route_refused), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::request_allowed), 0, 1024},
    wire::Permit{static_cast<std::uint16_t>(Type::request_refused), 0, 32},
    wire::Permit{static_cast<std::uint16_t>(Type::connection_cut), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::connect_decided), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::custody_channel), 1, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::icap_opened), 1, 32},
    wire::Permit{static_cast<std::uint16_t>(Type::icap_refused), 0, 32},
    wire::Permit{static_cast<std::uint16_t>(Type::withheld_contents), 0, kWithheldChangeBytesMax},
};
inline constexpr std::array kHelperToEdge{
    wire::Permit{static_cast<std::uint16_t>(Type::name_asked), 0, 512},
    wire::Permit{static_cast<std::uint16_t>(Type::route_asked), 0, 1024},
    wire::Permit{static_cast<std::uint16_t>(Type::request_asked), 0, 4096},
    wire::Permit{static_cast<std::uint16_t>(Type::request_done), 0, 64},
    wire::Permit{static_cast<std::uint16_t>(Type::connection_ended), 0, 128},
    wire::Permit{static_cast<std::uint16_t>(Type::egress_denied), 0, 512},
    wire::Permit{static_cast<std::uint16_t>(Type::connect_asked), 0, 512},
    wire::Permit{static_cast<std::uint16_t>(Type::icap_asked), 0, 32},
};

}  // namespace ocu::proto
