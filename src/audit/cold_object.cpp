// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/cold_object.h"

#include <algorithm>
#include <format>

#include "audit/journal.h"
#include "audit/reading.h"
#include "base/moment.h"
#include "proto/retention.h"

namespace ocu::audit {

using proto::ColdAnswer;

namespace {

constexpr long kOk = 200, kRedirected = 300, kBadRequest = 400, kNotImplemented = 501;
// What a bucket without Object Lock says to one who asks for a lock.
constexpr std::string_view kNoLockHere = "<Code>InvalidRequest</Code>";

ColdAnswer answer_of(wire::HttpFailure failure)
{
    using wire::HttpFailure;
    switch (failure) {
    case HttpFailure::none: return ColdAnswer::kept;
    case HttpFailure::unreachable:
    case HttpFailure::unusable_address: return ColdAnswer::unreachable;
    case HttpFailure::tls:
    case HttpFailure::handshake: return ColdAnswer::tls;
    case HttpFailure::timed_out: return ColdAnswer::timed_out;
    case HttpFailure::too_large: return ColdAnswer::other_bytes;
    case HttpFailure::broken: return ColdAnswer::broken;
    }
    return ColdAnswer::broken;
}

}  // namespace

Result<SealedSegment> read_sealed(std::string_view bytes)
{
    SealedSegment out{OCU_TRY(parse_header(bytes)).first_index, 0};
    FrameReader reader(bytes);
    while (auto const frame = OCU_TRY(reader.next())) {
        auto const read = read_record(frame->record);
        if (!read) return fail(Fault::malformed, "record of a sealed segment is none");
        out.newest_ms = std::max<std::int64_t>(out.newest_ms, read->time.time_since_epoch().count());
        ++out.end;
    }
    if (!reader.tail().empty()) return fail(Fault::malformed, "bytes after the end of a segment");
    return out;
}

std::int64_t lock_until_s(std::int64_t newest_ms, std::uint32_t days, WallTime now)
{
    auto const newest_s = (std::clamp<std::int64_t>(newest_ms, 0, proto::kNewestMsMax) + 999) / 1000;
    auto const now_s = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    return std::max(newest_s + std::int64_t{days} * 86'400, now_s + kColdLockMin_s);
}

std::string format_lock(std::int64_t until_s) { return std::format("{:%FT%TZ}", std::chrono::sys_seconds(std::chrono::seconds(until_s))); }

ColdAnswer judge_read_back(wire::HttpGot const& got, ColdWanted const& wanted)
{
    if (got.failure != wire::HttpFailure::none) return answer_of(got.failure);
    if (got.status != kOk) return ColdAnswer::answered;
    if (crypto::sha256(got.body) != wanted.digest) return ColdAnswer::other_bytes;
    auto const& mode = got.fields.at(0);
    auto const& until = got.fields.at(1);
    if (mode.empty() && until.empty()) return ColdAnswer::not_locked;
    auto const moment = parse_moment(until);
    return mode == name_of(wanted.mode) && moment && *moment >= wanted.until_s ? ColdAnswer::kept : ColdAnswer::wrong_lock;
}

ColdAnswer judge_put(wire::HttpGot const& got)
{
    if (got.failure != wire::HttpFailure::none) return answer_of(got.failure);
    if (got.status >= kOk && got.status < kRedirected) return ColdAnswer::kept;
    std::string_view const body(reinterpret_cast<char const*>(got.body.data()), got.body.size());
    bool const no_lock = got.status == kNotImplemented || (got.status == kBadRequest && body.contains(kNoLockHere));
    return no_lock ? ColdAnswer::not_locked : ColdAnswer::answered;
}

std::string head_key(std::uint64_t segment) { return std::format("heads/{:08}", segment); }

}  // namespace ocu::audit
