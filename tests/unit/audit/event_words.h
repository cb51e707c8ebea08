// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What docs/formats/events.md says of each event, in the order of proto::What: who adds an event says here what it means.

#include <string_view>

#include "proto/any_to_audit.h"

namespace event_words {

using ocu::proto::Reason;
using ocu::proto::Source;
using ocu::proto::What;

struct Words {
    What what;
    Source source;          // of the example; where others write it too, `when` says so
    std::string_view when;  // and what `resource`, `detail`, `number` and `bytes` are where that is not plain from the example
    std::string_view actor, resource, detail;
    std::int64_t number = 0;
    std::uint64_t bytes = 0;
    std::int64_t duration_ms = 0;
    Reason reason = Reason::none;
    bool session = true;
    bool failure = false;  // also without a reason
};

inline constexpr Words kWords[] = {
    {What::appliance_start, Source::core, "before READY; `resource` the version, `detail` what the vault's key is bound to", "core",
        "0.1.0", "vault-key=state-disk", 0, 0, 0, Reason::none, false},
    {What::appliance_stop, Source::core, "when it begins to stop", "core", "", "", 0, 0, 0, Reason::none, false},
    {What::manifest_applied, Source::core, "at every start; `detail` the manifest's SHA-256, `number` its serial", "core", "box", "9f2c...",
        7, 0, 0, Reason::none, false},
    {What::trust_profile_downgraded, Source::core,
        "before READY, where the manifest holds its guests less than the one before it: profile and tier, `from->to` (`unknown`: what was "
        "remembered is damaged); `number` its serial",
        "", "internal_workforce/gvisor->trusted_operator/runc", "9f2c...", 7, 0, 0, Reason::none, false},
    {What::helper_start, Source::core, "a standing helper is confined and ready", "core", "gateway-front", "", 4711, 0, 0, Reason::none,
        false},
    {What::helper_death, Source::core, "a helper ended by itself (of a session's egress: source edge); its zone is closed until it is back",
        "core", "files-front", "", 9, 0, 0, Reason::none, false, true},
    {What::helper_violation, Source::core,
        "a helper said what its channel does not allow, and was ended (of a session: sources sandbox, storage, edge)", "core", "parser", "",
        9, 0, 0, Reason::none, false, true},
    {What::session_create, Source::control, "before anything is prepared for a session, or before one of the warm pool is its caller's; `detail` the chat", "dev",
        "s-000000000000abcd", "chat-1"},
    {What::session_pooled, Source::control, "before anything is prepared for a sandbox that is kept ready for whoever comes", "", "s-000000000000abcd", ""},
    {What::session_ready, Source::sandbox, "its guest answers; `resource` the tier", "", "runc", "", 0, 0, 451},
    {What::session_destroy, Source::control, "nothing is left of it; the reason says why it ended", "dev", "s-000000000000abcd", "chat-1", 0, 0, 0,
        Reason::session_killed},
    {What::session_failed, Source::sandbox, "it did not start, or was lost (also from control)", "", "runc", "", 0, 0, 0,
        Reason::session_failed},
    {What::session_refused, Source::control, "it was not begun; `detail` the chat", "dev", "", "chat-1", 0, 0, 0, Reason::too_many_sessions,
        false},
    {What::tool_call_begin, Source::gateway,
        "before a call runs; `detail` its command or path, bounded, and `sha256=` of all of the command or of the text that is written, `number` arguments "
        "that the tool does not know", "dev", "bash_tool", "ls -l sha256=f0f40cf78dab06e0d336e5ced925157780fdb4a376f454d6cc80f3d21bf10769"},
    {What::tool_call_end, Source::gateway, "before its answer is given; `detail` as it began; by the guest's word: `number` the exit status, `bytes` the output; `duration` by "
        "the host's clock; of process_start: `number` the number of the process", "dev", "bash_tool", "ls -l sha256=f0f40cf78dab06e0d336e5ced925157780fdb4a376f454d6cc80f3d21bf10769", 0, 214, 12},
    {What::tool_call_refused, Source::gateway, "it was not run; by policy: `detail` has what a rule would need; of a caller at its ceiling: folded, `number` how many", "dev", "bash_tool",
        "ls -l", 1, 0, 0, Reason::rate_exceeded},
    {What::process_ended, Source::sandbox, "a program that process_start began has ended before its session; by the guest's word: `number` its exit status, `bytes` all that it wrote; "
        "`detail` `timeout`: ended by us at its caller's time", "guest", "process 3", "", 0, 5321, 60012},
    {What::programs_run, Source::sandbox, "programs that ran in a gVisor guest, by the word of gVisor's kernel and not of the guest's agent: `number` how many, `detail` which, as far as there "
        "is place; `untold`: what it could not tell", "guest", "3 programs", "/usr/bin/bash -c ls | wc -l; /usr/bin/ls; /usr/bin/wc -l", 3, 0, 0},
    {What::caller_refused, Source::gateway, "no such key (also from storage, for files); folded: `number` how many", "unknown", "mcp", "",
        3, 0, 0, Reason::unauthorized, false},
    {What::egress_denied, Source::edge, "a connection or request of a guest was denied; like ones are folded: `count=`; `number` the port",
        "guest", "203.0.113.9:443", "protocol=tls count=1 name=other.example", 443, 0, 0, Reason::not_allowed},
    {What::dns_denied, Source::edge, "a name was not resolved for a guest; folded like the above", "guest", "other.example",
        "protocol=dns count=1", 53, 0, 0, Reason::not_allowed},
    {What::operator_action, Source::control,
        "before it is done, and again with its outcome where that is known later; `resource` the session, or the appliance", "root",
        "s-000000000000abcd", "kill"},
    {What::operator_refused, Source::control, "no right to it, or nonsense; `number` how many more in that minute were not written",
        "nobody", "", "kill-all", 0, 0, 0, Reason::forbidden, false},
    {What::mount_attach, Source::storage, "a broker was started for a session", "storage", "broker", ""},
    {What::mount_detach, Source::storage, "the session's files are gone; `bytes` were taken back", "storage", "broker", "", 0, 81920, 5021},
    {What::key_use, Source::custody,
        "the token key signed, or a key or credential was handed to the one process that needs it; `resource` which", "control",
        "session token key", "s-000000000000abcd"},
    {What::log_opened, Source::audit, "the writer opened the log; `detail` size and root before", "audit-writer", "journal",
        "size 41 root 5be1...", 0, 0, 0, Reason::none, false},
    {What::log_repaired, Source::audit, "a torn tail was cut: `bytes` that were never acknowledged, `detail` their SHA-256", "audit-writer",
        "journal", "cut sha256 77aa...", 0, 112, 0, Reason::none, false},
    {What::egress_opened, Source::edge, "before the first byte goes out; `detail` the rule and how it is handled", "guest",
        "api.example.org:443", "protocol=tls rule=api handling=bump", 443},
    {What::egress_closed, Source::edge, "a connection ended; `bytes` both ways", "guest", "api.example.org:443",
        "up=512 down=9000 address=203.0.113.7", 443, 9512, 310},
    {What::http_request, Source::edge, "a request at bump or http, done; `number` the status that the guest got", "guest",
        "api.example.org", "GET /v1/models rule=api", 200, 2048},
    {What::tripwire, Source::edge, "a session passed a tripwire of the manifest", "guest", "bytes_up",
        "its connections were ended and no more are let through", 0, 1073741825, 0, Reason::none, true, true},
    {What::lease_granted, Source::custody, "before a credential is lent; `number` its life in seconds", "edge", "api.example.org",
        "credential=api-key rule=api", 300},
    {What::lease_refused, Source::custody, "it was not lent; `number` how many more were not written", "edge", "api.example.org",
        "credential=api-key rule=api", 0, 0, 0, Reason::credential_unavailable},
    {What::lease_revoked, Source::custody, "leases were taken away before their end: `number` of them", "edge", "all leases of the session",
        "", 2},
    {What::notice_delivered, Source::edge, "the webhook's receiver took a notice; `number` its HTTP status", "core", "hooks.example:443",
        "id=... number=1 attempts=1 why= status=204", 204},
    {What::notice_failed, Source::edge, "it did not, for the first time since it last did; it is tried again", "core", "hooks.example:443",
        "id=... number=2 attempts=1 why=refused status=503", 503, 0, 0, Reason::none, true, true},
    {What::notice_given_up, Source::edge, "it is not tried again", "core", "hooks.example:443",
        "id=... number=2 attempts=9 why=refused status=503", 503, 0, 0, Reason::none, true, true},
    {What::resource_listed, Source::gateway, "resources/list; `number` of them", "dev", "resources/list", "", 3, 0, 2},
    {What::resource_read, Source::gateway, "resources/read; `detail` the path, `bytes` the answer", "dev", "resources/read",
        "outputs/report.md", 1, 1800, 3},
    {What::store_damaged, Source::storage, "a chunk did not open as what was sealed; its guest got EIO; at most one a second for a session",
        "storage", "", "", 0, 0, 0, Reason::none, true, true},
    {What::data_key_destroyed, Source::storage, "the process with the session's data key has ended", "storage", "broker", ""},
    {What::file_upload, Source::storage, "before an upload has its name; `detail` its path and type", "dev", "uploads/data.csv", "text/csv",
        0, 52100},
    {What::file_download, Source::storage, "before the first byte", "dev", "outputs/report.pdf", "", 200, 90112},
    {What::file_preview, Source::storage, "the same for the preview page", "dev", "outputs/plot.png", "", 200, 40960},
    {What::file_archive, Source::storage, "a zip of a directory", "dev", "outputs", "", 200, 131072},
    {What::file_list, Source::storage, "a listing; one record a minute and session, `number` says how many", "dev", "outputs", "", 4},
    {What::file_delete, Source::storage, "before it is deleted", "dev", "uploads/old.csv", ""},
    {What::file_refused, Source::storage, "a request of the file API was refused; folded: `number` how many", "dev", "outputs/secret.txt",
        "not_downloadable", 1, 0, 0, Reason::not_downloadable},
    {What::embed_token_made, Source::storage, "before a token is told; `detail` the chat, `number` its intents", "dev", "files", "chat-1",
        3, 0, 0, Reason::none, false},
    {What::browser_session_begun, Source::storage, "a browser changed its token for a cookie", "dev", "files", "chat-1", 3, 0, 0,
        Reason::none, false},
    {What::browser_session_ended, Source::storage, "it signed out", "dev", "files", "", 0, 0, 0, Reason::none, false},
    {What::backend_opened, Source::edge, "the storage lane connected a broker to the store", "storage-lane", "10.0.0.9:443", "use=broker"},
    {What::backend_closed, Source::edge, "that connection ended; `bytes` both ways", "storage-lane", "10.0.0.9:443",
        "use=broker up=5300 down=410", 0, 5710, 220},
    {What::backend_failed, Source::edge, "it did not come about, or was cut; `detail` why", "storage-lane", "10.0.0.9:443",
        "use=broker why=unreachable", 0, 0, 0, Reason::none, true, true},
    {What::store_swept, Source::storage, "objects below a prefix were removed: `number` of them, `bytes` in all", "storage",
        "files/ocu/r-.../s-000000000000abcd/", "attempt=1", 9, 41943040},
    {What::session_metered, Source::control,
        "what a session has used since the record before it: `part` an `hour` of it, what it used in the warm `pool`, or the `end`; by the host's count; `number` "
        "which of its records this is, `bytes` of its connections, `duration` the time; `unread=`: what could not be read at the end", "dev", "s-000000000000abcd",
        "part=end cpu_us=1830412 memory_kib_s=89088000 mount_read=4096 mount_written=1048576 egress_up=512 egress_down=9000 calls=3 denied=1 "
        "unread=- chat=chat-1", 1, 9512, 310'250},
    {What::audit_disk_watermark, Source::control,
        "the disk of the log has become fuller than `audit.watermark` says (failed), or there is room again (ok); `number` percent that are used, "
        "`bytes` that are free", "control", "audit directory", "watermark=80", 81, 8053063680, 0, Reason::none, false, true},
    {What::sink_failing, Source::audit, "a sink takes nothing now; `detail` where and why, `number` how many records it has. Once a minute at most; `times` since the last",
        "core", "audit-sink siem", "siem.example:6514 why=unreachable status=0 times=1", 4711, 0, 0, Reason::none, false, true},
    {What::sink_refused, Source::audit, "a sink answers that it does not want the record", "core", "audit-sink siem",
        "https://siem.example/services/collector why=answered status=403 times=1", 4711, 0, 0, Reason::none, false, true},
    {What::sink_recovered, Source::audit, "a sink that failed takes the record again, from where it stopped", "core", "audit-sink siem", "siem.example:6514",
        4900, 0, 0, Reason::none, false},
    {What::sink_position_damaged, Source::audit, "what was kept of a sink's position was of no use: it is sent the record from the beginning", "core",
        "audit-sink siem", "siem.example:6514 begins at the beginning", 0, 0, 0, Reason::none, false, true},
    {What::audit_head_witnessed, Source::audit,
        "a witness cosigned the newest head of the log, and that was checked; `number` records are under it; the cosignature stands here in full", "core",
        "audit-witness out", "https://witness.example/ time=1790000003 cosignature=q7Y...", 4711, 0, 0, Reason::none, false},
    {What::audit_head_refused, Source::audit,
        "a witness does not want the head, or what it answers does not count; `number` records are under the last that it cosigned. Once an hour at most for one cause",
        "core", "audit-witness out", "https://witness.example/ why=bad_cosignature status=200", 4700, 0, 0, Reason::none, false, true},
    {What::audit_head_conflict, Source::audit,
        "an alarm: a witness has seen another history of this log than the one that is here (`why=ahead`, `other_root`, `other_history`)", "core", "audit-witness out",
        "https://witness.example/ why=other_history status=422", 4700, 0, 0, Reason::none, false, true},
    {What::audit_head_overdue, Source::audit,
        "an alarm: a head has been owed to a witness for longer than its interval; `heads` of them, which the newest will stand for", "core", "audit-witness out",
        "https://witness.example/ why=unreachable status=0 owed_s=86405 heads=2", 4700, 0, 0, Reason::none, false, true},
    {What::audit_retention, Source::audit, "records that are older than `audit.retention_days` go: how many in all, from the first, is `number`; `detail` which, how old the newest of "
        "them is, and by which policy. On record before the retention checkpoint is signed", "audit", "journal",
        "records 0-812344 newest=2019-11-27T01:20:03Z days=2557 segment=101", 812345, 0, 0, Reason::none, false},
    {What::audit_retention_held, Source::audit, "old records are due and stay, and `why`: `clock` (nobody has checked it, or it was set in the last hour), `sink` (one has not got them), "
        "`damaged` (they do not verify), `signature` (custody did not sign), `cold` (the cold tier has not confirmed them). Once a day at most for each; `number` how many went before", "audit", "journal",
        "why=clock days=2557", 812345, 0, 0, Reason::none, false, true},
    {What::caller_expired, Source::control, "a caller that an operator made is over: its days have passed; its key opens nothing any more, and its sessions are ended", "control", "caller ci", "key=9f2c01aa",
        0, 0, 0, Reason::none, false},
    {What::callers_damaged, Source::control, "an alarm: the file of the callers that operators made does not verify, so nobody is let in, for who was revoked is not known. At every start with it, "
        "until `ctl callers reset`", "control", "callers/table", "", 0, 0, 0, Reason::callers_damaged, false, true},
    {What::audit_cold_kept, Source::audit, "a sealed segment lies in the cold tier: it was read back, and is locked; `number` records were confirmed before it, `detail` which it has, until when and its hash",
        "core", "audit-cold", "record/box/ of https://s3.corp.example segment=12 records=98304-106495 until=2033-11-28T01:20:03Z sha256=5d41...", 98304, 0, 0, Reason::none, false},
    {What::audit_cold_refused, Source::audit, "an alarm: the cold tier does not hold what it is given (`why=not_locked`, `wrong_lock`, `other_bytes`), does not want it (`answered`), or the segment "
        "does not check (`log_unreadable`). Once an hour at most for one cause; until it is confirmed nothing is removed here", "core", "audit-cold",
        "record/box/ of https://s3.corp.example segment=12 why=not_locked status=200", 98304, 0, 0, Reason::none, false, true},
    {What::audit_cold_overdue, Source::audit, "an alarm: a segment has been due for the cold tier for an hour; `segments` are", "core", "audit-cold",
        "record/box/ of https://s3.corp.example segment=12 why=unreachable status=0 segments=3 since_s=3604", 98304, 0, 0, Reason::none, false, true},
};

}  // namespace event_words
