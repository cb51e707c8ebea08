// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every frame type that crosses a process boundary, numbered once. Each arrow has a block of 32; the arrow's own file holds the
// structs and the permit tables of both directions.

#include <cstdint>

namespace ocu::proto {

enum class Type : std::uint16_t {
    // gateway_front <-> gateway
    authorize = 0x0100,
    authorized,
    call_tool,
    cancel_call,
    call_progress,
    call_done,
    callers_changed,
    front_refused,
    health_wanted,
    health_told,
    // operator_front <-> control
    operator_connection = 0x0120,
    operator_refused,
    operator_ask,
    operator_answer,
    // files_front <-> storage
    files_ask = 0x0140,
    files_answer,
    files_opened,
    files_refusal,
    // parser <-> storage
    inspect = 0x0160,
    inspected,
    // custody helper <-> custody
    sign_checkpoint = 0x0180,
    checkpoint_signed,
    mint_token,
    token_minted,
    custody_keys,
    hand_identity,
    open_edge_channel,
    grant_lease,
    revoke_session,
    lease_held,
    open_source_channel,
    source_held,
    revoke_lease,
    sign_notice,
    notice_mac,
    // broker <-> storage
    broker_stats = 0x01a0,
    files_channel,
    files_record,
    files_recorded,
    files_note,
    files_closed,
    // launcher <-> sandbox
    launcher_prepare = 0x01c0,
    launcher_prepared,
    launcher_start,
    launcher_started,
    launcher_kill,
    launcher_killed,
    launcher_destroy,
    launcher_destroyed,
    launcher_exited,
    launcher_failed,
    // exec <-> sandbox
    exec_call = 0x01e0,
    exec_cancel,
    exec_progress,
    exec_done,
    exec_ready,
    exec_guest_gone,
    // guest <-> exec
    guest_welcome = 0x0200,
    guest_ready,
    guest_run,
    guest_signal,
    guest_output,
    guest_exited,
    guest_file,
    guest_file_done,
    guest_failed,
    // edge helper (one per session) <-> edge
    name_asked = 0x0220,
    name_decided,
    route_asked,
    route_opened,
    route_refused,
    request_asked,
    request_allowed,
    request_refused,
    request_done,
    connection_ended,
    connection_cut,
    egress_denied,
    connect_asked,
    connect_decided,
    custody_channel,
    icap_asked,
    icap_opened,
    icap_refused,
    // storage_lane <-> edge
    storage_lane_stats = 0x0240,
    // audit_writer <-> audit
    append = 0x0260,
    appended,
    checkpoint_wanted,
    checkpoint_signature,
    append_failed,
    log_opened,
    // mounter -> init
    volume_mounted = 0x0280,
    volume_refused,
    // stick <-> init
    volume_probed = 0x02a0,
    stick_files,
    stick_refused,
    report_file,
    report_end,
    report_written,
    // dhcp <-> init
    dhcp_lease = 0x02c0,
    dhcp_lost,
    // time <-> init
    time_measured = 0x02e0,
    time_failed,
    time_socket_wanted,
    time_socket,
    // screen <-> init
    screen_state = 0x0300,
    screen_line,
    screen_question,
    screen_question_gone,
    screen_answer,
    screen_wish,
    screen_size,
    // uplink <-> edge
    dial = 0x0320,
    dial_cancel,
    dialled,
    dial_failed,
    dial_judged,
    // edge helper <-> custody helper
    leaf_wanted = 0x0340,
    leaf_made,
    redeem,
    redeemed,
    client_proof_wanted,
    client_proof,
    // secret_source helper <-> custody helper
    source_begin = 0x03a0,
    source_proof_wanted,
    source_proof,
    source_answered,
    // notifier <-> edge
    post_notice = 0x03c0,
    notice_posted,
    // files_front <-> broker, one link for each request
    file_list = 0x03e0,
    file_entries,
    file_open,
    file_opened,
    file_read,
    file_bytes,
    file_begin,
    file_ready,
    file_piece,
    file_taken,
    file_end,
    file_written,
    file_remove,
    file_removed,
    file_fault,
};

}  // namespace ocu::proto
