// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/callers_file.h"

#include "appliance/manifest/files.h"
#include "base/crypto/crypto.h"
#include "base/log.h"

namespace ocu::appliance {

control::CallerBook open_callers(std::string const& path, std::vector<helper::Caller> declared, std::vector<std::string> reserved, Clock const& clock)
{
    auto const kept = manifest::read_file(path, control::kCallersFileBytesMax);
    std::optional<std::span<std::byte const>> file;
    if (kept)
        file = crypto::as_bytes(*kept);
    else if (kept.error().fault != Fault::not_found)
        file = std::span<std::byte const>{};
    control::CallerBook book(std::move(declared), std::move(reserved), file, clock);
    if (book.damaged()) log::error("nobody is let in: the file of callers is damaged; `ctl callers reset` begins with an empty one:", path);
    return book;
}

CallersFile::~CallersFile()
{
    if (writer_.joinable()) writer_.join();
}

void CallersFile::keep(wire::Bytes bytes, std::function<void(bool)> done)
{
    if (writer_.joinable()) writer_.join();
    writer_ = std::thread([path = path_, bytes = std::move(bytes), done = std::move(done)] {
        auto const written = manifest::write_file(path, bytes, 0600, manifest::Replace::yes);
        if (!written) log::failure("the callers that operators made cannot be kept", written.error());
        done(written.has_value());
    });
}

}  // namespace ocu::appliance
