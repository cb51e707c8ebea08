// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/withholding.h"

#include <fcntl.h>

#include <algorithm>

#include "storage/limits.h"

namespace ocu::storage {

using proto::Downloadable;

Withholding::Withholding(SessionTree& tree, Clock const& clock, std::vector<WithholdRule> rules)
    : tree_(tree), clock_(clock), rules_(std::move(rules)), spendable_bytes_(static_cast<double>(kLookBytesPerSecond)), filled_(clock.now())
{
    tree_.on_closed([this](NodeId node) { closed(node); });
}

Withholding::~Withholding() { tree_.on_closed({}); }

WithholdRule const* Withholding::rule_of(std::string_view path) const
{
    auto const found = std::ranges::find_if(rules_, [path](WithholdRule const& rule) { return rule.matches(path); });
    return found == rules_.end() ? nullptr : &*found;
}

Withholding::Word const* Withholding::said(NodeId node) const
{
    auto const found = said_.find(node);
    return found == said_.end() ? nullptr : &found->second;
}

// Nothing is copied to `uploads` by a guest, and what a caller puts there has its own label.
bool Withholding::is_compared(std::string_view path, std::uint64_t size) const
{
    return path.starts_with("outputs/") && contents_.has_size(size);
}

Withheld Withholding::verdict(std::string_view path, Entry const& entry)
{
    if (!S_ISREG(entry.attributes.st_mode)) return Withheld::no;
    if (auto const* const word = said(entry.node)) return word->withheld ? Withheld::by_operator : Withheld::no;
    if (labels_.contains(entry.node)) return Withheld::by_label;
    if (rule_of(path) != nullptr || contents_.is_guests_owner(entry.node)) return Withheld::by_rule;
    // What is not known cannot be compared: then nothing of a guest's goes.
    if (contents_.overflow() && path.starts_with("outputs/")) return Withheld::as_copy;
    auto const size = static_cast<std::uint64_t>(entry.attributes.st_size);
    if (!is_compared(path, size)) return Withheld::no;
    auto const digest = digest_of(entry.node, size);
    if (!digest) return Withheld::unsure;
    return contents_.contains({size, *digest}) ? Withheld::as_copy : Withheld::no;
}

bool Withholding::may_spend()
{
    auto const now = clock_.now();
    double const seconds = std::chrono::duration<double>(now - filled_).count();
    double const most = static_cast<double>(kLookBytesPerSecond);
    spendable_bytes_ = std::min(most, spendable_bytes_ + seconds * most);
    filled_ = now;
    return spendable_bytes_ > 0;
}

// A file is read in one go, and paid for afterwards: the next one waits for as long as this one was too much.
std::optional<crypto::Digest> Withholding::digest_of(NodeId node, std::uint64_t size)
{
    auto const revision = tree_.revision(node);
    auto const known = looked_.find(node);
    if (known != looked_.end() && known->second.revision == revision) return known->second.digest;
    if (!may_spend()) return std::nullopt;
    auto const handle = tree_.open(Face::files, node, O_RDONLY);
    if (!handle) return std::nullopt;
    spendable_bytes_ -= static_cast<double>(size);
    crypto::Sha256 sum;
    std::string piece(kLookPieceBytes, '\0');
    std::uint64_t at = 0;
    while (at < size) {
        auto const got = tree_.read(*handle, piece, at);
        if (!got || *got == 0) break;
        sum.update(std::string_view(piece).substr(0, *got));
        at += *got;
    }
    tree_.release(*handle);
    if (at != size) return std::nullopt;
    if (looked_.size() >= kLookedMax) looked_.clear();
    return looked_.insert_or_assign(node, Looked{revision, sum.finish()}).first->second.digest;
}

void Withholding::upload_sealed(NodeId node, std::string_view path, Downloadable label, std::uint64_t size, crypto::Digest const& digest)
{
    if (label == Downloadable::no || rule_of(path) != nullptr) contents_.keep(node, {size, digest});
}

void Withholding::labelled(NodeId node, Downloadable label)
{
    if (label == Downloadable::no)
        labels_.insert(node);
    else
        labels_.erase(node);
}

bool Withholding::say(NodeId node, bool withheld, std::string_view by)
{
    if (said_.size() >= kSaidMax && !said_.contains(node)) return false;
    said_.insert_or_assign(node, Word{withheld, std::string(by)});
    if (!withheld) {
        contents_.release(node);
        return true;
    }
    auto const attributes = tree_.attributes(node);
    auto const size = attributes ? static_cast<std::uint64_t>(attributes->st_size) : 0;
    if (size > kWithheldBytesMost) return true;
    // An operator does not wait for the rate, which is there for what a guest can bring about.
    spendable_bytes_ = std::max(spendable_bytes_, 1.0);
    filled_ = clock_.now();
    if (auto const digest = digest_of(node, size)) contents_.keep(node, {size, *digest});
    return true;
}

// Closed by somebody who could write to it.
void Withholding::closed(NodeId node)
{
    auto const* const word = said(node);
    bool const withheld = word != nullptr && word->withheld;
    if (!withheld && rules_.empty()) return;
    if (!withheld) {
        auto const path = tree_.path_of(node);
        bool const now = path && path->starts_with("outputs/") && word == nullptr && rule_of(*path) != nullptr;
        if (!now && !contents_.is_guests_owner(node)) return;
        // It has left the place where it was withheld, with what it was.
        if (!now) return contents_.release_guests(node);
    }
    if (pending_.size() >= kWithheldGuestsMax) return;
    pending_.insert(node);
    if (pending_said_) pending_said_();
}

bool Withholding::step()
{
    if (pending_.empty()) return false;
    if (!may_spend()) return true;
    auto const node = *pending_.begin();
    pending_.erase(pending_.begin());
    auto const attributes = tree_.attributes(node);
    if (!attributes || !S_ISREG(attributes->st_mode)) {
        contents_.release_guests(node);
        return !pending_.empty();
    }
    auto const size = static_cast<std::uint64_t>(attributes->st_size);
    auto const* const word = said(node);
    bool const operators = word != nullptr && word->withheld;
    auto const most = operators ? kWithheldBytesMost : kWithheldGuestBytesMost;
    auto const digest = size <= most ? digest_of(node, size) : std::nullopt;
    if (digest && operators)
        contents_.keep(node, {size, *digest});
    else if (digest)
        contents_.keep_guests(node, {size, *digest});
    else
        contents_.release_guests(node);
    return !pending_.empty();
}

}  // namespace ocu::storage
