// SPDX-License-Identifier: GPL-3.0-or-later
// Face: requests to the files front. Every one has an answer, and no answer repeats what was asked.
#include <array>
#include <string_view>

#include "base/assert.h"
#include "storage/files_face.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view rest(reinterpret_cast<char const*>(data), size);
    auto const line = [&rest] {
        auto const end = std::min(rest.find('\n'), rest.size());
        std::string out(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return out;
    };
    ocu::wire::HttpRequest request;
    request.method = line();
    request.target = line();
    while (!rest.empty()) request.headers.push_back({"Host", line()});
    std::array<std::string, 1> const hosts{"localhost:8812"};
    auto const response = ocu::storage::answer_files_request(request, hosts);
    OCU_ASSERT(
        response.status == 200 || response.status == 400 || response.status == 403 || response.status == 404 || response.status == 405);
    // The page is the same for everybody; what else is said repeats nothing.
    bool const page = response.status == 200 && !request.target.starts_with("/health");
    OCU_ASSERT(page || (response.body.starts_with("{\"") && response.body.size() < 64));
    return 0;
}
