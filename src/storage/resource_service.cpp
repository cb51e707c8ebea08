// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/resource_service.h"

namespace ocu::storage {

using proto::Reason;
using proto::ResourceAnswer;
using proto::ResourceOutcome;

namespace {

ResourceAnswer refusal(Reason reason)
{
    ResourceAnswer answer;
    switch (reason) {
    case Reason::not_downloadable: answer.outcome = ResourceOutcome::withheld; break;
    case Reason::type_denied: answer.outcome = ResourceOutcome::type_denied; break;
    case Reason::not_found:
    case Reason::bad_request:
    case Reason::conflict:
    case Reason::forbidden: answer.outcome = ResourceOutcome::no_such; break;
    default: answer.outcome = ResourceOutcome::failed;
    }
    return answer;
}

ResourceAnswer list(FileService& files, std::string const& after)
{
    proto::FileList wanted;
    wanted.after = after;
    wanted.tree = proto::FileTree::every_file;
    wanted.limit = proto::kResourcesPerPage;
    auto const page = files.list(proto::kReadIntent, wanted);
    if (!page) return refusal(page.error());
    ResourceAnswer answer;
    answer.more = page->more;
    for (auto const& entry : page->entries.items()) answer.entries.push({entry.path, entry.size, entry.media_type, entry.withheld});
    return answer;
}

// At most as much as it had when it was opened, whatever its guest appends meanwhile.
Served<std::string> whole(FileService& files, FileService::Reader const& reader)
{
    std::string out;
    while (out.size() < reader.entry.size) {
        auto const piece = files.read(reader, out.size(), reader.entry.size - out.size());
        if (!piece) return std::unexpected(piece.error());
        if (piece->empty()) break;
        out += *piece;
    }
    return out;
}

ResourceAnswer read(FileService& files, std::string const& path)
{
    auto const reader = files.open(proto::kReadIntent, path, proto::FileUse::download);
    if (!reader) return refusal(reader.error());
    ResourceAnswer answer;
    if (reader->entry.size > proto::kResourceBytesMax) {
        answer.outcome = ResourceOutcome::too_large;
    } else if (auto bytes = whole(files, *reader); bytes) {
        answer.media_type = reader->entry.media_type;
        answer.body = *std::move(bytes);
    } else {
        answer = refusal(bytes.error());
    }
    files.close(*reader);
    return answer;
}

}  // namespace

ResourceAnswer answer_resource(FileService& files, proto::ResourceAsk const& ask)
{
    return ask.verb == proto::ResourceVerb::list ? list(files, ask.path.str()) : read(files, ask.path.str());
}

}  // namespace ocu::storage
