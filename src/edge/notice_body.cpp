// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/notice_body.h"

#include <format>

#include "base/crypto/crypto.h"
#include "proto/edge_to_notifier.h"
#include "wire/json.h"

namespace ocu::edge {

namespace {

enum class Destination { said, left_out };

std::string printed(TripNotice const& notice, Destination destination)
{
    auto out = wire::Json::object();
    out.set("schema", "ocu-webhook/1").set("id", notice.id).set("number", notice.number).set("record", notice.record.value);
    out.set("time", static_cast<std::int64_t>(notice.time.time_since_epoch().count())).set("appliance", notice.appliance);
    out.set("event", "tripwire").set("session", std::format("{:016x}", notice.session.value)).set("limit", name_of(notice.limit));
    out.set("measured", notice.measured).set("threshold", notice.threshold).set("action", notice.kill ? "kill" : "report");
    out.set("rule", notice.rule);
    if (destination == Destination::said) out.set("destination", notice.destination);
    return out.print();
}

}  // namespace

std::string notice_body(TripNotice const& notice)
{
    auto out = printed(notice, Destination::said);
    return out.size() <= proto::kNoticeBytesMax ? out : printed(notice, Destination::left_out);
}

std::string notice_signature(std::int64_t time_s, std::span<std::uint8_t const> mac)
{
    return std::format("t={},v1={}", time_s, crypto::to_hex(mac));
}

}  // namespace ocu::edge
