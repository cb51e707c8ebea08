// SPDX-License-Identifier: GPL-3.0-or-later
// Face: the URI and the cursor of a resource, and a file's bytes on their way to a client. Whatever comes, what is taken lies in uploads or
// outputs, fits its frame and is written as the same again; the answer is JSON.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gateway/resource_face.h"

namespace {

using namespace ocu;
using namespace ocu::gateway;

void check(bool holds)
{
    if (!holds) std::abort();
}

bool in_mount(std::string_view path) { return path.starts_with("outputs/") || path.starts_with("uploads/"); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    for (auto const& path : {path_of_uri(bytes), path_of_cursor(bytes)}) {
        if (!path) continue;
        check(in_mount(*path) && path->find('\0') == path->npos && path->size() <= proto::kPathBytesMax);
        check(path_of_uri(uri_of(*path)) == path && path_of_cursor(cursor_of(*path)) == path);
    }
    ResourceAsked asked{size % 2 == 0 ? Era::handshake : Era::stateless, "1", "chat", "file:///mnt/user-data/outputs/x", {}};
    asked.ask.verb = size % 3 == 0 ? proto::ResourceVerb::list : proto::ResourceVerb::read;
    proto::FrontResource told;
    told.answer.body = wire::Text<proto::kResourceBytesMax>::cut(bytes);
    told.answer.entries.push({wire::Text<proto::kPathBytesMax>::cut(bytes), size, wire::Text<96>::cut(bytes)});
    told.answer.more = true;
    check(wire::Json::parse(reply_of(asked, told).body, {.bytes_max = 64u << 20}).has_value());
    return 0;
}
