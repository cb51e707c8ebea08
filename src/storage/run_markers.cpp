// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/run_markers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/crypto/crypto.h"
#include "storage/open_beneath.h"

namespace ocu::storage {

namespace {

constexpr std::string_view kStart = "r-";
constexpr std::size_t kRunDigits = 32;
constexpr std::size_t kPlaceDigits = 16;
constexpr std::size_t kMarkerBytes = kStart.size() + kRunDigits + 1 + kPlaceDigits;

std::string place_digits(S3Place const& place)
{
    auto const whole = place.endpoint + '\n' + place.bucket + '\n' + place.prefix;
    return crypto::to_hex(crypto::sha256(whole)).substr(0, kPlaceDigits);
}

}  // namespace

std::string marker_of(S3Place const& place, std::string_view random)
{
    return std::string(kStart) + std::string(random.substr(0, kRunDigits)) + "-" + place_digits(place);
}

std::string run_prefix(S3Place const& place, std::string_view marker)
{
    bool const is_one = marker.size() == kMarkerBytes && marker.starts_with(kStart);
    if (!is_one || marker.substr(kMarkerBytes - kPlaceDigits) != place_digits(place)) return {};
    auto const run = marker.substr(kStart.size(), kRunDigits);
    if (run.find_first_not_of("0123456789abcdef") != std::string_view::npos) return {};
    return place.prefix + std::string(kStart) + std::string(run) + "/";
}

Result<void> make_marker(int store, std::string const& marker)
{
    if (::mkdirat(store, marker.c_str(), 0700) != 0) return fail_os("make a run's marker");
    if (::fsync(store) != 0) return fail_os("keep a run's marker");
    return {};
}

void remove_marker(int store, std::string const& marker) { (void)::unlinkat(store, marker.c_str(), AT_REMOVEDIR); }

std::vector<std::string> markers_in(int store)
{
    std::vector<std::string> out;
    auto copy = open_beneath(store, ".", O_RDONLY | O_DIRECTORY);
    if (!copy) return out;
    std::unique_ptr<DIR, decltype([](DIR* directory) { ::closedir(directory); })> const listing(::fdopendir(copy.get()));
    if (!listing) return out;
    (void)copy.release();  // closedir closes it
    while (auto const* const entry = ::readdir(listing.get()))
        if (entry->d_type == DT_DIR && std::string_view(entry->d_name).starts_with(kStart)) out.emplace_back(entry->d_name);
    std::ranges::sort(out);
    return out;
}

}  // namespace ocu::storage
