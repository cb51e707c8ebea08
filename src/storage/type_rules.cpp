// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/type_rules.h"

#include <algorithm>

namespace ocu::storage {

namespace {

bool names(proto::TypeLists::List const& patterns, std::string_view type)
{
    return std::ranges::any_of(patterns.items(), [type](auto const& each) {
        auto pattern = each.view();
        if (!pattern.ends_with("/*")) return pattern == type;
        pattern.remove_suffix(1);
        return type.starts_with(pattern);
    });
}

}  // namespace

bool TypeRules::permits(std::string_view media_type) const
{
    if (names(lists_.deny, media_type)) return false;
    return lists_.allow.items().empty() || names(lists_.allow, media_type);
}

}  // namespace ocu::storage
