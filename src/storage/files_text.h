// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How the file API writes things down: paths in URLs, entries and errors in JSON, times, ETags, ranges. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "proto/files_front_to_broker.h"
#include "proto/reason.h"
#include "wire/http.h"
#include "wire/json.h"

namespace ocu::storage {

// "2026-01-02T03:04:05.678Z"
std::string timestamp(std::int64_t ns_since_1970);
std::string etag_of(proto::FileEntry const& entry);
// Whether an If-None-Match of that value names it.
bool names_etag(std::string_view list, std::string_view etag);
wire::Json entry_json(proto::FileEntry const& entry);
// For Content-Disposition: the name in ASCII, and as it is.
std::string disposition(std::string_view how, std::string_view path);

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t bytes = 0;
};
enum class NoRange { whole, unsatisfiable };  // whole: no Range, or one that may be ignored
std::expected<ByteRange, NoRange> range_of(std::string_view header, std::uint64_t size);

// {"error":{code,message,trace}}, with the status that goes with the reason.
wire::HttpResponse files_error(unsigned status, std::string_view code, std::string_view trace);
wire::HttpResponse files_error(proto::Reason reason, std::string_view trace, std::uint32_t retry_after_s = 0);
// archive_refused, with the word of the rule and a sentence for it.
wire::HttpResponse archive_error(proto::ArchiveRule rule, std::string_view trace);
wire::HttpResponse files_json(unsigned status, wire::Json const& body);

}  // namespace ocu::storage
