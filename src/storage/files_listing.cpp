// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_listing.h"

#include "storage/files_text.h"

namespace ocu::storage {

void ListingJob::ask_more()
{
    auto const& request = context_.request;
    bool const every = request.operation == FilesOperation::manifest;
    ask(proto::FileList{request.path, last_.empty() ? request.after : last_,
        every ? proto::FileTree::every_file : proto::FileTree::one_directory, proto::FileUse::download, request.limit - count_});
}

bool ListingJob::said(wire::Link::Frame const& frame)
{
    if (!is<proto::FileEntries>(frame)) return false;
    auto const page = wire::decode<proto::FileEntries>(frame.body);
    if (!page || page->entries.items().size() > context_.request.limit - count_) return false;
    for (auto const& entry : page->entries.items()) {
        entries_.push(entry_json(entry));
        // What a reader sees changes exactly when this does.
        digest_.update(entry.path.view())
            .update(etag_of(entry))
            .update(entry.withheld == proto::Reason::none ? "+" : "-")
            .update(entry.media_type.view());
        last_ = entry.path.str();
        ++count_;
    }
    bool const stuck = page->entries.items().empty();
    if (page->more && !stuck && count_ < context_.request.limit)
        ask_more();
    else
        answer_page(page->more && !stuck);
    return true;
}

void ListingJob::answer_page(bool more)
{
    digest_.update(more ? "more" : "end");
    auto const digest = digest_.finish();
    auto const generation = crypto::to_hex(std::span(digest).first(8));
    auto const etag = "\"" + generation + "\"";
    bool const manifest = context_.request.operation == FilesOperation::manifest;
    if (names_etag(context_.head.header("if-none-match"), etag))
        return answer({304, {{"ETag", etag}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}}});
    auto body = wire::Json::object();
    if (!manifest) body.set("path", context_.request.path);
    body.set("generation", generation).set(manifest ? "files" : "entries", std::move(entries_));
    if (more)
        body.set("next", cursor_of(last_));
    else
        body.set("next", wire::Json::null());
    auto response = files_json(200, body);
    response.headers.push_back({"ETag", etag});
    answer(std::move(response));
}

}  // namespace ocu::storage
