// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/session_notes.h"

#include <format>
#include <utility>

#include "sandbox/limits.h"

namespace ocu::sandbox {

void SessionNotes::session(Session const& session, proto::What what, proto::Outcome outcome, proto::Reason reason)
{
    proto::Event event;
    event.what = what;
    event.outcome = outcome;
    event.reason = reason;
    event.session = session.id;
    event.resource = wire::Text<512>(proto::name_of(session.tier));
    event.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - session.began).count();
    recorder_.note(std::move(event));
}

void SessionNotes::process_ended(Session const& session, proto::ExecProcessEnded const& ended)
{
    proto::Event event;
    event.what = proto::What::process_ended;
    event.session = session.id;
    event.actor = "guest";
    event.resource = "process " + std::to_string(ended.process);
    event.detail = ended.timed_out ? "timeout" : "";
    event.number = ended.status;
    event.bytes = ended.output_bytes;
    event.duration_ms = ended.duration.count();
    recorder_.note(std::move(event));
}

void SessionNotes::programs_ran(Session& session, proto::ExecProgramsRun const& told)
{
    session.programs_held.count += told.count;
    session.programs_held.untold += told.untold;
    if (clock_.now() >= session.programs_from) programs(session, told.shown.view());
}

void SessionNotes::programs_left(Session& session)
{
    if (session.programs_held.count + session.programs_held.untold != 0) programs(session, "");
}

void SessionNotes::programs(Session& session, std::string_view shown)
{
    auto const held = std::exchange(session.programs_held, {});
    proto::Event event;
    event.what = proto::What::programs_run;
    event.session = session.id;
    event.actor = "guest";
    event.resource = held.count == 1 ? "1 program" : std::to_string(held.count) + " programs";
    event.detail = held.untold == 0 ? std::string(shown) : std::format("{}; {} more untold", shown, held.untold);
    event.number = static_cast<std::int64_t>(held.count);
    session.programs_from = clock_.now() + kProgramsGap;
    recorder_.note(std::move(event));
}

}  // namespace ocu::sandbox
