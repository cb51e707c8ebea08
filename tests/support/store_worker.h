// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A session's store as its broker has it — tree, sealed log, files — worked on in steps that follow from a round and a number alone, so that
// whoever opens it again with the key knows what was promised, to the byte (SB-9). Each step ends with a close of what it wrote.

#include <fcntl.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "storage/local_segments.h"
#include "storage/sealed_log.h"
#include "storage/session_tree.h"
#include "support/model_tree.h"

namespace ocu::test {

struct OpenStore {
    std::unique_ptr<storage::SealedLog> log;
    std::unique_ptr<storage::SessionTree> tree;
};

inline constexpr storage::SealedLog::Rules kWorkerRules{.segment_bytes_max = 400'000, .dead_bytes_slack = 400'000, .journal_bytes_least = 10'000};

// Empty when it does not open.
inline OpenStore open_store(std::unique_ptr<storage::Segments> segments)
{
    std::vector<std::vector<std::byte>> batches;
    auto const keep = [&batches](std::span<std::byte const> batch) -> storage::Answer<void> {
        batches.emplace_back(batch.begin(), batch.end());
        return {};
    };
    auto opened = storage::SealedLog::open(std::move(segments), storage::log_key(), keep, kWorkerRules);
    if (!opened) return {};
    OpenStore store{std::move(opened->log), {}};
    constexpr storage::TreeLimits kLimits{64u << 20, 256u << 20, 4'000, 64};
    store.tree = std::make_unique<storage::SessionTree>(*store.log, 1'001'000, kLimits, [] { return timespec{1'790'000'000, 0}; });
    for (auto const& batch : batches)
        if (!store.tree->apply(batch)) return {};
    return store;
}

inline OpenStore open_store(UniqueFd directory) { return open_store(std::make_unique<storage::LocalSegments>(std::move(directory))); }

// What the outputs hold: each name with its content.
using Holdings = std::map<std::string, std::string>;

class StoreStep {
public:
    static constexpr std::uint64_t kMax = 1'000'000;

    StoreStep(std::uint64_t round, std::uint64_t number)
    {
        std::mt19937_64 random(round * kMax + number);
        deed_ = static_cast<Deed>(random() % 4);
        name_ = "file-" + std::to_string(random() % 6);
        other_ = "file-" + std::to_string(random() % 6);
        syncs_ = random() % 4 == 0;
        std::mt19937 letters(static_cast<std::uint32_t>(random()));
        text_.resize(1 + random() % 70'000);
        for (std::size_t i = 0; i < text_.size(); i += 64) text_[i] = static_cast<char>('a' + letters() % 26);
    }

    bool syncs() const { return syncs_; }

    void apply(Holdings& state) const
    {
        switch (deed_) {
        case Deed::write: state[name_] = text_; break;
        case Deed::append: state[name_] += appended(); break;
        case Deed::rename:
            if (!state.contains(name_) || name_ == other_) break;
            state[other_] = std::move(state[name_]);
            state.erase(name_);
            break;
        case Deed::remove: state.erase(name_); break;
        }
    }

    // False: the store said no.
    bool perform(storage::SessionTree& tree) const
    {
        using storage::Face;
        using storage::kOutputsNode;
        auto const there = tree.peek(kOutputsNode, name_);
        if (deed_ == Deed::rename && there && name_ != other_ &&
            !tree.rename(Face::mount, kOutputsNode, name_, kOutputsNode, other_, 0))
            return false;
        if (deed_ == Deed::remove && there && !tree.remove(Face::mount, kOutputsNode, name_, false)) return false;
        if (deed_ == Deed::append && there) return append_to(tree, *there);
        if (deed_ == Deed::append || deed_ == Deed::write) return put(tree);
        return promise(tree);
    }

private:
    enum class Deed : std::uint8_t { write, append, rename, remove };

    std::string appended() const { return text_.substr(0, 3'000); }

    // Under another name first, as programs that care do it: a truncated file would be a state of its own.
    bool put(storage::SessionTree& tree) const
    {
        using storage::Face;
        auto const made = tree.create(Face::mount, storage::kOutputsNode, ".new", 0644, O_RDWR);
        if (!made) return false;
        bool const good = tree.write(made->handle, deed_ == Deed::write ? text_ : appended(), 0) &&
                          tree.rename(Face::mount, storage::kOutputsNode, ".new", storage::kOutputsNode, name_, 0);
        bool const kept = close(tree, made->handle);
        tree.forget(made->entry.node, 1);
        return good && kept;
    }
    bool append_to(storage::SessionTree& tree, storage::Entry const& there) const
    {
        auto const handle = tree.open(storage::Face::mount, there.node, O_RDWR);
        if (!handle) return false;
        bool const good = tree.write(*handle, appended(), static_cast<std::uint64_t>(there.attributes.st_size)).has_value();
        return close(tree, *handle) && good;
    }
    bool close(storage::SessionTree& tree, storage::HandleId handle) const
    {
        bool const kept = (syncs_ ? tree.sync(handle, false) : tree.flush(handle)).has_value();
        tree.release(handle);
        return kept;
    }
    // A change of names alone is kept by the directory's own fsync.
    bool promise(storage::SessionTree& tree) const
    {
        auto const handle = tree.open_directory(storage::kOutputsNode);
        return handle && close(tree, *handle);
    }

    Deed deed_{};
    std::string name_;
    std::string other_;
    std::string text_;
    bool syncs_ = false;
};

// What the tree holds; nothing if one file does not open.
inline std::optional<Holdings> holdings_of(storage::SessionTree& tree)
{
    Holdings out;
    std::vector<std::string> names;
    auto const listing = tree.open_directory(storage::kOutputsNode);
    if (!listing) return std::nullopt;
    (void)tree.list(*listing, 2, [&names](storage::SessionTree::Listed const& each) {
        names.emplace_back(each.name);
        return true;
    });
    tree.release(*listing);
    for (auto const& name : names) {
        if (name == ".new") continue;  // of a step, not of its outcome
        auto const entry = tree.peek(storage::kOutputsNode, name);
        auto const handle = entry ? tree.open(storage::Face::mount, entry->node, O_RDONLY) : storage::refuse(ENOENT);
        if (!handle) return std::nullopt;
        std::string text(static_cast<std::size_t>(entry->attributes.st_size), '?');
        for (std::size_t at = 0; at < text.size();) {
            auto const got = tree.read(*handle, std::span(text).subspan(at), at);
            if (!got || *got == 0) return std::nullopt;
            at += *got;
        }
        tree.release(*handle);
        out[name] = std::move(text);
    }
    return out;
}

// The number of the step at which the store is, not below `promised`: the state after it. Nothing: a promise was broken.
inline std::optional<std::uint64_t> step_of(Holdings const& found, Holdings state, std::uint64_t round, std::uint64_t promised)
{
    constexpr std::uint64_t kFurther = 2'000;  // it may have come further than it told
    std::uint64_t number = 0;
    for (; number < promised; ++number) StoreStep(round, number).apply(state);
    for (auto const end = promised + kFurther; state != found; ++number) {
        if (number == end) return std::nullopt;
        StoreStep(round, number).apply(state);
    }
    return number;
}

}  // namespace ocu::test
