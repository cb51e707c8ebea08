// SPDX-License-Identifier: GPL-3.0-or-later
// Extended attributes of a session's files and directories.
#include <sys/xattr.h>

#include "storage/session_tree.h"

namespace ocu::storage {

namespace {

std::size_t bytes_of(Attributes const& all)
{
    std::size_t sum = 0;
    for (auto const& [name, value] : all) sum += name.size() + value.size();
    return sum;
}

}  // namespace

Answer<void> SessionTree::set_label(Face face, NodeId id, std::string_view name, std::string_view value, int flags)
{
    auto* const node = nodes_.find(id);
    if (node == nullptr) return refuse(ESTALE);
    if (auto const fault = write_fault(face, node->area)) return refuse(fault);
    if (auto const fault = attribute_name_fault(face, name)) return refuse(fault);
    if (value.size() > kAttributeValueBytesMax) return refuse(E2BIG);
    if (auto const room = journal_.make_room(); !room) return room;
    auto all = node->attributes ? bytes_of(*node->attributes) : 0;
    auto const old = node->attributes ? node->attributes->find(name) : Attributes::iterator();
    bool const exists = node->attributes && old != node->attributes->end();
    if ((flags & XATTR_CREATE) != 0 && exists) return refuse(EEXIST);
    if ((flags & XATTR_REPLACE) != 0 && !exists) return refuse(ENODATA);
    auto const before = exists ? name.size() + old->second.size() : 0;
    auto const after = name.size() + value.size();
    if (all - before + after > kAttributeBytesMax) return refuse(ENOSPC);
    if (after > before && !quota_.has_text(after - before)) return refuse(ENOSPC);
    if (!node->attributes) node->attributes = std::make_unique<Attributes>();
    node->attributes->insert_or_assign(std::string(name), std::string(value));
    quota_.text_changed(before, after);
    node->changed = now_();
    journal_.note(*node, NodeLabelled{id, wire::Text<kAttributeNameBytesMax>(name), wire::Text<kAttributeValueBytesMax>(value)});
    journal_.describe_later(*node);
    foreign(face, id);
    unsettled();
    return {};
}

Answer<void> SessionTree::remove_label(Face face, NodeId id, std::string_view name)
{
    auto* const node = nodes_.find(id);
    if (node == nullptr) return refuse(ESTALE);
    if (auto const fault = write_fault(face, node->area)) return refuse(fault);
    if (auto const fault = attribute_name_fault(face, name)) return refuse(fault);
    if (auto const room = journal_.make_room(); !room) return room;
    auto const old = node->attributes ? node->attributes->find(name) : Attributes::iterator();
    if (!node->attributes || old == node->attributes->end()) return refuse(ENODATA);
    quota_.text_changed(name.size() + old->second.size(), 0);
    journal_.note(*node, NodeUnlabelled{id, wire::Text<kAttributeNameBytesMax>(name)});
    node->attributes->erase(old);
    if (node->attributes->empty()) node->attributes.reset();
    node->changed = now_();
    journal_.describe_later(*node);
    foreign(face, id);
    unsettled();
    return {};
}

Answer<std::string> SessionTree::label(Face face, NodeId id, std::string_view name) const
{
    auto const* const node = nodes_.find(id);
    if (node == nullptr) return refuse(ESTALE);
    if (auto const fault = attribute_name_fault(face, name)) return refuse(fault);
    auto const at = node->attributes ? node->attributes->find(name) : Attributes::iterator();
    if (!node->attributes || at == node->attributes->end()) return refuse(ENODATA);
    return at->second;
}

Answer<std::string> SessionTree::label_names(Face face, NodeId id) const
{
    auto const* const node = nodes_.find(id);
    if (node == nullptr) return refuse(ESTALE);
    std::string out;
    if (node->attributes)
        for (auto const& [name, value] : *node->attributes)
            if (attribute_name_fault(face, name) == 0) out.append(name).push_back('\0');
    return out;
}

}  // namespace ocu::storage
