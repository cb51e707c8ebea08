// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/lending.h"

#include "base/crypto/crypto.h"
#include "custody/limits.h"

namespace ocu::custody {

using proto::Outcome;
using proto::Reason;
using proto::What;

void Lending::helper_up(wire::Link& link)
{
    link_ = &link;
    edge_.send(proto::CustodyUp{});
}

void Lending::helper_down()
{
    link_ = nullptr;
    table_.clear();
    auto const waiting = std::exchange(waiting_, {});
    for (auto const& [number, each] : waiting)
        for (auto const request : each.requests) edge_.send(proto::LeaseMade{request, Reason::credential_unavailable, 0, {}});
}

void Lending::hear(proto::EdgeToCustody::Message message)
{
    std::visit(wire::Overloaded{[this](proto::EdgeChannel& channel) { open_channel(std::move(channel)); },
                   [this](proto::EdgeSessionOver const& ended) { over(ended.session); },
                   [this](proto::LeaseWanted& asked) { wanted(std::move(asked)); }, [](proto::NoticeSignWanted&) {}},  // custody.cpp's
        message);
}

// An end that is not passed on is closed here: the edge process sees that there is nobody.
void Lending::open_channel(proto::EdgeChannel channel)
{
    if (link_ == nullptr || over_.contains(channel.session)) return;
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(channel.custody_end));
    link_->send(proto::OpenEdgeChannel{channel.session}, std::move(descriptors));
}

void Lending::over(SessionId session)
{
    // In force before anything is written down: a session that control severed gets nothing, whatever its edge still asks (invariant 5).
    if (over_.insert(session).second) {
        over_order_.push_back(session);
        if (over_order_.size() > kOverMax) {
            over_.erase(over_order_.front());
            over_order_.pop_front();
        }
    }
    if (link_ != nullptr) link_->send(proto::RevokeSession{session});
    auto const lived = table_.revoke(session, clock_.now());
    for (auto const& lease : lived)
        if (waiting_.contains(lease.number)) answer(lease.number, Reason::session_denied);
    if (lived.empty()) return;
    auto gone = event(What::lease_revoked, lived.front(), Reason::none);
    gone.resource = "all leases of the session";
    gone.detail = {};
    gone.number = static_cast<std::int64_t>(lived.size());
    recorder_.note(std::move(gone));
}

proto::Event Lending::event(What what, Lease const& lease, Reason reason) const
{
    proto::Event event;
    event.what = what;
    event.outcome = reason == Reason::none ? Outcome::success : Outcome::failure;
    event.reason = reason;
    event.session = lease.session;
    event.actor = "edge";
    event.resource = wire::Text<512>(lease.destination);
    event.detail = wire::Text<1024>("credential=" + lease.credential + " rule=" + lease.rule);
    return event;
}

void Lending::refuse(proto::LeaseWanted const& wanted, Reason reason)
{
    edge_.send(proto::LeaseMade{wanted.request, reason, 0, {}});
    // A guest can make its edge ask: the log is not filled at its will (T-06). What is left out is counted in the next one.
    auto const now = clock_.now();
    while (!refusals_.empty() && now - refusals_.front() >= std::chrono::minutes(1)) refusals_.pop_front();
    if (refusals_.size() >= kRefusalsPerMinuteMax) {
        ++refusals_unrecorded_;
        return;
    }
    refusals_.push_back(now);
    auto refused =
        event(What::lease_refused, {0, wanted.session, wanted.rule.str(), wanted.credential.str(), wanted.destination.str(), {}}, reason);
    refused.number = std::exchange(refusals_unrecorded_, 0);
    recorder_.note(std::move(refused));
}

void Lending::wanted(proto::LeaseWanted wanted)
{
    if (over_.contains(wanted.session)) return refuse(wanted, Reason::session_denied);
    if (link_ == nullptr) return refuse(wanted, Reason::credential_unavailable);
    auto const now = clock_.now();
    Lease lease{crypto::random_u64(), wanted.session, wanted.rule.str(), wanted.credential.str(), wanted.destination.str(),
        now + proto::kLeaseLifeMax};
    // Many requests to one destination share a lease: each redeems it with the session's token, and one record says that it was lent.
    if (Lease const* const lent = table_.alike(lease, now, kLeaseSharedLeast)) {
        if (auto const found = waiting_.find(lent->number); found != waiting_.end()) return found->second.requests.push_back(wanted.request);
        return edge_.send(proto::LeaseMade{wanted.request, Reason::none, lent->number, std::chrono::floor<std::chrono::seconds>(lent->ends - now)});
    }
    auto const number = lease.number;
    auto granted = event(What::lease_granted, lease, Reason::none);
    granted.number = proto::kLeaseLifeMax.count();
    // Its place is taken while the record is being written, so that no number of open questions is more than the table holds.
    if (!table_.add(std::move(lease), now)) return refuse(wanted, Reason::credential_unavailable);
    waiting_[number] = Waiting{{wanted.request}};
    recorder_.record(std::move(granted), [this, number](Result<EventNumber> written) { recorded(number, written.has_value()); });
}

// On disk, or not: only now may the helper hear of it.
void Lending::recorded(LeaseNumber number, bool good)
{
    auto const found = waiting_.find(number);
    if (found == waiting_.end()) return;  // severed, or the helper went, while it was being written
    if (!good) {
        table_.remove(number);
        return answer(number, Reason::audit_unavailable);
    }
    Lease const* const lease = table_.find(number, clock_.now());
    if (lease == nullptr || link_ == nullptr) return answer(number, Reason::credential_unavailable);
    found->second.told_helper = true;
    link_->send(
        proto::GrantLease{number, lease->session, lease->rule, lease->credential, lease->destination, lease->ends.time_since_epoch()});
}

bool Lending::held(proto::LeaseHeld const& held)
{
    auto const found = waiting_.find(held.lease);
    // Revoked between the grant and its answer: the helper heard of that after it had answered.
    if (found == waiting_.end()) return table_.find(held.lease, clock_.now()) == nullptr;
    if (!found->second.told_helper) return false;
    answer(held.lease, Reason::none);
    return true;
}

void Lending::answer(LeaseNumber number, Reason reason)
{
    auto const found = waiting_.find(number);
    auto const requests = std::move(found->second.requests);
    waiting_.erase(found);
    Lease const* const lease = reason == Reason::none ? table_.find(number, clock_.now()) : nullptr;
    if (lease == nullptr && reason == Reason::none) reason = Reason::credential_unavailable;
    auto const left = lease == nullptr ? std::chrono::seconds(0) : std::chrono::floor<std::chrono::seconds>(lease->ends - clock_.now());
    for (auto const request : requests) edge_.send(proto::LeaseMade{request, reason, lease == nullptr ? 0 : number, left});
}

wire::List<proto::LeaseShown, proto::kLeasesMax> Lending::list() const
{
    wire::List<proto::LeaseShown, proto::kLeasesMax> out;
    auto const now = clock_.now();
    for (Lease const* const lease : table_.list(now))
        if (!waiting_.contains(lease->number))
            out.push({lease->session, lease->credential, lease->destination, std::chrono::ceil<std::chrono::seconds>(lease->ends - now)});
    return out;
}

}  // namespace ocu::custody
