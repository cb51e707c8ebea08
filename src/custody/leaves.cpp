// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/leaves.h"

#include <arpa/inet.h>

#include <algorithm>

#include "custody/limits.h"

namespace ocu::custody {

namespace {

constexpr std::size_t kHostBytesMax = 253;
constexpr std::size_t kLabelBytesMax = 63;
constexpr char kLeafName[] = "intercepted by ocu-appliance";  // for the person who looks at it; programs go by the names in the extension

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_label(std::string_view label)
{
    if (label.empty() || label.size() > kLabelBytesMax || label.front() == '-' || label.back() == '-') return false;
    return std::ranges::all_of(label, [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; });
}

}  // namespace

HostForm form_of(std::string_view host)
{
    if (host.empty() || host.size() > kHostBytesMax) return HostForm::none;
    std::string const text(host);
    in6_addr ignored{};
    if (!text.contains('\0') && (::inet_pton(AF_INET, text.c_str(), &ignored) == 1 || ::inet_pton(AF_INET6, text.c_str(), &ignored) == 1))
        return HostForm::address;
    std::string_view last;
    for (std::string_view rest = host; !rest.empty() || last.empty();) {
        auto const dot = rest.find('.');
        last = rest.substr(0, dot);
        if (!is_label(last)) return HostForm::none;
        if (dot == std::string_view::npos) break;
        rest.remove_prefix(dot + 1);
        if (rest.empty()) return HostForm::none;
    }
    // Some programs read a name that ends in a number as an address: not one that we read so.
    return std::ranges::all_of(last, is_digit) ? HostForm::none : HostForm::name;
}

Result<std::vector<std::uint8_t>> Leaves::leaf(std::string_view host, crypto::P256Point const& public_key)
{
    auto const form = form_of(host);
    if (form == HostForm::none) return fail(Fault::malformed, "not a host that a leaf can be for");
    auto const now = clock_.now();
    Key const key{std::string(host), public_key};
    if (auto const found = kept_.find(key); found != kept_.end() && now - found->second.made < kLeafKept) return found->second.der;
    while (!signed_.empty() && now - signed_.front() >= std::chrono::minutes(1)) signed_.pop_front();
    if (signed_.size() >= kLeavesPerMinuteMax) return fail(Fault::over_limit, "too many leaves in a minute");
    signed_.push_back(now);
    crypto::CertificateNames names{kLeafName, {}, {}};
    (form == HostForm::name ? names.hosts : names.addresses).push_back(key.first);
    auto der =
        OCU_TRY(crypto::issue_leaf(authority_, public_key, names, std::chrono::floor<std::chrono::seconds>(clock_.wall()), kLeafDays));
    if (!kept_.insert_or_assign(key, Kept{der, now}).second) std::erase(order_, key);
    order_.push_back(key);
    if (order_.size() > kLeavesKeptMax) {
        kept_.erase(order_.front());
        order_.pop_front();
    }
    return der;
}

}  // namespace ocu::custody
