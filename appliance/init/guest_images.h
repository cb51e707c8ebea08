// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The guest images of the boot medium: /medium/ocu/guest-VARIANT.erofs, each behind dm-verity with the root hash that the signed command
// line names. Read lazily: a changed block ends the machine when it is read, never reaches a guest.

#include <map>
#include <set>
#include <string>

#include "appliance/init/command_line.h"

namespace ocu::init {

class GuestImages {
public:
    explicit GuestImages(std::map<std::string, VerityImage> named) : named_(std::move(named)) {}

    // Those that the command line names and the medium has.
    std::set<std::string> variants() const;
    // The block device of one, made at its first use. Errors: not_found, denied (not the signed one), os.
    Result<std::string> device_of(std::string const& variant);

private:
    std::map<std::string, VerityImage> named_;
    std::map<std::string, std::string> devices_;
};

}  // namespace ocu::init
