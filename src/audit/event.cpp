// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/event.h"

#include <algorithm>
#include <cstdio>

#include "wire/json.h"

namespace ocu::audit {

namespace {

using proto::What;
using wire::Json;

constexpr std::string_view kOcsfVersion = "1.8.0";
constexpr std::uint32_t kSystem = 1, kIam = 3, kNetwork = 4, kApplication = 6;
constexpr std::uint32_t kFileSystem = 1001, kProcess = 1007, kAuthentication = 3002, kAuthorize = 3003, kEntity = 3004,
                        kNetworkActivity = 4001, kHttp = 4002, kDns = 4003, kApi = 6003;
constexpr std::uint32_t kOther = 99;
constexpr std::uint32_t kInformational = 1, kLow = 2, kMedium = 3, kHigh = 4;
constexpr int kVirtualDevice = 6, kServerDevice = 1, kFolder = 2, kRegularFile = 1, kSha256 = 3;

// In the order of proto::What.
constexpr OcsfClass kClasses[] = {
    {kSystem, kProcess, 1, kInformational, "appliance_start"},
    {kSystem, kProcess, 2, kInformational, "appliance_stop"},
    {kIam, kEntity, 3, kInformational, "manifest_applied"},
    {kIam, kEntity, 3, kHigh, "trust_profile_downgraded"},
    {kSystem, kProcess, 1, kInformational, "helper_start"},
    {kSystem, kProcess, 2, kHigh, "helper_death"},
    {kSystem, kProcess, 2, kHigh, "helper_violation"},
    {kIam, kEntity, 1, kInformational, "session_create"},
    {kIam, kEntity, 1, kInformational, "session_pooled"},
    {kIam, kEntity, 10, kInformational, "session_ready"},
    {kIam, kEntity, 4, kInformational, "session_destroy"},
    {kIam, kEntity, 11, kMedium, "session_failed"},
    {kIam, kEntity, 1, kMedium, "session_refused"},
    {kApplication, kApi, kOther, kInformational, "tool_call_begin"},
    {kApplication, kApi, kOther, kInformational, "tool_call_end"},
    {kApplication, kApi, kOther, kMedium, "tool_call_refused"},
    {kSystem, kProcess, 2, kInformational, "process_ended"},
    {kSystem, kProcess, 1, kInformational, "programs_run"},
    {kIam, kAuthentication, 1, kMedium, "caller_refused"},
    {kNetwork, kNetworkActivity, 5, kMedium, "egress_denied"},
    {kNetwork, kDns, 1, kLow, "dns_denied"},
    {kApplication, kApi, 3, kInformational, "operator_action"},
    {kApplication, kApi, 3, kHigh, "operator_refused"},
    {kSystem, kFileSystem, 12, kInformational, "mount_attach"},
    {kSystem, kFileSystem, 13, kInformational, "mount_detach"},
    {kApplication, kApi, 2, kInformational, "key_use"},
    {kSystem, kFileSystem, 14, kInformational, "log_opened"},
    {kIam, kEntity, 3, kHigh, "log_repaired"},
    {kNetwork, kNetworkActivity, 1, kInformational, "egress_opened"},
    {kNetwork, kNetworkActivity, 2, kInformational, "egress_closed"},
    {kNetwork, kHttp, kOther, kInformational, "http_request"},
    {kNetwork, kNetworkActivity, 6, kHigh, "tripwire"},
    {kIam, kAuthorize, 1, kInformational, "lease_granted"},
    {kIam, kAuthorize, 1, kMedium, "lease_refused"},
    {kIam, kAuthorize, kOther, kInformational, "lease_revoked"},
    {kApplication, kApi, kOther, kInformational, "notice_delivered"},
    {kApplication, kApi, kOther, kMedium, "notice_failed"},
    {kApplication, kApi, kOther, kHigh, "notice_given_up"},
    {kApplication, kApi, 2, kInformational, "resource_listed"},
    {kApplication, kApi, 2, kInformational, "resource_read"},
    {kSystem, kFileSystem, kOther, kHigh, "store_damaged"},
    {kIam, kEntity, 4, kInformational, "data_key_destroyed"},
    {kSystem, kFileSystem, 1, kInformational, "file_upload"},
    {kSystem, kFileSystem, 2, kInformational, "file_download"},
    {kSystem, kFileSystem, 2, kInformational, "file_preview"},
    {kSystem, kFileSystem, 2, kInformational, "file_archive"},
    {kSystem, kFileSystem, 8, kInformational, "file_list"},
    {kSystem, kFileSystem, 4, kInformational, "file_delete"},
    {kSystem, kFileSystem, kOther, kMedium, "file_refused"},
    {kApplication, kApi, 1, kInformational, "embed_token_made"},
    {kIam, kAuthentication, 1, kInformational, "browser_session_begun"},
    {kIam, kAuthentication, 2, kInformational, "browser_session_ended"},
    {kNetwork, kNetworkActivity, 1, kInformational, "backend_opened"},
    {kNetwork, kNetworkActivity, 2, kInformational, "backend_closed"},
    {kNetwork, kNetworkActivity, 4, kMedium, "backend_failed"},
    {kSystem, kFileSystem, 4, kInformational, "store_swept"},
    {kIam, kEntity, kOther, kInformational, "session_metered"},
    {kSystem, kFileSystem, kOther, kHigh, "audit_disk_watermark"},
    {kApplication, kApi, kOther, kMedium, "sink_failing"},
    {kApplication, kApi, kOther, kHigh, "sink_refused"},
    {kApplication, kApi, kOther, kInformational, "sink_recovered"},
    {kSystem, kFileSystem, kOther, kHigh, "sink_position_damaged"},
    {kApplication, kApi, kOther, kInformational, "audit_head_witnessed"},
    {kApplication, kApi, kOther, kMedium, "audit_head_refused"},
    {kApplication, kApi, kOther, kHigh, "audit_head_conflict"},
    {kApplication, kApi, kOther, kHigh, "audit_head_overdue"},
    {kSystem, kFileSystem, 4, kMedium, "audit_retention"},
    {kSystem, kFileSystem, kOther, kMedium, "audit_retention_held"},
    {kIam, kEntity, 11, kInformational, "caller_expired"},
    {kSystem, kFileSystem, kOther, kHigh, "callers_damaged"},
    {kApplication, kApi, kOther, kInformational, "audit_cold_kept"},
    {kApplication, kApi, kOther, kHigh, "audit_cold_refused"},
    {kApplication, kApi, kOther, kHigh, "audit_cold_overdue"},
};
static_assert(std::size(kClasses) == static_cast<std::size_t>(What::kLast) + 1);

std::string hex_of(SessionId session)
{
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(session.value));
    return text;
}

std::string uid_of(proto::Source source, std::uint64_t sequence)
{
    return std::string(proto::name_of(source)) + "-" + std::to_string(sequence);
}

Json named(std::string_view name)
{
    auto object = Json::object();
    object.set("name", name);
    return object;
}

// OCSF wants a value where a source may have none.
std::string_view or_unknown(std::string_view text) { return text.empty() ? std::string_view("unknown") : text; }

Json actor_of(proto::Event const& event)
{
    auto actor = Json::object();
    actor.set("user", named(or_unknown(event.actor.view())));
    if (event.session) {
        auto session = Json::object();
        session.set("uid", hex_of(event.session));
        actor.set("session", std::move(session));
    }
    return actor;
}

Json metadata_of(proto::Event const& event, Envelope const& envelope)
{
    auto product = Json::object();
    product.set("name", "ocu-appliance").set("vendor_name", "ocu").set("version", OCU_VERSION);
    auto metadata = Json::object();
    metadata.set("version", kOcsfVersion).set("product", std::move(product));
    metadata.set("uid", uid_of(envelope.source, envelope.link.sequence)).set("sequence", envelope.link.sequence);
    metadata.set("log_name", proto::name_of(envelope.source)).set("log_provider", envelope.appliance);
    if (!event.trace.empty()) metadata.set("correlation_uid", event.trace.view());
    return metadata;
}

Json device_of(Envelope const& envelope, int type)
{
    auto device = Json::object();
    device.set("type_id", type).set("name", envelope.appliance);
    return device;
}

void set_api(Json& record, proto::Event const& event, OcsfClass const& kind, Envelope const& envelope)
{
    auto api = Json::object();
    api.set("operation", kind.name);
    api.set("service", named(proto::name_of(envelope.source)));
    auto resources = Json::array();
    resources.push(named(event.resource.view()));
    record.set("actor", actor_of(event)).set("api", std::move(api));
    record.set("src_endpoint", named(or_unknown(event.actor.view()))).set("resources", std::move(resources));
}

void set_process(Json& record, proto::Event const& event, Envelope const& envelope)
{
    auto process = named(event.resource.view());
    process.set("uid", or_unknown(event.resource.view()));
    record.set("actor", actor_of(event)).set("device", device_of(envelope, kServerDevice)).set("process", std::move(process));
    if (event.what == What::helper_death || event.what == What::process_ended) record.set("exit_code", event.number);
}

bool is_one_file(What what)
{
    return what == What::log_opened || what == What::file_upload || what == What::file_download || what == What::file_preview ||
           what == What::file_delete || what == What::file_refused;
}

void set_file(Json& record, proto::Event const& event, Envelope const& envelope)
{
    auto file = named(or_unknown(event.resource.view()));
    file.set("type_id", is_one_file(event.what) ? kRegularFile : kFolder);
    record.set("actor", actor_of(event)).set("device", device_of(envelope, event.session ? kVirtualDevice : kServerDevice));
    record.set("file", std::move(file));
}

// resource is host, host:port or [v6]:port; the port is in `number`.
void set_network(Json& record, proto::Event const& event)
{
    auto source = Json::object();
    source.set("uid", event.session ? hex_of(event.session) : std::string("none"));
    auto destination = Json::object();
    destination.set("hostname", or_unknown(event.resource.view()));
    if (event.number > 0 && event.number <= 65535) destination.set("port", event.number);
    record.set("src_endpoint", std::move(source)).set("dst_endpoint", std::move(destination));
    if (event.what == What::egress_closed || event.what == What::tripwire || event.what == What::backend_closed) {
        auto traffic = Json::object();
        traffic.set("bytes", event.bytes);
        record.set("traffic", std::move(traffic));
    }
    if (event.what != What::dns_denied) return;
    auto query = Json::object();
    query.set("hostname", or_unknown(event.resource.view()));
    record.set("query", std::move(query));
}

// OCSF's number for what was done; what it has no number for is "other".
std::uint32_t http_activity(std::string_view method)
{
    constexpr std::string_view kMethods[] = {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PATCH"};
    auto const found = std::ranges::find(kMethods, method);
    return found == std::end(kMethods) ? kOther : static_cast<std::uint32_t>(found - std::begin(kMethods)) + 1;
}

struct HttpWords {
    std::string_view method;
    std::string_view path;
};

// detail is "METHOD PATH ..."; neither has a space in it.
HttpWords http_words(std::string_view detail)
{
    auto const next = [&detail] {
        auto const end = std::min(detail.find(' '), detail.size());
        auto const word = detail.substr(0, end);
        detail.remove_prefix(std::min(end + 1, detail.size()));
        return word;
    };
    auto const method = next();
    return {method, next()};
}

// resource is the host that the request named, `number` the status that the guest got.
void set_http(Json& record, proto::Event const& event)
{
    auto const words = http_words(event.detail.view());
    auto url = Json::object();
    url.set("hostname", or_unknown(event.resource.view())).set("path", or_unknown(words.path));
    auto request = Json::object();
    request.set("http_method", or_unknown(words.method)).set("url", std::move(url));
    auto response = Json::object();
    response.set("code", event.number);
    auto source = Json::object();
    source.set("uid", event.session ? hex_of(event.session) : std::string("none"));
    record.set("http_request", std::move(request)).set("http_response", std::move(response)).set("src_endpoint", std::move(source));
    record.set("dst_endpoint", [&] {
        auto destination = Json::object();
        destination.set("hostname", or_unknown(event.resource.view()));
        return destination;
    }());
}

// To a session's egress, something is lent: what for is the resource, what it is stands in the detail.
void set_authorization(Json& record, proto::Event const& event, Envelope const& envelope)
{
    auto session = Json::object();
    session.set("uid", hex_of(event.session));
    auto privileges = Json::array();
    privileges.push(Json::string(or_unknown(event.resource.view())));
    record.set("user", named(or_unknown(event.actor.view()))).set("session", std::move(session));
    record.set("privileges", std::move(privileges)).set("service", named(proto::name_of(envelope.source)));
}

void set_class_fields(Json& record, proto::Event const& event, OcsfClass const& kind, Envelope const& envelope)
{
    switch (kind.class_uid) {
    case kApi: return set_api(record, event, kind, envelope);
    case kProcess: return set_process(record, event, envelope);
    case kFileSystem: return set_file(record, event, envelope);
    case kNetworkActivity:
    case kDns: return set_network(record, event);
    case kHttp: return set_http(record, event);
    case kAuthentication:
        record.set("user", named(or_unknown(event.actor.view()))).set("service", named(proto::name_of(envelope.source)));
        return;
    case kAuthorize: return set_authorization(record, event, envelope);
    default: break;
    }
    auto entity = named(or_unknown(event.resource.view()));
    if (event.session) entity.set("uid", hex_of(event.session));
    record.set("actor", actor_of(event)).set("entity", std::move(entity));
}

Json attestation_of(Envelope const& envelope)
{
    auto attestation = Json::object();
    attestation.set("authority_uid", envelope.appliance).set("chain_uid", proto::name_of(envelope.source));
    if (envelope.link.sequence > 1) {
        auto fingerprint = Json::object();
        fingerprint.set("algorithm_id", kSha256).set("value", crypto::to_hex(envelope.link.previous));
        auto previous = Json::object();
        previous.set("uid", uid_of(envelope.source, envelope.link.sequence - 1)).set("fingerprint", std::move(fingerprint));
        attestation.set("prev_event", std::move(previous));
    }
    return attestation;
}

// The mandatory envelope (AU-1) stands in one place for every class, so a reader needs no OCSF knowledge to find it.
Json unmapped_of(proto::Event const& event, OcsfClass const& kind, Envelope const& envelope)
{
    auto unmapped = Json::object();
    unmapped.set("trace", event.trace.view()).set("session", hex_of(event.session)).set("actor", event.actor.view());
    unmapped.set("resource", event.resource.view()).set("action", kind.name);
    unmapped.set("outcome", event.outcome == proto::Outcome::success ? "success" : "failure");
    unmapped.set("reason", proto::name_of(event.reason)).set("detail", event.detail.view());
    unmapped.set("number", event.number).set("bytes", event.bytes).set("attestation", attestation_of(envelope));
    return unmapped;
}

}  // namespace

OcsfClass class_of(What what) { return kClasses[static_cast<std::size_t>(what)]; }

std::string to_record(proto::Event const& event, Envelope const& envelope)
{
    auto kind = class_of(event.what);
    if (event.what == What::http_request) kind.activity_id = http_activity(http_words(event.detail.view()).method);
    auto record = Json::object();
    record.set("activity_id", static_cast<std::int64_t>(kind.activity_id))
        .set("category_uid", static_cast<std::int64_t>(kind.category_uid));
    record.set("class_uid", static_cast<std::int64_t>(kind.class_uid));
    record.set("type_uid", static_cast<std::int64_t>(kind.class_uid * 100 + kind.activity_id));
    record.set("severity_id", static_cast<std::int64_t>(kind.severity_id));
    record.set("status_id", event.outcome == proto::Outcome::success ? 1 : 2);
    if (event.reason != proto::Reason::none) record.set("status_code", proto::name_of(event.reason));
    record.set("time", static_cast<std::int64_t>(envelope.time.time_since_epoch().count()));
    if (event.duration_ms != 0) record.set("duration", event.duration_ms);
    record.set("message", kind.name).set("metadata", metadata_of(event, envelope));
    set_class_fields(record, event, kind, envelope);
    record.set("unmapped", unmapped_of(event, kind, envelope));
    return record.print();
}

}  // namespace ocu::audit
