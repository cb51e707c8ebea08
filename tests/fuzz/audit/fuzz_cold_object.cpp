// SPDX-License-Identifier: GPL-3.0-or-later
// What a store answers about the lock of an object: three lines (status, mode, until), then a body. Nothing counts but the very bytes under a lock that is long
// enough. And the file that says how far the cold tier is.

#include <charconv>

#include "audit/cold_object.h"
#include "audit/cold_position.h"
#include "base/assert.h"
#include "base/moment.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu;
    using namespace ocu::audit;
    std::string_view rest(reinterpret_cast<char const*>(data), size);
    if (auto const position = parse_cold(rest)) OCU_ASSERT(format_cold(*position) == rest);
    auto const take_line = [&rest] {
        auto const line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        return line;
    };
    wire::HttpGot got;
    auto const status = take_line();
    (void)std::from_chars(status.data(), status.data() + status.size(), got.status);
    got.fields = {std::string(take_line()), std::string(take_line())};
    auto const bytes = std::as_bytes(std::span(rest));
    got.body.assign(bytes.begin(), bytes.end());
    ColdWanted const wanted{crypto::sha256(std::string_view("segment")), proto::ColdMode::compliance, 2'016'000'000};
    if (judge_read_back(got, wanted) == proto::ColdAnswer::kept) {
        auto const until = parse_moment(got.fields[1]);
        OCU_ASSERT(got.status == 200 && rest == "segment" && got.fields[0] == "COMPLIANCE" && until && *until >= wanted.until_s);
    }
    auto const put = judge_put(got);
    OCU_ASSERT((put == proto::ColdAnswer::kept) == (got.status >= 200 && got.status < 300));
    return 0;
}
