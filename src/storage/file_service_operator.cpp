// SPDX-License-Identifier: GPL-3.0-or-later
// What an operator asks about a session's files, and has decided about one of them. It is on record by then.
#include "storage/file_service.h"
#include "storage/file_service_held.h"
#include "storage/limits.h"

namespace ocu::storage {

using proto::FileShown;
using proto::FileStanding;
using proto::FilesVerb;
using proto::Reason;

namespace {

constexpr std::size_t kShownBytes = 64;  // of a frame, besides path and by

FileStanding standing_of(Withheld withheld)
{
    switch (withheld) {
    case Withheld::no: return FileStanding::free;
    case Withheld::by_operator: return FileStanding::by_operator;
    case Withheld::by_label: return FileStanding::by_label;
    case Withheld::by_rule: return FileStanding::by_rule;
    case Withheld::as_copy: return FileStanding::as_copy;
    case Withheld::unsure: break;
    }
    return FileStanding::unsure;
}

}  // namespace

FileShown FileService::shown(std::string_view path, Entry const& entry)
{
    FileShown out{wire::Text<proto::kAskedPathBytesMax>::cut(path), static_cast<std::uint64_t>(entry.attributes.st_size),
        standing_of(withholding_.verdict(path, entry)), {}};
    auto const* const rule = withholding_.rule_of(path);
    if (auto const* const word = withholding_.said(entry.node)) {
        out.standing = word->withheld ? FileStanding::by_operator : FileStanding::released;
        out.by = wire::Text<256>::cut(word->by);
    } else if (out.standing == FileStanding::by_rule && rule != nullptr) {
        out.by = wire::Text<256>::cut(rule->text());
    }
    return out;
}

proto::FilesTold FileService::list_for_operator(std::string const& after)
{
    proto::FilesTold told;
    proto::FileList wanted;
    wanted.after = after;
    wanted.tree = proto::FileTree::every_file;
    wanted.limit = proto::kFilesShownMax;
    auto const page = list(proto::kReadIntent, wanted);
    if (!page) {
        told.reason = page.error();
        return told;
    }
    told.more = page->more;
    std::size_t bytes = 0;
    for (auto const& each : page->entries.items()) {
        Held held(tree_);
        auto const found = find(each.path.str(), held);
        if (!found) continue;
        auto file = shown(each.path.view(), found->entry);
        bytes += file.path.size() + file.by.size() + kShownBytes;
        if (bytes > proto::kFilesToldBytesMax) {
            told.more = true;
            break;
        }
        told.files.push(std::move(file));
    }
    return told;
}

proto::FilesTold FileService::operator_says(proto::FilesQuestion const& question, std::string_view actor)
{
    if (question.verb == FilesVerb::list) return list_for_operator(question.path.str());
    proto::FilesTold told;
    auto const path = question.path.str();
    Held held(tree_);
    auto const found = find(path, held);
    if (!found || !S_ISREG(found->entry.attributes.st_mode)) {
        told.reason = found ? Reason::not_found : found.error();
        return told;
    }
    if (!withholding_.say(found->entry.node, question.verb == FilesVerb::withhold, actor))
        told.reason = Reason::quota_exceeded;
    else
        told.files.push(shown(path, found->entry));
    return told;
}

}  // namespace ocu::storage
