// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Writes `ocu-report/` in a volume's root directory. Each file is written beside its place, synced and renamed: a stick that is pulled out
// half-way holds the old file or the new one.

#include <expected>
#include <optional>
#include <string_view>

#include "base/unique_fd.h"
#include "proto/stick_to_init.h"

namespace ocu::stick {

// [a-z0-9._-]{1,64}, not beginning or ending with a dot: one plain component, on every format.
bool is_report_name(std::string_view name);

class Report {
public:
    // Makes the directory, or takes one that is there; a symbolic link in its place is refused.
    static std::expected<Report, proto::StickRefusal> open(int root);
    // Errors: read_only, full, unreadable.
    std::optional<proto::StickRefusal> write(proto::ReportFile const& file);
    // Nothing of the report is lost after it, whatever happens to the stick.
    std::optional<proto::StickRefusal> sync();

private:
    Report(UniqueFd root, UniqueFd directory) : root_(std::move(root)), directory_(std::move(directory)) {}
    UniqueFd root_;
    UniqueFd directory_;
};

}  // namespace ocu::stick
