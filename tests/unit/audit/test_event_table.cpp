// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: docs/formats/events.md is what the code says. Where it is not, `test_audit "[.write]"` in a tree that can be written makes it anew.

#include <format>
#include <set>

#include "audit/event.h"
#include "audit/reading.h"
#include "unit/audit/event_words.h"
#include "unit/audit/support.h"
#include "wire/json.h"

namespace test_event_table {

using namespace audit_support;
using event_words::kWords;
using event_words::Words;

constexpr char kPath[] = "docs/formats/events.md";
constexpr WallTime kTime{std::chrono::milliseconds(1'790'000'000'123)};
static_assert(std::size(kWords) == static_cast<std::size_t>(proto::What::kLast) + 1, "each event has its words");

std::string example_of(Words const& words)
{
    proto::Event event;
    event.what = words.what;
    event.reason = words.reason;
    event.outcome = words.failure || (words.reason != proto::Reason::none && words.what != proto::What::session_destroy)
                        ? proto::Outcome::failure
                        : proto::Outcome::success;
    event.session = SessionId{words.session ? 0xabcdu : 0u};
    event.trace = "4f1c9a02be77d310";
    event.actor = words.actor;
    event.resource = words.resource;
    event.detail = words.detail;
    event.number = words.number;
    event.bytes = words.bytes;
    event.duration_ms = words.duration_ms;
    return to_record(event, {.source = words.source, .time = kTime, .link = {}, .appliance = "box"});
}

// Members that are there for the event's class, beyond what every record has.
std::string fields_of(std::string const& record)
{
    static std::set<std::string_view> const kEvery{"activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "status_id",
        "status_code", "time", "duration", "message", "metadata", "unmapped"};
    std::string out;
    auto const parsed = wire::Json::parse(record).value();
    parsed.view().each([&out](std::string_view key, wire::JsonView) {
        if (!kEvery.contains(key)) out += (out.empty() ? "" : ", ") + std::string(key);
    });
    return out;
}

std::string table()
{
    std::string out =
        "# Every event of the record\n\n"
        "Made from `src/audit/event.cpp` and `tests/unit/audit/event_words.h`, and checked by `tests/unit/audit`. `docs/formats/audit.md` "
        "says what a record is. Class and\n"
        "activity are OCSF's; the severity is what that class says it is (1 informational, 2 low, 3 medium, 4 high). `http_request`'s "
        "activity is its method's.\n"
        "The example is what `audit tail` shows: time, source, event, outcome or reason, session, actor, resource, detail, then `number`, "
        "`bytes` and `ms` where they are not 0.\n\n"
        "| event | when, and what its fields hold | class | activity | severity | fields of the class |\n|---|---|---|---|---|---|\n";
    std::string examples = "\n## An example of each\n```\n";
    for (auto const& words : kWords) {
        auto const kind = class_of(words.what);
        auto const record = example_of(words);
        out += std::format("| `{}` | {} | {} | {} | {} | {} |\n", kind.name, words.when, kind.class_uid, kind.activity_id, kind.severity_id,
            fields_of(record));
        examples += line_of(read_record(record).value()) + "\n";
    }
    return out + examples + "```\n\n## One of them in full\n```json\n" +
           example_of(kWords[static_cast<std::size_t>(proto::What::egress_denied)]) + "\n```\n";
}

TEST_CASE("events: given every event of the code, when the table of the documents is compared, then it says the same", "[audit][AU-1]")
{
    for (std::size_t i = 0; i < std::size(kWords); ++i) CHECK(static_cast<std::size_t>(kWords[i].what) == i);
    CHECK(read(kPath) == table());
}

TEST_CASE("events: the table is written", "[.write]") { write(kPath, table()); }

}  // namespace test_event_table
