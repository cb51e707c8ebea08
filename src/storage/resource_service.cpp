// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/resource_service.h"

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "storage/limits.h"

namespace ocu::storage {

using proto::ResourceAnswer;
using proto::ResourceOutcome;

namespace {

// From the top along a path. Each node that the tree was asked for on the way is forgotten again: the kernel's count of it is not ours.
class Walk {
public:
    explicit Walk(SessionTree& tree) : tree_(tree) {}
    Walk(Walk const&) = delete;
    Walk& operator=(Walk const&) = delete;
    ~Walk()
    {
        for (auto const each : asked_) tree_.forget(each, 1);
    }

    Answer<void> to(std::string_view path)
    {
        while (!path.empty()) {
            auto const name = path.substr(0, path.find('/'));
            path.remove_prefix(std::min(path.size(), name.size() + 1));
            auto const entry = tree_.lookup(node, name);
            if (!entry) return refuse(entry.error());
            asked_.push_back(entry->node);
            node = entry->node;
            attributes = entry->attributes;
        }
        return {};
    }

    NodeId node = kTopNode;
    struct stat attributes{};

private:
    SessionTree& tree_;
    std::vector<NodeId> asked_;
};

ResourceOutcome outcome_of(int fault)
{
    bool const missing = fault == ENOENT || fault == ENOTDIR || fault == EINVAL || fault == EPERM || fault == ENAMETOOLONG || fault == ELOOP;
    return missing ? ResourceOutcome::no_such : ResourceOutcome::failed;
}

ResourceAnswer refusal(ResourceOutcome outcome)
{
    ResourceAnswer answer;
    answer.outcome = outcome;
    return answer;
}

// The first kResourcesPerPage paths behind `after`, and one more if there is one. No more than that is kept of however many there are.
class Page {
public:
    explicit Page(std::string_view after) : after_(after) {}

    void offer(std::string path)
    {
        if (path <= after_ || path.size() > proto::kPathBytesMax) return;
        first_.insert(std::move(path));
        if (first_.size() > proto::kResourcesPerPage + 1) first_.erase(std::prev(first_.end()));
    }
    std::set<std::string> const& first() const { return first_; }

private:
    std::string after_;
    std::set<std::string> first_;
};

// The files of one directory are offered, its directories added to what is still to be read.
Answer<void> read_directory(SessionTree& tree, std::string const& path, Page& page, std::vector<std::string>& open)
{
    Walk walk(tree);
    if (auto const there = walk.to(path); !there) return there;
    auto const handle = tree.open_directory(walk.node);
    if (!handle) return refuse(handle.error());
    auto const listed = tree.list(*handle, 0, [&](SessionTree::Listed const& entry) {
        if (entry.name == "." || entry.name == "..") return true;
        auto below = path + '/' + std::string(entry.name);
        if (S_ISDIR(entry.kind))
            open.push_back(std::move(below));
        else if (S_ISREG(entry.kind))
            page.offer(std::move(below));
        return true;
    });
    tree.release(*handle);
    return listed;
}

ResourceAnswer list(SessionTree& tree, std::string_view after)
{
    Page page(after);
    std::vector<std::string> open{"outputs", "uploads"};
    while (!open.empty()) {
        auto const path = std::move(open.back());
        open.pop_back();
        if (auto const read = read_directory(tree, path, page, open); !read) return refusal(ResourceOutcome::failed);
    }
    ResourceAnswer answer;
    for (auto const& path : page.first()) {
        if (answer.entries.full()) {
            answer.more = true;
            break;
        }
        Walk walk(tree);
        if (!walk.to(path)) continue;
        answer.entries.push({path, static_cast<std::uint64_t>(walk.attributes.st_size)});
    }
    return answer;
}

ResourceAnswer read(SessionTree& tree, std::string_view path)
{
    Walk walk(tree);
    if (auto const there = walk.to(path); !there) return refusal(outcome_of(there.error()));
    if (!S_ISREG(walk.attributes.st_mode)) return refusal(ResourceOutcome::no_such);
    auto const bytes = static_cast<std::uint64_t>(walk.attributes.st_size);
    if (bytes > proto::kResourceBytesMax) return refusal(ResourceOutcome::too_large);
    auto const handle = tree.open(Face::files, walk.node, O_RDONLY);
    if (!handle) return refusal(outcome_of(handle.error()));
    std::string body(bytes, '\0');
    auto const got = tree.read(*handle, body, 0);
    tree.release(*handle);
    if (!got) return refusal(ResourceOutcome::failed);
    body.resize(*got);
    ResourceAnswer answer;
    answer.body = std::move(body);
    return answer;
}

}  // namespace

ResourceAnswer answer_resource(SessionTree& tree, proto::ResourceAsk const& ask)
{
    return ask.verb == proto::ResourceVerb::list ? list(tree, ask.path.view()) : read(tree, ask.path.view());
}

}  // namespace ocu::storage
