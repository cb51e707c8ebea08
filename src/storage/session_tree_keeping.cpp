// SPDX-License-Identifier: GPL-3.0-or-later
// What keeps a session's tree in its store: appending what waits, housekeeping, writing all of it down, and reading it again.
#include <unordered_set>
#include <utility>

#include "storage/session_tree.h"

namespace ocu::storage {

Answer<void> SessionTree::settle()
{
    if (auto const written = contents_.write_out_all(); !written) return written;
    if (auto const appended = journal_.append(); !appended) return appended;
    if (auto const settled = store_.settle(); !settled) return settled;
    unsettled_said_ = false;
    return {};
}

Answer<bool> SessionTree::keep_house()
{
    // A snapshot has all that is in memory: what waits goes before it.
    if (auto const settled = settle(); !settled) return refuse(settled.error());
    auto const more = store_.housekeeping_step();
    if (auto const appended = journal_.append(); !appended) return refuse(appended.error());
    return more;
}

namespace {

constexpr std::size_t kBatchBytes = kChangesBytesMax - 2 * kChangeBytesMax;

// Collects changes into batches.
class Batches {
public:
    explicit Batches(std::function<Answer<void>(std::span<std::byte const>)> const& each) : each_(each) {}

    template <class Change>
    void add(Change const& change)
    {
        if (!done_) return;
        append_change(batch_, change);
        if (batch_.size() >= kBatchBytes) hand_on();
    }
    Answer<void> finish()
    {
        if (done_ && !batch_.empty()) hand_on();
        return done_;
    }

private:
    void hand_on()
    {
        done_ = each_(batch_);
        batch_.clear();
    }

    std::function<Answer<void>(std::span<std::byte const>)> const& each_;
    wire::Bytes batch_;
    Answer<void> done_;
};

void add_chunks(Batches& out, Node const& node)
{
    ChunksPlaced placed{node.id, 0, {}};
    ChunksReserved reserved{node.id, 0, 0};
    auto const end_placed = [&] {
        if (!placed.places.items().empty()) out.add(placed);
        placed.places = {};
    };
    auto const end_reserved = [&] {
        if (reserved.count != 0) out.add(reserved);
        reserved.count = 0;
    };
    for (auto const& [index, chunk] : node.file->chunks) {
        if (chunk.place.number == 0) {
            if (reserved.count != 0 && reserved.first + reserved.count != index) end_reserved();
            if (reserved.count == 0) reserved.first = index;
            ++reserved.count;
            continue;
        }
        if (placed.places.full() || placed.first + placed.places.items().size() != index) end_placed();
        if (placed.places.items().empty()) placed.first = index;
        placed.places.push({chunk.place.number, chunk.place.segment, chunk.place.offset});
    }
    end_placed();
    end_reserved();
}

void add_node(Batches& out, Node const& node)
{
    if (node.file) add_chunks(out, node);
    if (node.attributes)
        for (auto const& [name, value] : *node.attributes)
            out.add(NodeLabelled{node.id, wire::Text<kAttributeNameBytesMax>(name), wire::Text<kAttributeValueBytesMax>(value)});
    out.add(description_of(node));
}

}  // namespace

Answer<void> SessionTree::whole(std::function<Answer<void>(std::span<std::byte const>)> const& each)
{
    if (auto const appended = journal_.append(); !appended) return appended;
    Batches out(each);
    out.add(TreeBegun{nodes_.next()});
    std::unordered_set<NodeId> linked;  // those of several names that were handed on
    std::vector<Node const*> directories{nodes_.find(kOutputsNode), nodes_.find(kUploadsNode)};
    for (auto const* const top : directories) out.add(description_of(*top));
    while (!directories.empty()) {
        auto const& parent = *directories.back();
        directories.pop_back();
        for (auto const& [listed_at, entry] : parent.directory->listing) {
            auto const& node = *nodes_.find(entry->second.node);
            if (!node.directory && node.links > 1 && !linked.insert(node.id).second) {
                out.add(NameLinked{node.id, parent.id, NameText(entry->first)});
                continue;
            }
            out.add(NodeMade{node.id, parent.id, NameText(entry->first), node.mode, node.target});
            add_node(out, node);
            if (node.directory) directories.push_back(&node);
        }
    }
    return out.finish();
}

// Each of these is false for a change that this tree cannot have made.
struct SessionTree::Replay {
    SessionTree& tree;

    Node* directory(NodeId id, std::string_view name) const
    {
        auto* const node = tree.nodes_.find(id);
        return node != nullptr && node->directory && id != kTopNode && name_fault(name) == 0 ? node : nullptr;
    }
    Node* file(NodeId id) const
    {
        auto* const node = tree.nodes_.find(id);
        return node != nullptr && node->file ? node : nullptr;
    }
    bool charge(std::size_t text) const
    {
        if (!tree.quota_.has_entry() || !tree.quota_.has_text(text)) return false;
        tree.quota_.entry_made();
        tree.quota_.text_changed(0, text);
        return true;
    }
    void gone(Node& node, std::string_view name) const
    {
        tree.quota_.entry_gone();
        tree.quota_.text_changed(name.size(), 0);
        tree.erase_if_unused(node);
    }

    bool operator()(TreeBegun const& begun) const;
    bool operator()(NodeMade const& made) const;
    bool operator()(NameLinked const& linked) const;
    bool operator()(NameUnlinked const& unlinked) const;
    bool operator()(NameMoved const& moved) const;
    bool operator()(NamesExchanged const& exchanged) const;
    bool operator()(NodeDescribed const& described) const;
    bool operator()(ChunksPlaced const& placed) const;
    bool operator()(ChunksReserved const& reserved) const;
    bool operator()(ChunksCleared const& cleared) const;
    bool operator()(NodeLabelled const& labelled) const;
    bool operator()(NodeUnlabelled const& unlabelled) const;
};

bool SessionTree::Replay::operator()(TreeBegun const& begun) const
{
    // A whole tree stands at the beginning of what is read.
    if (tree.nodes_.size() != 3) return false;
    tree.nodes_.skip_to(begun.next);
    return true;
}

bool SessionTree::Replay::operator()(NodeMade const& made) const
{
    auto* const parent = directory(made.parent, made.name.view());
    auto const kind = made.mode & S_IFMT;
    bool const link = kind == S_IFLNK;
    auto const kept = kind == S_IFDIR ? directory_mode(made.mode) : file_mode(made.mode);
    if (parent == nullptr || made.node == 0 || made.node == UINT64_MAX || (kind | kept) != made.mode) return false;
    if ((kind != S_IFDIR && kind != S_IFREG && !link) || link == made.target.empty()) return false;
    if (tree.nodes_.child(*parent, made.name.view()) != nullptr || tree.nodes_.find(made.node) != nullptr) return false;
    if (!charge(made.name.size() + made.target.size())) return false;
    return tree.nodes_.make_numbered(made.node, *parent, made.name.view(), made.mode, made.target.view()) != nullptr;
}

bool SessionTree::Replay::operator()(NameLinked const& linked) const
{
    auto* const parent = directory(linked.parent, linked.name.view());
    auto* const node = tree.nodes_.find(linked.node);
    if (parent == nullptr || node == nullptr || node->directory || node->area != parent->area || node->links >= kHardLinksMax) return false;
    if (tree.nodes_.child(*parent, linked.name.view()) != nullptr || !charge(linked.name.size())) return false;
    tree.nodes_.link(*node, *parent, linked.name.view());
    return true;
}

bool SessionTree::Replay::operator()(NameUnlinked const& unlinked) const
{
    auto* const parent = directory(unlinked.parent, unlinked.name.view());
    auto* const node = parent == nullptr ? nullptr : tree.nodes_.child(*parent, unlinked.name.view());
    if (node == nullptr || (node->directory && !node->directory->names.empty())) return false;
    tree.nodes_.unlink(*parent, unlinked.name.view());
    gone(*node, unlinked.name.view());
    return true;
}

bool SessionTree::Replay::operator()(NameMoved const& moved) const
{
    auto* const from = directory(moved.parent, moved.name.view());
    auto* const to = directory(moved.new_parent, moved.new_name.view());
    if (from == nullptr || to == nullptr || from->area != to->area) return false;
    auto* const node = tree.nodes_.child(*from, moved.name.view());
    auto* const target = tree.nodes_.child(*to, moved.new_name.view());
    if (node == nullptr || node == target || tree.nodes_.lies_within(*to, *node)) return false;
    if (target != nullptr && !tree.may_replace(*node, *target)) return false;
    if (moved.new_name.size() > moved.name.size() && !tree.quota_.has_text(moved.new_name.size() - moved.name.size())) return false;
    if (target != nullptr) tree.nodes_.unlink(*to, moved.new_name.view());
    tree.nodes_.move(*from, moved.name.view(), *to, moved.new_name.view());
    tree.quota_.text_changed(moved.name.size(), moved.new_name.size());
    if (target != nullptr) gone(*target, moved.new_name.view());
    return true;
}

bool SessionTree::Replay::operator()(NamesExchanged const& exchanged) const
{
    auto* const one_in = directory(exchanged.parent, exchanged.name.view());
    auto* const other_in = directory(exchanged.other_parent, exchanged.other_name.view());
    if (one_in == nullptr || other_in == nullptr || one_in->area != other_in->area) return false;
    auto* const one = tree.nodes_.child(*one_in, exchanged.name.view());
    auto* const other = tree.nodes_.child(*other_in, exchanged.other_name.view());
    if (one == nullptr || other == nullptr || one == other) return false;
    if (tree.nodes_.lies_within(*other_in, *one) || tree.nodes_.lies_within(*one_in, *other)) return false;
    tree.nodes_.exchange(*one_in, exchanged.name.view(), *other_in, exchanged.other_name.view());
    return true;
}

bool SessionTree::Replay::operator()(NodeDescribed const& described) const
{
    constexpr std::uint32_t kSecond = 1'000'000'000;
    auto* const node = tree.nodes_.find(described.node);
    if (node == nullptr || (described.mode & S_IFMT) != (node->mode & S_IFMT)) return false;
    auto const kept = node->directory ? directory_mode(described.mode) : file_mode(described.mode);
    if (((described.mode & S_IFMT) | kept) != described.mode || (described.node <= kOutputsNode && described.mode != node->mode))
        return false;
    if (node->file ? !tree.contents_.replay_size(*node, described.size) : described.size != 0) return false;
    node->mode = described.mode;
    auto const set = [](timespec& time, TimeField const& field) {
        time.tv_sec = field.seconds;
        time.tv_nsec = field.nanoseconds;
        return field.nanoseconds < kSecond;
    };
    return set(node->accessed, described.accessed) && set(node->modified, described.modified) && set(node->changed, described.changed);
}

bool SessionTree::Replay::operator()(ChunksPlaced const& placed) const
{
    auto* const node = file(placed.node);
    if (node == nullptr || placed.first > kTreeChunksMax) return false;
    auto index = placed.first;
    for (auto const& place : placed.places.items())
        if (place.number == 0 || !tree.contents_.replay_place(*node, index++, {place.number, place.segment, place.offset})) return false;
    return true;
}

bool SessionTree::Replay::operator()(ChunksReserved const& reserved) const
{
    auto* const node = file(reserved.node);
    if (node == nullptr || reserved.first > kTreeChunksMax || reserved.count > kTreeChunksMax) return false;
    for (std::uint64_t i = 0; i < reserved.count; ++i)
        if (!tree.contents_.replay_place(*node, reserved.first + i, {})) return false;
    return true;
}

bool SessionTree::Replay::operator()(ChunksCleared const& cleared) const
{
    auto* const node = file(cleared.node);
    if (node == nullptr) return false;
    tree.contents_.replay_clear(*node, cleared.first, cleared.count);
    return true;
}

bool SessionTree::Replay::operator()(NodeLabelled const& labelled) const
{
    auto* const node = tree.nodes_.find(labelled.node);
    if (node == nullptr || attribute_name_fault(Face::files, labelled.name.view()) != 0) return false;
    if (!node->attributes) node->attributes = std::make_unique<Attributes>();
    auto const [at, fresh] = node->attributes->try_emplace(labelled.name.str());
    auto& value = at->second;
    auto const before = fresh ? 0 : labelled.name.size() + value.size();
    auto const after = labelled.name.size() + labelled.value.size();
    if (after > before && !tree.quota_.has_text(after - before)) return false;
    value = labelled.value.str();
    tree.quota_.text_changed(before, after);
    return true;
}

bool SessionTree::Replay::operator()(NodeUnlabelled const& unlabelled) const
{
    auto* const node = tree.nodes_.find(unlabelled.node);
    if (node == nullptr || !node->attributes) return false;
    auto const at = node->attributes->find(unlabelled.name.view());
    if (at == node->attributes->end()) return false;
    tree.quota_.text_changed(at->first.size() + at->second.size(), 0);
    node->attributes->erase(at);
    if (node->attributes->empty()) node->attributes.reset();
    return true;
}

Answer<void> SessionTree::apply(std::span<std::byte const> batch)
{
    contents_.set_replaying(true);  // the store learns by asking which chunks are alive
    auto const done = read_changes(batch, [this](TreeChange const& change) { return std::visit(Replay{*this}, change); });
    contents_.set_replaying(false);
    return done;
}

}  // namespace ocu::storage
