// SPDX-License-Identifier: GPL-3.0-or-later
// Leases whose credential is asked for at a source (docs/formats/secret-source.md): asked once for all who wait, put on record with what came,
// replaced ahead of their end, taken back when the source says so.

#include <format>

#include "base/crypto/crypto.h"
#include "custody/lending.h"
#include "custody/limits.h"

namespace ocu::custody {

using proto::Reason;
using proto::SourceFailure;
using proto::What;

void Lending::wanted_fetched(proto::LeaseWanted const& wanted, Lease lease)
{
    auto const now = clock_.now();
    lease.source = sources_.find(lease.rule)->source.label();
    Lease const* const coming = table_.coming_alike(lease);
    if (Lease const* const lent = table_.held_alike(lease, now, kFetchedLeast)) {
        auto const life = std::chrono::floor<std::chrono::seconds>(lent->ends - now);
        edge_.send(proto::LeaseMade{wanted.request, Reason::none, lent->number, life});
        // If it cannot be asked, or fails, what is lent goes on to its end.
        if (coming == nullptr && now >= lent->refresh) (void)ask(std::move(lease), {});
        return;
    }
    if (coming != nullptr) return waiting_.at(coming->number).requests.push_back(wanted.request);
    if (auto const why = ask(std::move(lease), {wanted.request}); why != SourceFailure::none)
        refuse(wanted, Reason::credential_unavailable, name_of(why));
}

SourceFailure Lending::ask(Lease lease, std::vector<RequestId> requests)
{
    auto const now = clock_.now();
    if (auto const why = gate_.begin(lease.session, lease.rule, now); why != SourceFailure::none) return why;
    auto const asked = lease;
    // Its place is taken meanwhile, as for every lease.
    if (!table_.add(std::move(lease), now)) {
        gate_.end(asked.session, asked.rule, SourceGate::How::given_up, now);
        return SourceFailure::over_limit;
    }
    waiting_[asked.number] = Waiting{std::move(requests), false, true};
    sources_.ask(asked);
    return SourceFailure::none;
}

// Nobody wants it any more. What custody may have heard already is the caller's to revoke.
void Lending::give_up(Lease const& lease)
{
    auto const found = waiting_.find(lease.number);
    if (found == waiting_.end() || !std::exchange(found->second.asking, false)) return;
    sources_.give_up(lease.number);
    gate_.end(lease.session, lease.rule, SourceGate::How::given_up, clock_.now());
}

void Lending::fetched(LeaseNumber number, Sources::Told const& told)
{
    auto const found = waiting_.find(number);
    if (found == waiting_.end() || !std::exchange(found->second.asking, false)) return;
    auto const now = clock_.now();
    Lease const* const kept = table_.find(number, now);
    OCU_ASSERT(kept != nullptr);  // it lasts for longer than a source may take
    auto const lease = *kept;
    auto failure = told.failure;
    if (failure == SourceFailure::none && told.ends - now < kFetchedLeast) failure = SourceFailure::expired;
    bool const good = failure == SourceFailure::none;
    gate_.end(lease.session, lease.rule, good ? SourceGate::How::answered : SourceGate::How::failed, now);
    if (!good) {
        table_.remove(number);
        if (link_ != nullptr) link_->send(proto::RevokeLease{number});
        std::string why(name_of(failure));
        if (failure == SourceFailure::status) why += std::format(" status={}", told.status);
        note_refusal(lease, Reason::credential_unavailable, why);
        answer(number, Reason::credential_unavailable);
        if (failure == SourceFailure::not_found || failure == SourceFailure::gone) take_back(lease, failure);
        return;
    }
    auto const ends = std::min(lease.ends, told.ends);
    table_.settle(number, ends, ends - std::min<Monotonic::duration>((ends - now) / 4, kRefreshMax));
    auto granted = event(What::lease_granted, lease, Reason::none);
    granted.number = std::chrono::floor<std::chrono::seconds>(ends - now).count();
    if (!told.version.empty()) granted.detail = wire::Text<1024>::cut(granted.detail.str() + " version=" + told.version);
    record(number, std::move(granted));
}

// The source says that there is none (for this session and destination), or that it is withdrawn (for everybody).
void Lending::take_back(Lease const& failed, SourceFailure why)
{
    auto const taken = table_.take([&](Lease const& each) {
        // What is being asked for now will hear it for itself; what was answered and is not lent yet is taken like the rest.
        if (auto const waits = waiting_.find(each.number); waits != waiting_.end() && waits->second.asking) return false;
        return why == SourceFailure::gone ? each.source == failed.source && each.credential == failed.credential : each.like(failed);
    });
    for (auto const& each : taken) {
        if (link_ != nullptr) link_->send(proto::RevokeLease{each.number});
        if (waiting_.contains(each.number)) answer(each.number, Reason::credential_unavailable);
        auto revoked = event(What::lease_revoked, each, Reason::none);
        revoked.detail = wire::Text<1024>::cut(revoked.detail.str() + " why=" + std::string(name_of(why)));
        recorder_.note(std::move(revoked));
    }
}

}  // namespace ocu::custody
