// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what an S3 store answers. What is taken from it can be put into a request again (SB-4).

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "storage/s3_answers.h"

namespace {

using namespace ocu::storage;

void check(bool good)
{
    if (!good) std::abort();
}

bool is_plain(std::string const& text)
{
    for (char const c : text)
        if (c <= ' ' || c >= '\x7f') return false;
    return !text.empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const body = std::as_bytes(std::span(data, size));
    if (auto const listing = read_s3_listing(body))
        for (auto const& each : listing->objects) check(!each.key.empty());
    if (auto const uploads = read_s3_uploads(body))
        for (auto const& each : *uploads) check(!each.key.empty() && is_plain(each.upload_id));
    if (auto const id = read_s3_upload_id(body)) check(is_plain(*id));
    (void)is_s3_completion(body);
    (void)read_s3_error(body);
    std::string const tags[] = {std::string(reinterpret_cast<char const*>(data), size)};
    if (auto const words = write_s3_completion(tags)) check(words->find("&quot;&quot;") == std::string::npos);
    return 0;
}
