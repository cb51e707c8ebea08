// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/denial_fold.h"

#include <algorithm>
#include <limits>

namespace ocu::edge {

namespace {

constexpr std::string_view kManyKey = "*";

std::uint32_t sum(std::uint32_t left, std::uint32_t right)
{
    constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();
    return left > kMax - right ? kMax : left + right;
}

}  // namespace

std::string DenialFold::key_of(proto::EgressDenied const& denied)
{
    std::string key = std::to_string(static_cast<unsigned>(denied.protocol)) + ' ' + std::to_string(static_cast<unsigned>(denied.reason)) +
                      ' ' + std::to_string(denied.port) + ' ';
    return key + denied.destination.str() + ' ' + denied.name.str();
}

std::vector<proto::EgressDenied> DenialFold::add(proto::EgressDenied const& denied, Monotonic now)
{
    std::string key = key_of(denied);
    auto found = kinds_.find(key);
    bool const many = found == kinds_.end() && kinds_.size() >= kKindsMax;
    if (many) found = kinds_.find(std::string(kManyKey));
    if (found != kinds_.end()) {
        found->second.denied.count = sum(found->second.denied.count, denied.count);
        return {};
    }
    Kind kind{denied, now + kWindow};
    if (many) {
        kind.denied.destination = "*";
        kind.denied.name = "*";
        kind.denied.port = 0;
        kinds_.emplace(kManyKey, std::move(kind));
        return {};
    }
    kind.denied.count = 0;
    kinds_.emplace(std::move(key), std::move(kind));
    return {denied};
}

std::vector<proto::EgressDenied> DenialFold::due(Monotonic now)
{
    std::vector<proto::EgressDenied> out;
    std::erase_if(kinds_, [&](auto& entry) {
        Kind& kind = entry.second;
        if (now < kind.window_end) return false;
        if (kind.denied.count == 0 || entry.first == kManyKey) {
            if (kind.denied.count != 0) out.push_back(kind.denied);
            return true;
        }
        out.push_back(kind.denied);
        kind.denied.count = 0;
        kind.window_end = now + kWindow;
        return false;
    });
    return out;
}

std::vector<proto::EgressDenied> DenialFold::close()
{
    std::vector<proto::EgressDenied> out;
    for (auto const& [key, kind] : kinds_)
        if (kind.denied.count != 0) out.push_back(kind.denied);
    kinds_.clear();
    return out;
}

}  // namespace ocu::edge
