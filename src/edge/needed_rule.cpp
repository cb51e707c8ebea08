// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/needed_rule.h"

#include "edge/address.h"

namespace ocu::edge {

using proto::Reason;
using wire::Json;

namespace {

Json list_of(std::string_view one)
{
    Json list = Json::array();
    list.push(Json::string(one));
    return list;
}

Json destination(Wanted const& wanted)
{
    Json rule = Json::object();
    rule.set("name", "NAME");
    bool const is_address = parse_address(wanted.host).has_value();
    rule.set(is_address ? "addresses" : "hosts", list_of(wanted.host));
    Json ports = Json::array();
    ports.push(Json::integer(wanted.port));
    rule.set("ports", std::move(ports));
    return rule;
}

}  // namespace

std::optional<Json> needed_rule(Reason reason, Wanted const& wanted)
{
    if (wanted.host.empty() || wanted.port == 0) return std::nullopt;
    auto rule = destination(wanted);
    switch (reason) {
    case Reason::not_allowed:
    case Reason::port_denied: return rule;
    case Reason::address_denied: {
        if (rule.view()["addresses"]) return rule;
        Json addresses = Json::array();
        for (auto const& each : wanted.addresses) addresses.push(Json::string(each));
        if (wanted.addresses.empty()) addresses.push(Json::string("NETWORK OF THIS HOST"));
        rule.set("addresses", std::move(addresses));
        return rule;
    }
    case Reason::method_denied:
        if (wanted.method.empty()) return std::nullopt;
        rule.set("rung", "bump").set("methods", list_of(wanted.method));
        return rule;
    case Reason::path_denied:
        if (wanted.path.empty()) return std::nullopt;
        rule.set("rung", "bump").set("paths", list_of(wanted.path));
        return rule;
    default: return std::nullopt;
    }
}

}  // namespace ocu::edge
