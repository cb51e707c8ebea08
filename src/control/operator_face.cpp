// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/operator_face.h"

#include "control/caller_question.h"
#include "control/egress_question.h"
#include "control/files_question.h"
#include "control/metrics_page.h"
#include "control/policy_question.h"
#include "control/session_name.h"
#include "wire/json.h"

namespace ocu::control {

using proto::OperatorAction;
using proto::Reason;
using wire::Json;

namespace {

struct Route {
    std::string_view path;
    std::string_view method;
    OperatorAction action;
};

constexpr std::array kRoutes{
    Route{"/health", "GET", OperatorAction::health},
    Route{"/metrics", "GET", OperatorAction::metrics},
    Route{"/v1/status", "GET", OperatorAction::status},
    Route{"/v1/sessions", "GET", OperatorAction::sessions},
    Route{"/v1/leases", "GET", OperatorAction::leases},
    Route{"/v1/callers", "GET", OperatorAction::callers_list},
    Route{"/v1/callers/reset", "POST", OperatorAction::callers_reset},
    Route{"/v1/kill-all", "POST", OperatorAction::kill_all},
    Route{"/v1/freeze", "POST", OperatorAction::freeze},
    Route{"/v1/thaw", "POST", OperatorAction::thaw},
    Route{"/v1/shutdown", "POST", OperatorAction::shutdown},
};

constexpr std::string_view kEgressTest = "/v1/egress/test";
constexpr std::string_view kPolicyExplain = "/v1/policy/explain";
struct FilesRoute {
    std::string_view path;
    proto::FilesVerb verb;
    OperatorAction action;
};

constexpr std::array kFilesRoutes{
    FilesRoute{"/v1/files/list", proto::FilesVerb::list, OperatorAction::files_list},
    FilesRoute{"/v1/files/withhold", proto::FilesVerb::withhold, OperatorAction::files_withhold},
    FilesRoute{"/v1/files/release", proto::FilesVerb::release, OperatorAction::files_release},
};
struct CallersRoute {
    std::string_view path;
    OperatorAction action;
};

constexpr std::array kCallersRoutes{
    CallersRoute{"/v1/callers/add", OperatorAction::callers_add},
    CallersRoute{"/v1/callers/rotate", OperatorAction::callers_rotate},
    CallersRoute{"/v1/callers/revoke", OperatorAction::callers_revoke},
};
constexpr std::string_view kSessionsPrefix = "/v1/sessions/";
constexpr std::string_view kKillSuffix = "/kill";
constexpr std::size_t kBodyBytesMax = 64;

bool says_nothing(std::string_view body)
{
    if (body.empty()) return true;
    if (body.size() > kBodyBytesMax) return false;
    auto const document = Json::parse(body, {.bytes_max = kBodyBytesMax, .depth_max = 2});
    return document && document->view().is_object() && document->view().size() == 0;
}

unsigned status_of(Reason reason)
{
    switch (reason) {
    case Reason::none: return 200;
    case Reason::unknown_session:
    case Reason::unknown_caller:
    case Reason::not_found: return 404;
    case Reason::caller_exists:
    case Reason::caller_of_manifest:
    case Reason::caller_over: return 409;
    case Reason::too_many_callers:
    case Reason::callers_not_kept:
    case Reason::quota_exceeded: return 507;
    case Reason::forbidden: return 403;
    case Reason::bad_request: return 400;
    case Reason::audit_unavailable:
    case Reason::callers_damaged:
    case Reason::role_unavailable:
    case Reason::shutting_down: return 503;
    default: return 500;
    }
}

std::string_view message_of(Reason reason)
{
    switch (reason) {
    case Reason::unknown_session: return "there is no such session";
    case Reason::not_found: return "there is no such file in that session";
    case Reason::bad_request: return "that is no path of a file: it begins with uploads/ or outputs/";
    case Reason::unknown_caller: return "there is no caller of that name: `callers list` shows all";
    case Reason::caller_exists: return "there is a caller of that name: `callers rotate` gives it a new key";
    case Reason::caller_of_manifest: return "the manifest declares that caller: its key is changed there; `callers revoke` ends it here";
    case Reason::caller_over: return "that caller is revoked, or its days are over: `callers add` makes it anew";
    case Reason::too_many_callers: return "there are as many callers as can be kept: revoke one first";
    case Reason::callers_damaged: return "the file of callers is damaged, so nobody is let in: `callers reset` begins with an empty one";
    case Reason::callers_not_kept: return "the disk did not take it: what was revoked is in force until the next start, and nothing else was done";
    case Reason::quota_exceeded: return "too many files of that session were spoken about";
    case Reason::forbidden: return "this connection may not operate the appliance";
    case Reason::audit_unavailable: return "the action's record cannot be written, so the action was not taken";
    case Reason::role_unavailable: return "a part of the appliance is down; try again";
    case Reason::shutting_down: return "the appliance is shutting down";
    default: return "the request failed";
    }
}

wire::HttpResponse json_response(unsigned status, Json const& body)
{
    wire::HttpResponse response;
    response.status = status;
    response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
    response.body = body.print();
    return response;
}

Json error_body(std::string_view code, std::string_view message, std::string_view trace)
{
    Json error = Json::object();
    error.set("code", code).set("message", message).set("trace", trace);
    Json body = Json::object();
    body.set("error", std::move(error));
    return body;
}

Json audit_disk_body(proto::AuditDisk const& disk)
{
    Json body = Json::object();
    body.set("state", !disk.known ? "unknown" : disk.alarm ? "filling" : "well");
    body.set("used_percent", static_cast<std::int64_t>(disk.used_percent));
    body.set("watermark_percent", static_cast<std::int64_t>(disk.watermark_percent)).set("free_bytes", disk.free_bytes);
    return body;
}

Json retention_body(proto::RetentionState const& state)
{
    Json body = Json::object();
    body.set("days", static_cast<std::int64_t>(state.days)).set("removed", state.first_record).set("hold", name_of(state.hold));
    if (state.hot_days != 0) body.set("hot_days", static_cast<std::int64_t>(state.hot_days));
    return body;
}

Json cold_body(proto::OperatorAnswer const& answer)
{
    auto const& cold = answer.cold;
    Json body = Json::object();
    body.set("place", cold.place.view()).set("state", name_of(cold.health)).set("segments", cold.segments).set("records", cold.records);
    body.set("lag_records", cold.size - std::min(cold.size, cold.records)).set("due_segments", cold.due);
    body.set("due_s", cold.since_ms != 0 ? std::max<std::int64_t>(answer.now_ms - cold.since_ms, 0) / 1000 : 0);
    if (!cold.word.empty()) body.set("why", cold.word.view());
    if (cold.status != 0) body.set("http_status", static_cast<std::int64_t>(cold.status));
    return body;
}

Json sinks_body(proto::OperatorAnswer const& answer)
{
    Json list = Json::array();
    for (auto const& sink : answer.sinks.items()) {
        auto const lag = sink.size - std::min(sink.size, sink.position);
        // Nothing is late while nothing is missing; what is missing is as late as its first record is old.
        auto const age_ms = lag != 0 && sink.oldest_ms != 0 ? std::max<std::int64_t>(answer.now_ms - sink.oldest_ms, 0) : 0;
        Json each = Json::object();
        each.set("name", sink.name.view()).set("kind", name_of(sink.kind)).set("format", name_of(sink.format)).set("place", sink.place.view());
        each.set("state", name_of(sink.health)).set("position", sink.position).set("lag_records", lag).set("lag_s", age_ms / 1000);
        if (!sink.word.empty()) each.set("why", sink.word.view());
        if (sink.status != 0) each.set("http_status", static_cast<std::int64_t>(sink.status));
        list.push(std::move(each));
    }
    return list;
}

Json witnesses_body(proto::OperatorAnswer const& answer)
{
    Json list = Json::array();
    for (auto const& witness : answer.witnesses.items()) {
        auto const owed_s = witness.owed_ms != 0 ? std::max<std::int64_t>(answer.now_ms - witness.owed_ms, 0) / 1000 : 0;
        auto const heads = witness.owed_ms != 0 ? 1 + owed_s / std::max<std::int64_t>(witness.interval_s, 1) : 0;
        Json each = Json::object();
        each.set("name", witness.name.view()).set("place", witness.place.view()).set("state", name_of(witness.health));
        each.set("witnessed_records", witness.witnessed).set("witnessed_at", witness.witnessed_s);
        each.set("lag_records", witness.size - std::min(witness.size, witness.witnessed)).set("owed_heads", heads).set("owed_s", owed_s);
        if (!witness.word.empty()) each.set("why", witness.word.view());
        if (witness.status != 0) each.set("http_status", static_cast<std::int64_t>(witness.status));
        list.push(std::move(each));
    }
    return list;
}

Json status_body(proto::OperatorAnswer const& answer)
{
    Json helpers = Json::object();
    for (auto const& helper : answer.helpers.items()) helpers.set(helper.name.view(), helper.up ? "up" : "down");
    Json manifest = Json::object();
    manifest.set("serial", answer.manifest_serial).set("digest", answer.manifest_digest.view());
    Json body = Json::object();
    body.set("status", answer.healthy ? "healthy" : "degraded").set("name", answer.name.view()).set("version", answer.version.view());
    body.set("tier", answer.tier.view()).set("profile", answer.profile.view());
    body.set("uptime_s", static_cast<std::int64_t>(answer.uptime.count())).set("sessions", static_cast<std::int64_t>(answer.session_count));
    if (answer.pool_wanted != 0) {
        Json pool = Json::object();
        pool.set("ready", static_cast<std::int64_t>(answer.pool_ready)).set("wanted", static_cast<std::int64_t>(answer.pool_wanted));
        body.set("warm_pool", std::move(pool));
    }
    body.set("frozen", answer.frozen).set("mcp", answer.mcp_url.view());
    if (!answer.certificate_sha256.empty()) body.set("certificate_sha256", answer.certificate_sha256.view());
    if (answer.webhook.health != proto::WebhookHealth::none) {
        Json webhook = Json::object();
        webhook.set("state", name_of(answer.webhook.health)).set("waiting", static_cast<std::int64_t>(answer.webhook.waiting));
        webhook.set("lost", answer.webhook.lost);
        body.set("webhook", std::move(webhook));
    }
    if (!answer.sinks.items().empty()) body.set("audit_sinks", sinks_body(answer));
    if (!answer.witnesses.items().empty()) body.set("audit_witnesses", witnesses_body(answer));
    Json storage = Json::object();
    storage.set("engine", answer.store.health == proto::StoreHealth::none ? "local" : "s3");
    if (answer.store.health != proto::StoreHealth::none)
        storage.set("state", name_of(answer.store.health)).set("connections", static_cast<std::int64_t>(answer.store.connections));
    body.set("storage", std::move(storage)).set("audit_disk", audit_disk_body(answer.audit_disk));
    if (!answer.cold.place.empty()) body.set("audit_cold", cold_body(answer));
    if (answer.retention.days != 0) body.set("audit_retention", retention_body(answer.retention));
    body.set("callers", callers_state_body(answer.callers.state));
    body.set("manifest", std::move(manifest)).set("helpers", std::move(helpers));
    return body;
}

Json sessions_body(proto::OperatorAnswer const& answer)
{
    Json list = Json::array();
    for (auto const& each : answer.sessions.items()) {
        Json session = Json::object();
        session.set("id", session_name(each.session)).set("caller", each.caller.view()).set("chat", each.chat.view());
        session.set("tier", answer.tier.view()).set("state", each.state.view()).set("age_s", static_cast<std::int64_t>(each.age.count()));
        session.set("slot", each.slot.value);
        list.push(std::move(session));
    }
    Json body = Json::object();
    body.set("sessions", std::move(list));
    return body;
}

Json leases_body(proto::OperatorAnswer const& answer)
{
    Json list = Json::array();
    for (auto const& each : answer.leases.items()) {
        Json lease = Json::object();
        lease.set("session", session_name(each.session)).set("credential", each.credential.view());
        lease.set("destination", each.destination.view()).set("left_s", static_cast<std::int64_t>(each.left.count()));
        lease.set("source", each.source.empty() ? std::string_view("manifest") : each.source.view());
        list.push(std::move(lease));
    }
    Json body = Json::object();
    body.set("leases", std::move(list));
    return body;
}

Json action_body(OperatorAction action, proto::OperatorAnswer const& answer, std::string_view trace)
{
    Json body = Json::object();
    body.set("done", proto::name_of(action)).set("trace", trace).set("recorded", answer.recorded);
    if (action == OperatorAction::kill || action == OperatorAction::kill_all) {
        body.set("killed", static_cast<std::int64_t>(answer.killed)).set("pending", static_cast<std::int64_t>(answer.pending));
    } else if (action != OperatorAction::shutdown) {
        body.set("frozen", answer.frozen);
    }
    return body;
}

std::expected<OperatorQuestion, FaceRefusal> parse_egress_test(std::string_view method, std::string_view body)
{
    if (method != "POST") return std::unexpected(FaceRefusal{405, "method_not_allowed", "this operation has another method", "POST"});
    auto test = read_egress_test(body);
    if (!test) return std::unexpected(FaceRefusal{400, "bad_request", test.error(), {}});
    return OperatorQuestion{OperatorAction::egress_test, test->session, std::move(test->question)};
}

std::expected<OperatorQuestion, FaceRefusal> parse_policy(std::string_view method, std::string_view body)
{
    if (method != "POST") return std::unexpected(FaceRefusal{405, "method_not_allowed", "this operation has another method", "POST"});
    auto asked = read_policy_question(body);
    if (!asked) return std::unexpected(FaceRefusal{400, "bad_request", asked.error(), {}});
    return OperatorQuestion{OperatorAction::policy_explain, {}, {}, {}, *std::move(asked)};
}

std::expected<OperatorQuestion, FaceRefusal> parse_files(FilesRoute const& route, std::string_view method, std::string_view body)
{
    if (method != "POST") return std::unexpected(FaceRefusal{405, "method_not_allowed", "this operation has another method", "POST"});
    auto asked = read_files_question(route.verb, body);
    if (!asked) return std::unexpected(FaceRefusal{400, "bad_request", asked.error(), {}});
    return OperatorQuestion{route.action, asked->session, {}, std::move(asked->question)};
}

std::expected<OperatorQuestion, FaceRefusal> parse_caller(OperatorAction action, std::string_view method, std::string_view body)
{
    if (method != "POST") return std::unexpected(FaceRefusal{405, "method_not_allowed", "this operation has another method", "POST"});
    auto asked = read_caller_question(action, body);
    if (!asked) return std::unexpected(FaceRefusal{400, "bad_request", asked.error(), {}});
    return OperatorQuestion{action, {}, {}, {}, {}, *std::move(asked)};
}

}  // namespace

std::expected<OperatorQuestion, FaceRefusal> parse_question(std::string_view method, std::string_view target, std::string_view body)
{
    OperatorQuestion question;
    std::string_view wanted;
    if (target == kEgressTest) return parse_egress_test(method, body);
    if (target == kPolicyExplain) return parse_policy(method, body);
    for (auto const& route : kFilesRoutes)
        if (route.path == target) return parse_files(route, method, body);
    for (auto const& route : kCallersRoutes)
        if (route.path == target) return parse_caller(route.action, method, body);
    if (target.find('?') != std::string_view::npos) return std::unexpected(FaceRefusal{400, "bad_request", "no query is taken here", {}});
    for (auto const& route : kRoutes) {
        if (route.path != target) continue;
        question.action = route.action;
        wanted = route.method;
    }
    if (wanted.empty() && target.starts_with(kSessionsPrefix) && target.ends_with(kKillSuffix) &&
        target.size() > kSessionsPrefix.size() + kKillSuffix.size()) {
        auto const id = target.substr(kSessionsPrefix.size(), target.size() - kSessionsPrefix.size() - kKillSuffix.size());
        auto const session = parse_session_name(id);
        if (!session) return std::unexpected(FaceRefusal{400, "bad_request", "a session is named s- and sixteen hex digits", {}});
        question.action = OperatorAction::kill;
        question.session = *session;
        wanted = "POST";
    }
    if (wanted.empty()) return std::unexpected(FaceRefusal{404, "not_found", "there is no such operation", {}});
    if (method != wanted) return std::unexpected(FaceRefusal{405, "method_not_allowed", "this operation has another method", wanted});
    if (!says_nothing(body)) return std::unexpected(FaceRefusal{400, "bad_request", "the body must be empty or {}", {}});
    return question;
}

wire::HttpResponse render_answer(OperatorAction action, proto::OperatorAnswer const& answer, std::string_view trace)
{
    if (answer.reason != Reason::none)
        return json_response(status_of(answer.reason), error_body(proto::name_of(answer.reason), message_of(answer.reason), trace));
    switch (action) {
    case OperatorAction::health: {
        Json body = Json::object();
        body.set("status", answer.healthy ? "healthy" : "degraded");
        return json_response(answer.healthy ? 200 : 503, body);
    }
    case OperatorAction::status: return json_response(200, status_body(answer));
    case OperatorAction::metrics: {
        auto response = json_response(200, Json::object());
        response.headers.front().value = std::string(kMetricsType);
        response.body = metrics_text(answer);
        return response;
    }
    case OperatorAction::sessions: return json_response(200, sessions_body(answer));
    case OperatorAction::leases: return json_response(200, leases_body(answer));
    case OperatorAction::policy_explain:
    case OperatorAction::egress_test: return json_response(200, egress_body(answer.explained, trace, answer.recorded));
    case OperatorAction::files_list:
    case OperatorAction::files_withhold:
    case OperatorAction::files_release: return json_response(200, files_body(answer.files, trace, answer.recorded));
    case OperatorAction::callers_list: return json_response(200, callers_body(answer.callers));
    case OperatorAction::callers_add:
    case OperatorAction::callers_rotate:
    case OperatorAction::callers_revoke:
    case OperatorAction::callers_reset: return json_response(200, caller_changed_body(action, answer, trace));
    default: return json_response(200, action_body(action, answer, trace));
    }
}

wire::HttpResponse render_refusal(FaceRefusal const& refusal, std::string_view trace)
{
    auto response = json_response(refusal.status, error_body(refusal.code, refusal.message, trace));
    if (!refusal.allow.empty()) response.headers.push_back({"Allow", std::string(refusal.allow)});
    return response;
}

}  // namespace ocu::control
