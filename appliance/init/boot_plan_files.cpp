// SPDX-License-Identifier: GPL-3.0-or-later

// The plan's files: what a manifest ships lies on its stick, and is copied before the manifest is put on trial. A stick that lacks it, or is
// pulled out meanwhile, leaves what serves as it is.

#include <algorithm>
#include <format>

#include "appliance/init/boot_plan.h"

namespace ocu::init {

// Two names for one content are one file.
std::vector<Fetch::File> BootPlan::missing_files(manifest::Applied const& applied) const
{
    std::vector<Fetch::File> missing;
    for (std::size_t i = 0; i < applied.shipped.size(); ++i) {
        auto const& [name, sha256] = applied.shipped[i];
        if (files_.contains(sha256) || std::ranges::contains(missing, sha256, &Fetch::File::sha256)) continue;
        missing.push_back({std::format("sandbox.mounts[{}]", i), name, sha256});
    }
    return missing;
}

// By what serves or shall, by what is gone back to, and by what waits for its files or for a person.
std::set<std::string> BootPlan::needed_files() const
{
    std::set<std::string> needed;
    auto const add_those_of = [&needed](std::optional<Judged> const& judged) {
        if (!judged) return;
        for (auto const& each : judged->applied.shipped) needed.insert(each.sha256);
    };
    add_those_of(target_);
    add_those_of(proven_);
    add_those_of(fetching_);
    if (question_) add_those_of(question_->judged);
    return needed;
}

void BootPlan::fetch(Judged judged, std::vector<Fetch::File> missing)
{
    say(std::format("manifest serial {}: copying its files from {}", judged.applied.serial, judged.from.device));
    add(Fetch{++fetch_number_, judged.from, std::move(missing)});
    fetching_ = std::move(judged);
}

Actions BootPlan::fetched(unsigned number, manifest::Refusal const& why)
{
    if (!fetching_ || number != fetch_number_) {
        add(KeepFiles{needed_files()});
        return done();
    }
    auto judged = *std::exchange(fetching_, std::nullopt);
    if (why.reason.empty()) {
        for (auto const& each : judged.applied.shipped) files_.insert(each.sha256);
        // Judged anew: what serves, and who waits, may be another by now.
        look_at(std::move(judged.from));
    } else {
        add(KeepFiles{needed_files()});
        refuse(judged.from, why, Signed::yes);
    }
    settle();
    return done();
}

void BootPlan::drop_files()
{
    auto needed = needed_files();
    if (std::erase_if(files_, [&needed](std::string const& each) { return !needed.contains(each); }) > 0) add(KeepFiles{std::move(needed)});
}

}  // namespace ocu::init
