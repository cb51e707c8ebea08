// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/caller_question.h"

#include <ctime>

#include "base/crypto/crypto.h"

namespace ocu::control {

using proto::OperatorAction;
using wire::Json;

namespace {

using Refused = std::unexpected<std::string_view>;

constexpr std::size_t kBodyBytesMax = 512;

Json time_of(std::int64_t seconds)
{
    std::time_t const when = seconds;
    std::tm parts{};
    char text[32];
    if (::gmtime_r(&when, &parts) == nullptr || std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) return Json::string("unknown");
    return Json::string(text);
}

Json caller_body(proto::CallerShown const& each)
{
    Json body = Json::object();
    body.set("name", each.name.view()).set("origin", name_of(each.origin)).set("state", name_of(each.state)).set("key_id", crypto::to_hex(each.key));
    body.set("sessions", static_cast<std::int64_t>(each.sessions));
    if (each.made_s != 0) body.set("made", time_of(each.made_s)).set("made_by", each.made_by.view());
    if (each.expires_s != 0) body.set("expires", time_of(each.expires_s));
    if (each.old_key_until_s != 0) body.set("old_key_until", time_of(each.old_key_until_s));
    if (each.revoked_s != 0) body.set("revoked", time_of(each.revoked_s)).set("revoked_by", each.revoked_by.view());
    if (each.seen_s != 0) body.set("seen", time_of(each.seen_s));
    return body;
}

}  // namespace

std::expected<proto::CallerQuestion, std::string_view> read_caller_question(OperatorAction action, std::string_view body)
{
    auto const document = Json::parse(body, {.bytes_max = kBodyBytesMax, .depth_max = 2});
    if (!document || !document->view().is_object()) return Refused("the body is an object with name");
    auto const root = document->view();
    std::string_view const number = action == OperatorAction::callers_add      ? "expires_days"
                                    : action == OperatorAction::callers_rotate ? "overlap_s"
                                                                               : "name";
    bool known = true;
    root.each([&](std::string_view key, wire::JsonView) { known = known && (key == "name" || key == number); });
    if (!known) return Refused("name is taken, to add one also expires_days, and to rotate overlap_s");
    proto::CallerQuestion question;
    auto const name = root["name"].string();
    if (!name || name->empty() || !question.name.fits(*name) || name->find_first_not_of(proto::kCallerNameLetters) != std::string_view::npos)
        return Refused("name is 1 to 63 letters, digits, dots, underscores and hyphens, of which the first is a letter or a digit");
    question.name = std::string(*name);
    if (number == "name" || !root[number]) return question;
    bool const adds = action == OperatorAction::callers_add;
    auto const value = root[number].integer();
    if (!value || *value < 1 || *value > (adds ? proto::kCallerDaysMax : proto::kKeyOverlapSecondsMax))
        return Refused(adds ? "expires_days is a number from 1 to 3650" : "overlap_s is a number of seconds from 1 to 604800");
    (adds ? question.days : question.overlap_s) = static_cast<std::uint32_t>(*value);
    return question;
}

Json callers_body(proto::CallersTold const& told)
{
    Json list = Json::array();
    for (auto const& each : told.callers.items()) list.push(caller_body(each));
    Json body = Json::object();
    body.set("callers", std::move(list)).set("more", told.more).set("state", told.state.damaged ? "damaged" : "well");
    return body;
}

Json callers_state_body(proto::CallersState const& state)
{
    Json body = Json::object();
    body.set("state", state.damaged ? "damaged" : "well").set("declared", static_cast<std::int64_t>(state.declared));
    body.set("added", static_cast<std::int64_t>(state.added)).set("revoked", static_cast<std::int64_t>(state.revoked));
    return body;
}

Json caller_changed_body(OperatorAction action, proto::OperatorAnswer const& answer, std::string_view trace)
{
    Json body = Json::object();
    body.set("done", proto::name_of(action)).set("trace", trace).set("recorded", answer.recorded);
    if (!answer.callers.key.empty()) body.set("key", answer.callers.key.view()).set("key_id", crypto::to_hex(answer.callers.key_id));
    if (action == OperatorAction::callers_revoke)
        body.set("killed", static_cast<std::int64_t>(answer.killed)).set("pending", static_cast<std::int64_t>(answer.pending));
    return body;
}

}  // namespace ocu::control
