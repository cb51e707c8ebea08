// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/audit_cold.h"
#include "audit/cold_object.h"
#include "audit/helpers.h"
#include "audit/layout.h"
#include "audit/note.h"
#include "audit/read_given.h"
#include "base/log.h"
#include "helper/frame.h"
#include "helper/handed_secret.h"
#include "proto/broker_to_storage_lane.h"
#include "wire/percent.h"

namespace ocu::audit {

namespace {

using proto::ColdAnswer;

enum Descriptor : std::size_t { kNamespace, kSegment, kLane, kCredential, kDescriptors };

constexpr std::chrono::milliseconds kLanePatience{12'000};
constexpr std::chrono::milliseconds kRequestTime{60'000};
constexpr std::chrono::seconds kStall{10};
constexpr std::size_t kLaneBodyMax = 64;

// A way to the store, for as often as it is asked for.
class Lane {
public:
    explicit Lane(UniqueFd channel) : channel_(std::move(channel)) {}
    UniqueFd connect()
    {
        proto::LaneConnect const ask{RequestId{++requests_}};
        if (!helper::write_frame(channel_.get(), static_cast<std::uint16_t>(proto::LaneConnect::kType), wire::encode(ask), {})) return {};
        auto frame = helper::read_frame(channel_.get(), kLaneBodyMax, kLanePatience);
        if (!frame || frame->type != static_cast<std::uint16_t>(proto::LaneOpened::kType) || frame->descriptors.size() != 1) return {};
        auto const answer = wire::decode<proto::LaneOpened>(frame->body);
        return answer && answer->request == ask.request ? std::move(frame->descriptors.front()) : UniqueFd();
    }

private:
    UniqueFd channel_;
    std::uint64_t requests_ = 0;
};

class Keeper {
public:
    Keeper(proto::ColdConfig const& config, Secret const& credential, Lane& lane) : config_(config), client_(rules(credential, lane)) {}

    // What is there already and holds for long enough is left as it is: the word that it does may have been lost (at least once).
    ColdAnswer keep(std::string const& key, std::string_view bytes, std::int64_t until_s)
    {
        ColdWanted const wanted{crypto::sha256(bytes), config_.mode, until_s};
        auto const there = read_back(key, bytes.size(), wanted);
        bool const store_spoke = there == ColdAnswer::answered || there == ColdAnswer::other_bytes || there == ColdAnswer::not_locked ||
                                 there == ColdAnswer::wrong_lock;
        if (!store_spoke) return there;
        auto const put = judge_put(ask(request_to_put(key, bytes, wanted)));
        return put == ColdAnswer::kept ? read_back(key, bytes.size(), wanted) : put;
    }

    std::uint16_t status() const { return static_cast<std::uint16_t>(std::clamp(status_, 0l, 999l)); }

private:
    wire::HttpClientRules rules(Secret const& credential, Lane& lane) const
    {
        wire::HttpClientRules out;
        out.connect = [&lane] { return lane.connect(); };
        out.ca_pem = config_.place.ca_pem.str();
        out.signing = "aws:amz:" + config_.place.region.str() + ":s3";
        out.credential = &credential;
        out.connect_time = kLanePatience;
        out.stall_time = kStall;
        out.connections_max = 1;
        return out;
    }

    std::string url_of(std::string const& key) const
    {
        constexpr std::string_view kScheme = "://";
        auto url = config_.place.endpoint.str();
        auto const bucket = config_.place.bucket.str();
        if (config_.place.path_style)
            url += "/" + bucket;
        else
            url.insert(url.find(kScheme) + kScheme.size(), bucket + ".");
        return url + "/" + wire::percent_encoded(config_.place.prefix.str() + key, "/");
    }

    wire::HttpAsk request_to_put(std::string const& key, std::string_view bytes, ColdWanted const& wanted) const
    {
        wire::HttpAsk out{.method = "PUT", .url = url_of(key)};
        // Object Lock wants a checksum over what is put.
        out.fields = {"x-amz-content-sha256: " + crypto::to_hex(wanted.digest), "x-amz-checksum-sha256: " + crypto::to_base64(wanted.digest),
            "x-amz-object-lock-mode: " + std::string(name_of(wanted.mode)), "x-amz-object-lock-retain-until-date: " + format_lock(wanted.until_s),
            "Content-Type: application/octet-stream"};
        out.body = std::as_bytes(std::span(bytes));
        return out;
    }

    ColdAnswer read_back(std::string const& key, std::size_t size, ColdWanted const& wanted)
    {
        wire::HttpAsk out{.method = "GET", .url = url_of(key)};
        out.fields = {"x-amz-content-sha256: " + crypto::to_hex(crypto::sha256(std::string_view()))};
        out.wanted = ColdWanted::lock_fields();
        out.answer_bytes_max = std::max<std::size_t>(size, 64u << 10);  // room for what a store says when it says no
        return judge_read_back(ask(std::move(out)), wanted);
    }

    wire::HttpGot ask(wire::HttpAsk ask)
    {
        ask.time = kRequestTime;
        auto got = client_.ask(std::move(ask));
        status_ = got.status;
        return got;
    }

    proto::ColdConfig const& config_;
    wire::HttpClient client_;
    long status_ = 0;
};

proto::ColdOutcome no(ColdAnswer answer, std::uint16_t status = 0) { return {answer, status, 0, 0, {}}; }

// The head first: a segment that is confirmed has one beside it.
proto::ColdOutcome keep(proto::ColdConfig const& config, std::string const& segment, Secret const& credential, Lane& lane)
{
    auto const sealed = read_sealed(segment);
    if (!sealed) return no(ColdAnswer::log_unreadable);
    auto const head = parse_note(config.head.view());
    if (!head || head->checkpoint.size < sealed->end) return no(ColdAnswer::no_head);
    auto const until_s = lock_until_s(sealed->newest_ms, config.days, SystemClock().wall());
    Keeper keeper(config, credential, lane);
    for (auto const& [key, bytes] : {std::pair{head_key(config.segment), config.head.view()}, std::pair{segment_path(config.segment), std::string_view(segment)}})
        if (auto const answer = keeper.keep(key, bytes, until_s); answer != ColdAnswer::kept) return no(answer, keeper.status());
    return {ColdAnswer::kept, keeper.status(), sealed->end, until_s * 1000, crypto::sha256(segment)};
}

}  // namespace

// Entered by re-execution: `ocu-appliance helper audit-cold`. One segment, one word, the end (T-43).
Result<void> audit_cold_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::ColdConfig>());
    auto& descriptors = helper.descriptors();
    if (descriptors.size() != kDescriptors) return fail(Fault::malformed, "audit-cold needs four descriptors");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kAuditCold));
    auto receiver = OCU_TRY(helper::SecretReceiver::make(std::move(descriptors[kCredential])));
    auto const segment = OCU_TRY(read_given(descriptors[kSegment].get(), kSegmentBytesMax));  // looked into once it is confined
    Lane lane(std::move(descriptors[kLane]));
    OCU_CHECK(wire::http_begin());  // opens files
    OCU_CHECK(helper.confine(profiles::kAuditCold));
    auto const link = OCU_TRY(helper.report_ready());
    auto const credential = OCU_TRY(receiver.receive(helper::kHandedSecretWait));
    auto const outcome = keep(config, segment, credential, lane);
    return helper::write_frame(link.get(), static_cast<std::uint16_t>(proto::ColdOutcome::kType), wire::encode(outcome), {});
}

}  // namespace ocu::audit
