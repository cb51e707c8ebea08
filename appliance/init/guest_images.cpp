// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/guest_images.h"

#include <unistd.h>

#include "appliance/init/verity.h"

namespace ocu::init {

namespace {

std::string file_of(std::string const& variant) { return "/medium/ocu/guest-" + variant + ".erofs"; }

}  // namespace

std::set<std::string> GuestImages::variants() const
{
    std::set<std::string> there;
    for (auto const& [variant, image] : named_)
        if (::access(file_of(variant).c_str(), R_OK) == 0) there.insert(variant);
    return there;
}

Result<std::string> GuestImages::device_of(std::string const& variant)
{
    if (auto const made = devices_.find(variant); made != devices_.end()) return made->second;
    auto const image = named_.find(variant);
    if (image == named_.end()) return fail(Fault::not_found, "this boot medium has no such guest image");
    OCU_CHECK(check_tree_top(file_of(variant), image->second));
    auto device = OCU_TRY(make_verity_device("guest-" + variant, file_of(variant), image->second));
    devices_[variant] = device;
    return device;
}

}  // namespace ocu::init
