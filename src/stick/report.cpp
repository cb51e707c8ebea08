// SPDX-License-Identifier: GPL-3.0-or-later
#include "stick/report.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "stick/beneath.h"

namespace ocu::stick {

namespace {

using proto::StickRefusal;

constexpr char kDirectory[] = "ocu-report";

// What errno of a file call means to the person who reads the console.
StickRefusal why()
{
    switch (errno) {
    case EROFS:
    case EACCES:
    case EPERM: return StickRefusal::read_only;
    case ENOSPC:
    case EDQUOT: return StickRefusal::full;
    default: return StickRefusal::unreadable;
    }
}

bool write_all(int file, std::string_view content)
{
    while (!content.empty()) {
        ssize_t const done = ::write(file, content.data(), content.size());
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return false;
        content.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
}

}  // namespace

bool is_report_name(std::string_view name)
{
    auto const allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; };
    return !name.empty() && name.size() <= 64 && name.front() != '.' && name.back() != '.' && std::ranges::all_of(name, allowed);
}

std::expected<Report, StickRefusal> Report::open(int root)
{
    auto top = open_beneath(root, ".", O_RDONLY | O_DIRECTORY);
    if (!top) return std::unexpected(StickRefusal::unreadable);
    if (::mkdirat(top.get(), kDirectory, 0755) != 0 && errno != EEXIST) return std::unexpected(why());
    auto directory = open_beneath(top.get(), kDirectory, O_RDONLY | O_DIRECTORY);
    if (!directory) return std::unexpected(StickRefusal::unreadable);
    return Report(std::move(top), std::move(directory));
}

std::optional<StickRefusal> Report::write(proto::ReportFile const& file)
{
    if (!is_report_name(file.name.view())) return StickRefusal::unreadable;
    auto const aside = file.name.str() + ".part";
    // What an earlier report left half-way; never written through: it may be anything by now.
    if (::unlinkat(directory_.get(), aside.c_str(), 0) != 0 && errno != ENOENT) return why();
    auto const out = open_beneath(directory_.get(), aside.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (!out) return why();
    if (!write_all(out.get(), file.content.view()) || ::fsync(out.get()) != 0) {
        auto const reason = why();
        (void)::unlinkat(directory_.get(), aside.c_str(), 0);
        return reason;
    }
    // Replaces whatever has the name; a symbolic link is replaced, not followed.
    if (::renameat(directory_.get(), aside.c_str(), directory_.get(), file.name.str().c_str()) != 0) return why();
    return std::nullopt;
}

std::optional<StickRefusal> Report::sync()
{
    if (::fsync(directory_.get()) != 0 || ::fsync(root_.get()) != 0 || ::syncfs(root_.get()) != 0) return why();
    return std::nullopt;
}

}  // namespace ocu::stick
