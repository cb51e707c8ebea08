// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the files that may not leave a session consist of: length and SHA-256 of each, so that a copy of one is known by its content (T-33). What
// somebody outside the guest has withheld (a label at upload, an operator, a rule on an upload) is kept until the session ends, whatever becomes
// of the file: its copies stay copies. What the guest wrote itself where a rule withholds is kept as long as the file consists of it. Pure.
//
//   threats   T-33   T-06 what a guest makes it remember is bounded apart, and never crowds out the rest

#include <functional>
#include <map>
#include <set>

#include "proto/withheld.h"
#include "storage/tree_nodes.h"

namespace ocu::storage {

class WithheldContents {
public:
    using Content = proto::WithheldContent;

    // Called with every change, at most kWithheldPerMessageMax of each kind.
    void on_changed(std::function<void(proto::WithheldChange)> changed) { changed_ = std::move(changed); }

    // Too short a content is that of many files, and is not remembered; nor is what would be one too many: then overflow() is so for ever.
    void keep(NodeId owner, Content const& content);
    // Of the guest's own file, in the place of what it was before. One too many is not remembered.
    void keep_guests(NodeId owner, Content const& content);
    // Its content is nobody's any more, unless somebody else's too.
    void release(NodeId owner);
    void release_guests(NodeId owner);

    bool any() const { return !contents_.empty() || overflow_; }
    bool overflow() const { return overflow_; }
    bool has_size(std::uint64_t size) const;
    bool contains(Content const& content) const { return contents_.contains(content); }
    bool is_guests_owner(NodeId owner) const { return guests_.contains(owner); }
    std::size_t size() const { return contents_.size(); }

private:
    struct Owners {
        std::set<NodeId> outside;
        std::set<NodeId> guests;
        bool none() const { return outside.empty() && guests.empty(); }
    };
    using Contents = std::map<Content, Owners>;

    Contents::iterator added(Content const& content);
    void drop_if_unowned(Contents::iterator at);
    bool make_room();

    std::function<void(proto::WithheldChange)> changed_;
    Contents contents_;  // by size first
    std::map<NodeId, Content> guests_;
    bool overflow_ = false;
};

}  // namespace ocu::storage
