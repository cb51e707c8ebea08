// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "storage/file_service.h"

namespace ocu::storage {

// Each lookup counts as one more that the kernel was told of: what was looked up is forgotten at the end of the operation.
class FileService::Held {
public:
    explicit Held(SessionTree& tree) : tree_(tree) {}
    ~Held()
    {
        for (auto const node : nodes_) tree_.forget(node, 1);
    }
    Held(Held const&) = delete;
    Held& operator=(Held const&) = delete;
    Answer<Entry> lookup(NodeId parent, std::string_view name)
    {
        auto entry = tree_.lookup(parent, name);
        if (entry) nodes_.push_back(entry->node);
        return entry;
    }
    void hold(NodeId node) { nodes_.push_back(node); }

private:
    SessionTree& tree_;
    std::vector<NodeId> nodes_;
};

}  // namespace ocu::storage
