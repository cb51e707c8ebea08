// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/caller_book.h"

#include <algorithm>

#include "base/crypto/crypto.h"

namespace ocu::control {

using proto::CallerOrigin;
using proto::CallerShown;
using proto::CallerState;
using proto::Reason;

namespace {

constexpr std::string_view kMagic = "ocu-callers/1\n";
constexpr std::uint64_t kMadeIdsFrom = 1ull << 40;  // apart from those of declared callers and of embedding applications
constexpr std::int64_t kDaySeconds = 86'400;

struct Kept {
    std::int64_t written_s = 0;
    std::uint64_t last_id = 0;
    wire::List<KeptCaller, kCallersKeptMax> made;
    wire::List<RevokedKey, kRevokedKeysMax> revoked;
    static void fields(auto& wire, auto& m) { wire(m.written_s, m.last_id, m.made, m.revoked); }
};

std::int64_t seconds_of(Clock const& clock)
{
    return std::chrono::duration_cast<std::chrono::seconds>(clock.wall().time_since_epoch()).count();
}

bool is_name(std::string_view name)
{
    return !name.empty() && name.size() <= proto::kCallerNameBytesMax && std::string_view("._-").find(name.front()) == std::string_view::npos &&
           name.find_first_not_of(proto::kCallerNameLetters) == std::string_view::npos;
}

KeptKey key_of(helper::Caller const& caller) { return {caller.salt, caller.digest}; }

proto::KeyId id_of(KeptKey const& key)
{
    proto::KeyId out{};
    std::copy_n(key.digest.begin(), out.size(), out.begin());
    return out;
}

std::pair<std::string, KeptKey> make_key()
{
    std::array<std::uint8_t, 32> random{};
    crypto::random_bytes(std::as_writable_bytes(std::span(random)));
    auto text = crypto::to_base64url(random);
    KeptKey kept;
    crypto::random_bytes(std::as_writable_bytes(std::span(kept.salt)));
    kept.digest = crypto::Sha256().update(std::as_bytes(std::span(kept.salt))).update(text).finish();
    return {std::move(text), kept};
}

helper::Caller let_in(KeptCaller const& kept, KeptKey const& key)
{
    return {CallerId{kept.id}, kept.name.str(), key.salt, key.digest};
}

}  // namespace

CallerBook::CallerBook(std::vector<helper::Caller> declared, std::vector<std::string> reserved,
    std::optional<std::span<std::byte const>> file, Clock const& clock)
    : declared_(std::move(declared)), reserved_(std::move(reserved)), last_id_(kMadeIdsFrom)
{
    if (file) take(*file, clock);
}

void CallerBook::take(std::span<std::byte const> file, Clock const& clock)
{
    damaged_ = true;
    constexpr std::size_t kHead = kMagic.size() + sizeof(crypto::Digest);
    auto const magic = crypto::as_bytes(kMagic);
    if (file.size() < kHead || file.size() > kCallersFileBytesMax || !std::ranges::equal(file.first(magic.size()), magic)) return;
    auto const body = file.subspan(kHead);
    auto const digest = crypto::sha256(body);
    if (!std::ranges::equal(file.subspan(magic.size(), digest.size()), std::as_bytes(std::span(digest)))) return;
    auto const kept = wire::decode<Kept>(body);
    if (!kept) return;
    // A clock that has gone back gives nobody more days than were left at the last write.
    auto const now_s = std::max(seconds_of(clock), kept->written_s);
    latest_s_ = now_s;
    auto const after = [&](std::int64_t when_s) { return clock.now() + std::chrono::seconds(std::max<std::int64_t>(when_s - now_s, 0)); };
    for (auto const& each : kept->made.items()) {
        Entry entry{each, {}};
        if (each.expires_s != 0) entry.until.over = after(each.expires_s);
        if (each.old_key_until_s != 0) entry.until.old_key = after(each.old_key_until_s);
        made_.push_back(std::move(entry));
    }
    revoked_ = kept->revoked.items();
    last_id_ = std::max(kept->last_id, kMadeIdsFrom);
    damaged_ = false;
    while_off_ = pass_time(clock);
}

wire::Bytes CallerBook::file(Clock const& clock) const
{
    Kept kept{.written_s = std::max(seconds_of(clock), latest_s_), .last_id = last_id_, .made = {}, .revoked = {}};
    for (auto const& each : made_) kept.made.push(each.kept);
    for (auto const& each : revoked_) kept.revoked.push(each);
    auto const body = wire::encode(kept);
    auto const digest = crypto::sha256(body);
    wire::Bytes out;
    out.reserve(kMagic.size() + digest.size() + body.size());
    std::ranges::copy(crypto::as_bytes(kMagic), std::back_inserter(out));
    std::ranges::copy(std::as_bytes(std::span(digest)), std::back_inserter(out));
    std::ranges::copy(body, std::back_inserter(out));
    return out;
}

helper::Caller const* CallerBook::declared(std::string_view name) const
{
    auto const found = std::ranges::find(declared_, name, &helper::Caller::name);
    return found == declared_.end() ? nullptr : &*found;
}

CallerBook::Entry const* CallerBook::made(std::string_view name) const
{
    auto const found = std::ranges::find(made_, name, [](Entry const& each) { return each.kept.name.view(); });
    return found == made_.end() ? nullptr : &*found;
}

CallerBook::Entry* CallerBook::made(std::string_view name) { return const_cast<Entry*>(std::as_const(*this).made(name)); }

RevokedKey const* CallerBook::revocation_of(helper::Caller const& declared) const
{
    auto const found = std::ranges::find(revoked_, key_of(declared), &RevokedKey::key);
    return found == revoked_.end() ? nullptr : &*found;
}

std::vector<helper::Caller> CallerBook::in_force() const
{
    std::vector<helper::Caller> out;
    if (damaged_) return out;
    for (auto const& each : declared_)
        if (revocation_of(each) == nullptr) out.push_back(each);
    for (auto const& each : made_) {
        if (each.kept.state != CallerState::active || declared(each.kept.name.view()) != nullptr) continue;
        out.push_back(let_in(each.kept, each.kept.key));
        if (each.kept.old_key_until_s != 0) out.push_back(let_in(each.kept, each.kept.old_key));
    }
    return out;
}

bool CallerBook::denies(CallerId caller) const
{
    if (damaged_) return true;
    auto const is_it = [caller](auto const& each) { return each.kept.id == caller.value; };
    if (auto const found = std::ranges::find_if(made_, is_it); found != made_.end()) return found->kept.state != CallerState::active;
    auto const found = std::ranges::find(declared_, caller, &helper::Caller::id);
    return found != declared_.end() && revocation_of(*found) != nullptr;
}

std::vector<std::string> CallerBook::names() const
{
    std::vector<std::string> out;
    for (auto const& each : in_force()) out.push_back(each.name);
    return out;
}

Reason CallerBook::may_add(std::string_view name) const
{
    if (damaged_) return Reason::callers_damaged;
    if (!is_name(name)) return Reason::bad_request;
    if (declared(name) != nullptr) return Reason::caller_of_manifest;
    if (std::ranges::contains(reserved_, name)) return Reason::caller_exists;
    if (auto const* const there = made(name); there != nullptr)
        return there->kept.state == CallerState::active ? Reason::caller_exists : Reason::none;
    auto const active = [](Entry const& each) { return each.kept.state == CallerState::active; };
    return made_.size() >= kCallersKeptMax && std::ranges::all_of(made_, active) ? Reason::too_many_callers : Reason::none;
}

Reason CallerBook::may_rotate(std::string_view name) const
{
    if (damaged_) return Reason::callers_damaged;
    if (declared(name) != nullptr) return Reason::caller_of_manifest;
    auto const* const there = made(name);
    if (there == nullptr) return Reason::unknown_caller;
    return there->kept.state == CallerState::active ? Reason::none : Reason::caller_over;
}

Reason CallerBook::may_revoke(std::string_view name) const
{
    if (damaged_) return Reason::callers_damaged;
    return declared(name) != nullptr || made(name) != nullptr ? Reason::none : Reason::unknown_caller;
}

CallerBook::Verdict<CallerBook::Made> CallerBook::add(proto::CallerQuestion const& asked, std::string_view by, Clock const& clock)
{
    if (Reason const reason = may_add(asked.name.view()); reason != Reason::none) return std::unexpected(reason);
    if (asked.days > proto::kCallerDaysMax) return std::unexpected(Reason::bad_request);
    std::erase_if(made_, [&](Entry const& each) { return each.kept.name == asked.name; });
    if (made_.size() >= kCallersKeptMax)  // one that is over gives way, the oldest first
        made_.erase(std::ranges::find_if(made_, [](Entry const& each) { return each.kept.state != CallerState::active; }));
    auto [text, key] = make_key();
    Entry entry;
    entry.kept.id = ++last_id_;
    entry.kept.name = asked.name;
    entry.kept.key = key;
    entry.kept.made_s = seconds_of(clock);
    entry.kept.made_by = wire::Text<64>::cut(by);
    if (asked.days != 0) {
        entry.kept.expires_s = entry.kept.made_s + asked.days * kDaySeconds;
        entry.until.over = clock.now() + std::chrono::seconds(asked.days * kDaySeconds);
    }
    made_.push_back(std::move(entry));
    return Made{std::move(text), id_of(key)};
}

CallerBook::Verdict<CallerBook::Made> CallerBook::rotate(proto::CallerQuestion const& asked, std::string_view by, Clock const& clock)
{
    if (Reason const reason = may_rotate(asked.name.view()); reason != Reason::none) return std::unexpected(reason);
    if (asked.overlap_s > proto::kKeyOverlapSecondsMax) return std::unexpected(Reason::bad_request);
    auto [text, key] = make_key();
    Entry& entry = *made(asked.name.view());
    // Two keys at most: one that is replaced twice within its overlap is dead at the second time.
    entry.kept.old_key = asked.overlap_s != 0 ? entry.kept.key : KeptKey{};
    entry.kept.key = key;
    entry.kept.made_s = seconds_of(clock);
    entry.kept.made_by = wire::Text<64>::cut(by);
    entry.kept.old_key_until_s = asked.overlap_s != 0 ? entry.kept.made_s + asked.overlap_s : 0;
    entry.until.old_key.reset();
    if (asked.overlap_s != 0) entry.until.old_key = clock.now() + std::chrono::seconds(asked.overlap_s);
    return Made{std::move(text), id_of(key)};
}

CallerBook::Verdict<CallerId> CallerBook::revoke(std::string_view name, std::string_view by, Clock const& clock)
{
    if (Reason const reason = may_revoke(name); reason != Reason::none) return std::unexpected(reason);
    if (auto const* const caller = declared(name)) {
        if (revocation_of(*caller) != nullptr) return caller->id;
        if (revoked_.size() >= kRevokedKeysMax) {  // then one of them is of an earlier manifest
            auto const is_here = [this](RevokedKey const& each) { return std::ranges::contains(declared_, each.key, key_of); };
            revoked_.erase(std::ranges::find_if_not(revoked_, is_here));
        }
        revoked_.push_back({wire::Text<proto::kCallerNameBytesMax>(name), key_of(*caller), seconds_of(clock), wire::Text<64>::cut(by)});
        return caller->id;
    }
    KeptCaller& kept = made(name)->kept;
    if (kept.state == CallerState::revoked) return CallerId{kept.id};
    kept.state = CallerState::revoked;
    kept.revoked_s = seconds_of(clock);
    kept.revoked_by = wire::Text<64>::cut(by);
    kept.old_key = {};
    kept.old_key_until_s = 0;
    return CallerId{kept.id};
}

void CallerBook::reset()
{
    damaged_ = false;
    made_.clear();
    revoked_.clear();
}

CallerBook::Turned CallerBook::pass_time(Clock const& clock)
{
    Turned turned = std::exchange(while_off_, {});
    auto const now = clock.now();
    for (auto& each : made_) {
        if (each.kept.state != CallerState::active) continue;
        if (each.until.over && now >= *each.until.over) {
            each.kept.state = CallerState::expired;
            turned.expired.push_back(each.kept);
        } else if (!each.until.old_key || now < *each.until.old_key) {
            continue;
        }
        each.kept.old_key = {};
        each.kept.old_key_until_s = 0;
        each.until.old_key.reset();
        turned.changed = true;
    }
    return turned;
}

proto::CallersState CallerBook::state() const
{
    proto::CallersState out;
    out.damaged = damaged_;
    out.declared = static_cast<std::uint32_t>(declared_.size());
    for (auto const& each : made_) {
        out.added += each.kept.state == CallerState::active ? 1u : 0u;
        out.revoked += each.kept.state == CallerState::revoked ? 1u : 0u;
    }
    for (auto const& each : declared_) out.revoked += revocation_of(each) != nullptr ? 1u : 0u;
    return out;
}

std::vector<std::pair<CallerId, CallerShown>> CallerBook::shown() const
{
    std::vector<std::pair<CallerId, CallerShown>> out;
    for (auto const& each : made_) {
        auto const& kept = each.kept;
        bool const shadowed = kept.state == CallerState::active && declared(kept.name.view()) != nullptr;
        out.emplace_back(CallerId{kept.id},
            CallerShown{.name = kept.name, .origin = CallerOrigin::operators, .state = shadowed ? CallerState::shadowed : kept.state,
                .key = id_of(kept.key), .made_s = kept.made_s, .expires_s = kept.expires_s, .old_key_until_s = kept.old_key_until_s,
                .revoked_s = kept.revoked_s, .made_by = kept.made_by, .revoked_by = kept.revoked_by});
    }
    auto const declared_row = [](helper::Caller const& each, RevokedKey const* revoked) {
        CallerShown row;
        row.name = wire::Text<proto::kCallerNameBytesMax>::cut(each.name);
        row.key = id_of(key_of(each));
        if (revoked != nullptr) {
            row.state = CallerState::revoked;
            row.revoked_s = revoked->revoked_s;
            row.revoked_by = revoked->revoked_by;
        }
        return std::pair(each.id, std::move(row));
    };
    for (auto const& each : declared_)
        if (auto const* const revoked = revocation_of(each)) out.push_back(declared_row(each, revoked));
    for (auto const& each : declared_)
        if (revocation_of(each) == nullptr) out.push_back(declared_row(each, nullptr));
    return out;
}

}  // namespace ocu::control
