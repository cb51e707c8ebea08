// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The core as a child of the first process: `ocu-appliance run`, its output read line by line, its end noticed and never missed.
// It does not start itself again: that is the plan's business. Threading: the loop's thread only.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "appliance/init/core_lines.h"
#include "appliance/init/plan_actions.h"
#include "base/unique_fd.h"
#include "wire/loop.h"

namespace ocu::init {

inline constexpr std::chrono::seconds kCoreStopWait{25};

struct CoreCommand {
    std::string manifest;         // file; .minisig beside it
    std::string trust;            // minisign public key file
    std::string image;            // block device or file
    std::string service_address;  // empty: none
    std::string mounts;           // directory with the files of sandbox.mounts
};

// The words after the program's name. Pure.
std::vector<std::string> core_arguments(CoreCommand const& command);

class CoreProcess {
public:
    struct Events {
        std::function<void(CoreReady)> on_ready;
        std::function<void(CoreStatus)> on_status;
        std::function<void(std::string_view)> on_line;     // of its standard error
        // asked: exit code 0. `why`: the error that it said last, if any.
        std::function<void(CoreEnd how, manifest::Refusal why)> on_end;
    };

    CoreProcess(wire::Loop& loop, Events events) : loop_(loop), events_(std::move(events)) {}

    // One at a time. Errors: os, conflict.
    Result<void> start(CoreCommand const& command);
    // SIGTERM; after kCoreStopWait SIGKILL. on_end follows.
    void stop();
    // The first process reaped this child.
    void reaped(pid_t pid, int status);
    bool runs() const { return pid_ > 0; }

private:
    void read_output();
    void read_errors();
    void kill_now();

    wire::Loop& loop_;
    Events events_;
    pid_t pid_ = 0;
    UniqueFd output_;
    UniqueFd errors_;
    LineSplitter output_lines_;
    LineSplitter error_lines_;
    manifest::Refusal last_words_;
    wire::Watch output_watch_;
    wire::Watch errors_watch_;
    wire::Watch patience_;
};

}  // namespace ocu::init
