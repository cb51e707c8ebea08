// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Which of a session's files may not leave it (SB-5), resolved at each question and never stored with the file: an operator's word about it, a
// label that came with its upload, a rule for its path, or that its content is that of a file for which one of these is so. A file keeps its
// operator's word and its label wherever it is moved; a rule is for the path by which it is asked for. Runs in `broker`.
//
// Only files as long as a withheld one are looked into, at a bounded rate; what cannot be looked into now is not read now.
//
//   threats   T-33 a file that may not leave is carried out as a copy   T-06 a guest makes the broker spin

#include <set>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/crypto/crypto.h"
#include "proto/files_front_to_broker.h"
#include "storage/session_tree.h"
#include "storage/withheld_contents.h"
#include "storage/withhold_rule.h"

namespace ocu::storage {

enum class Withheld : std::uint8_t {
    no,
    by_operator,
    by_label,
    by_rule,
    as_copy,
    unsure,  // it may be a copy; ask again
};

class Withholding {
public:
    // Both outlive it.
    Withholding(SessionTree& tree, Clock const& clock, std::vector<WithholdRule> rules);
    ~Withholding();
    Withholding(Withholding const&) = delete;
    Withholding& operator=(Withholding const&) = delete;

    void on_changed(std::function<void(proto::WithheldChange)> changed) { contents_.on_changed(std::move(changed)); }
    // A guest's file has to be looked into: step() is due.
    void on_pending(std::function<void()> pending) { pending_said_ = std::move(pending); }
    // Looks into the next one. False: none is left.
    bool step();

    Withheld verdict(std::string_view path, Entry const& entry);
    // The rule for that path, or null.
    WithholdRule const* rule_of(std::string_view path) const;
    // Whether a copy in `outputs` could be taken for this one, so that it has to stay as it was when it was looked into.
    bool is_compared(std::string_view path, std::uint64_t size) const;

    // An upload that is whole and has no name yet: what it consists of is known before a guest can read it.
    void upload_sealed(NodeId node, std::string_view path, proto::Downloadable label, std::uint64_t size, crypto::Digest const& digest);
    // It has replaced or been removed, or has come.
    void labelled(NodeId node, proto::Downloadable label);
    // An operator's word; it stands until the next one. False: there are too many.
    bool say(NodeId node, bool withheld, std::string_view by);
    struct Word {
        bool withheld = false;  // else released
        std::string by;
    };
    // Null: none.
    Word const* said(NodeId node) const;

private:
    struct Looked {
        std::uint64_t revision;
        crypto::Digest digest;
    };

    void closed(NodeId node);
    // Nothing: not now, or it cannot be read.
    std::optional<crypto::Digest> digest_of(NodeId node, std::uint64_t size);
    bool may_spend();

    SessionTree& tree_;
    Clock const& clock_;
    std::vector<WithholdRule> rules_;
    WithheldContents contents_;
    std::set<NodeId> labels_;  // not downloadable
    std::unordered_map<NodeId, Word> said_;
    std::set<NodeId> pending_;
    std::unordered_map<NodeId, Looked> looked_;
    std::function<void()> pending_said_;
    double spendable_bytes_;
    Monotonic filled_;
};

}  // namespace ocu::storage
