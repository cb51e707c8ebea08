// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// STATE/callers/table, the file of control/caller_book.h. It is written on a thread of its own, which lives as long as one write: a disk that does not
// answer keeps no role's thread waiting (T-17). Threading: keep() from control's thread; its word comes from the writer's.

#include <functional>
#include <string>
#include <thread>

#include "control/caller_book.h"

namespace ocu::appliance {

// As it lies there, verified or not: one that cannot be read or is too large is a damaged one.
control::CallerBook open_callers(std::string const& path, std::vector<helper::Caller> declared, std::vector<std::string> reserved, Clock const& clock);

class CallersFile {
public:
    explicit CallersFile(std::string path) : path_(std::move(path)) {}
    ~CallersFile();

    // Written beside, synced, renamed. One at a time: only after the word on the one before.
    void keep(wire::Bytes bytes, std::function<void(bool)> done);

private:
    std::string path_;
    std::thread writer_;
};

}  // namespace ocu::appliance
