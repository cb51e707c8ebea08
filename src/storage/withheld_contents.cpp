// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/withheld_contents.h"

#include "storage/limits.h"

namespace ocu::storage {

WithheldContents::Contents::iterator WithheldContents::added(Content const& content)
{
    auto const [at, fresh] = contents_.try_emplace(content);
    if (fresh && changed_) {
        proto::WithheldChange change;
        change.more.push(content);
        changed_(std::move(change));
    }
    return at;
}

void WithheldContents::drop_if_unowned(Contents::iterator at)
{
    if (!at->second.none()) return;
    proto::WithheldChange change;
    change.less.push(at->first);
    contents_.erase(at);
    if (changed_) changed_(std::move(change));
}

// What came from outside takes the place of what the guest has made, never the other way.
bool WithheldContents::make_room()
{
    for (auto at = guests_.begin(); at != guests_.end() && contents_.size() >= proto::kWithheldContentsMax;) {
        auto const [owner, content] = *at++;
        if (contents_.at(content).outside.empty()) release_guests(owner);
    }
    return contents_.size() < proto::kWithheldContentsMax;
}

void WithheldContents::keep(NodeId owner, Content const& content)
{
    if (content.size < kWithheldBytesLeast || content.size > kWithheldBytesMost) return;
    if (contents_.contains(content) || make_room()) {
        added(content)->second.outside.insert(owner);
        return;
    }
    if (std::exchange(overflow_, true) || !changed_) return;
    proto::WithheldChange change;
    change.overflow = true;
    changed_(std::move(change));
}

void WithheldContents::keep_guests(NodeId owner, Content const& content)
{
    release_guests(owner);
    if (content.size < kWithheldBytesLeast || content.size > kWithheldGuestBytesMost) return;
    if (guests_.size() >= kWithheldGuestsMax || (!contents_.contains(content) && contents_.size() >= proto::kWithheldContentsMax)) return;
    guests_.emplace(owner, content);
    added(content)->second.guests.insert(owner);
}

void WithheldContents::release_guests(NodeId owner)
{
    auto const found = guests_.find(owner);
    if (found == guests_.end()) return;
    auto const at = contents_.find(found->second);
    guests_.erase(found);
    at->second.guests.erase(owner);
    drop_if_unowned(at);
}

void WithheldContents::release(NodeId owner)
{
    release_guests(owner);
    for (auto at = contents_.begin(); at != contents_.end();) {
        auto const each = at++;
        if (each->second.outside.erase(owner) != 0) drop_if_unowned(each);
    }
}

bool WithheldContents::has_size(std::uint64_t size) const
{
    auto const at = contents_.lower_bound(Content{size, {}});
    return at != contents_.end() && at->first.size == size;
}

}  // namespace ocu::storage
