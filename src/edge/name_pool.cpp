// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/name_pool.h"

#include <algorithm>

#include "proto/edge_helper_to_edge.h"

namespace ocu::edge {

namespace {

using proto::kSyntheticPrefix6;

std::uint32_t last_four(Address const& address)
{
    return static_cast<std::uint32_t>(address[12]) << 24 | static_cast<std::uint32_t>(address[13]) << 16 |
           static_cast<std::uint32_t>(address[14]) << 8 | address[15];
}

void put_last_four(Address& address, std::uint32_t value)
{
    for (std::size_t i = 0; i < 4; ++i) address[12 + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

bool has_prefix6(Address const& address) { return std::ranges::equal(kSyntheticPrefix6, std::span(address).first<12>()); }

bool in_block4(Address const& address)
{
    return is_ipv4(address) && (last_four(address) ^ proto::kSyntheticFirst4) >> (32 - proto::kSyntheticPrefix4) == 0;
}

// From 1: the first address of a block belongs to nobody.
NamePool::Addresses addresses_of(std::uint32_t index)
{
    NamePool::Addresses out{};
    out.v4[10] = out.v4[11] = 0xff;
    put_last_four(out.v4, proto::kSyntheticFirst4 + index);
    std::ranges::copy(kSyntheticPrefix6, out.v6.begin());
    put_last_four(out.v6, index);
    return out;
}

}  // namespace

bool NamePool::is_synthetic(Address const& address) { return in_block4(address) || has_prefix6(address); }

void NamePool::use(Places::iterator place, Monotonic now)
{
    place->used = now;
    places_.splice(places_.begin(), places_, place);
}

std::optional<NamePool::Addresses> NamePool::place(std::string const& name, Monotonic now)
{
    if (auto const found = by_name_.find(name); found != by_name_.end()) {
        use(found->second, now);
        return addresses_of(found->second->index);
    }
    if (places_.size() < names_max_) {
        places_.push_front({name, static_cast<std::uint32_t>(places_.size()) + 1, now});
    } else {
        if (places_.empty() || now - places_.back().used < rest_) return {};
        by_name_.erase(places_.back().name);
        places_.back().name = name;
        use(std::prev(places_.end()), now);
    }
    by_name_[name] = by_index_[places_.front().index] = places_.begin();
    return addresses_of(places_.front().index);
}

std::optional<std::string> NamePool::name_behind(Address const& address, Monotonic now)
{
    if (!is_synthetic(address)) return {};
    auto const found = by_index_.find(is_ipv4(address) ? last_four(address) - proto::kSyntheticFirst4 : last_four(address));
    if (found == by_index_.end()) return {};
    use(found->second, now);
    return found->second->name;
}

}  // namespace ocu::edge
