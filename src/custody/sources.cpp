// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/sources.h"

#include <algorithm>
#include <format>

#include "base/log.h"
#include "custody/source_socket.h"
#include "helper/helper.h"

namespace ocu::custody {

using proto::SourceFailure;

namespace {

// It is confined: more it has not to say here.
constexpr std::array kSourceSays{wire::Permit{helper::kReadyType, 0, 0}};

Sources::Told failed(SourceFailure why, std::uint16_t status = 0) { return {why, status, {}, {}}; }

proto::SourceConfig question_of(std::string const& appliance, SourcedRule const& rule, Lease const& lease)
{
    proto::SourceConfig config;
    config.appliance = wire::Text<253>::cut(appliance);
    config.rule = wire::Text<64>(lease.rule);
    config.credential = wire::Text<64>(lease.credential);
    config.basic = rule.basic;
    config.host = wire::Text<253>(lease.destination);
    config.port = lease.port;
    config.session = std::format("s-{:016x}", lease.session.value);
    config.authority = wire::Text<272>(rule.source.authority());
    config.server_name = wire::Text<253>(rule.source.host);
    config.ca_pem = wire::Text<proto::kSourceCaBytesMax>(rule.source.ca_pem);
    return config;
}

}  // namespace

SourcedRule const* Sources::find(std::string_view rule) const
{
    auto const found = std::ranges::find(config_.sources, rule, &SourcedRule::rule);
    return found == config_.sources.end() ? nullptr : &*found;
}

void Sources::helper_down()
{
    link_ = nullptr;
    while (!questions_.empty()) give_up(questions_.begin()->first);
}

std::uint64_t Sources::free_place() const
{
    std::uint64_t place = 0;
    while (std::ranges::any_of(questions_, [place](auto const& each) { return each.second.place == place; })) ++place;
    return place;
}

void Sources::ask(Lease const& lease)
{
    auto const place = free_place();
    auto& question = questions_[lease.number];
    question.lease = lease;
    question.rule = find(lease.rule);
    question.began = clock_.now();
    question.place = place;
    OCU_ASSERT(question.rule != nullptr);
    keep_time();
    connect(lease.number);
}

void Sources::connect(LeaseNumber lease)
{
    auto& question = questions_.at(lease);
    auto const& source = question.rule->source;
    if (!source.unix_path.empty()) {
        auto stream = connect_source(source.unix_path);
        return stream ? begin(question, *std::move(stream)) : fail_soon(lease, SourceFailure::unreachable);
    }
    question.dial = ++last_dial_;
    proto::SourceDialWanted wanted;
    wanted.request = RequestId{question.dial};
    if (source.is_numeric())
        wanted.address = wire::Text<45>(source.host);
    else
        wanted.name = wire::Text<253>(source.host);
    wanted.port = source.port;
    wanted.ranges = decltype(wanted.ranges)(source.ranges);
    edge_.send(std::move(wanted));
}

void Sources::dialled(proto::SourceDialled dialled)
{
    auto const found = std::ranges::find_if(questions_, [&](auto const& each) { return each.second.dial == dialled.request.value; });
    if (!dialled.request || found == questions_.end()) return;  // given up meanwhile; the socket closes
    found->second.dial = 0;
    if (!dialled.socket) return finish(found->first, failed(SourceFailure::unreachable));
    begin(found->second, std::move(dialled.socket));
}

void Sources::begin(Question& question, UniqueFd stream)
{
    if (auto const started = start(question, std::move(stream)); !started) {
        log::failure("a secret source cannot be asked", started.error());
        fail_soon(question.lease.number, SourceFailure::lost);
    }
}

Result<void> Sources::start(Question& question, UniqueFd stream)
{
    if (link_ == nullptr) return fail(Fault::unavailable, "custody is down");
    auto channel = OCU_TRY(make_socket_pair());
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(stream));
    descriptors.push_back(std::move(channel.theirs));
    auto const config = question_of(config_.appliance, *question.rule, question.lease);
    auto spawned = OCU_TRY(spawner_.spawn(helper::Kind::secret_source, Slot{question.place}, wire::encode(config), std::move(descriptors)));
    question.child = std::move(spawned.child);
    // How it ends is known by its channel to custody, and by the time.
    question.link = std::make_unique<wire::Link>(
        loop_, std::move(spawned.link), wire::Link::Options{kSourceSays, 4096}, [](wire::Link::Frame) {}, [](wire::Lost) {});
    std::vector<UniqueFd> end;
    end.push_back(std::move(channel.ours));
    link_->send(proto::OpenSourceChannel{question.lease.number, question.lease.session, wire::Text<64>(question.rule->source.client)},
        std::move(end));
    return {};
}

void Sources::held(proto::SourceHeld const& held)
{
    auto const found = questions_.find(held.lease);
    if (found == questions_.end()) return;  // given up: it heard of that after it had answered
    Told told{held.failure, held.status, found->second.began + held.expires_in, held.version.str()};
    finish(held.lease, std::move(told));
}

void Sources::give_up(LeaseNumber lease)
{
    auto const found = questions_.find(lease);
    if (found == questions_.end()) return;
    if (found->second.dial != 0) edge_.send(proto::SourceDialCancelled{RequestId{found->second.dial}});
    questions_.erase(found);  // its process ends with its Child
}

void Sources::finish(LeaseNumber lease, Told told)
{
    give_up(lease);
    done_(lease, std::move(told));
}

void Sources::fail_soon(LeaseNumber lease, SourceFailure why)
{
    loop_.post([this, lease, why] {
        if (questions_.contains(lease)) finish(lease, failed(why));
    });
}

// Whatever the process, the source or the dialling does: the time that is given is given here.
void Sources::keep_time()
{
    if (tick_) return;
    tick_ = loop_.after(kFetchTick, [this] {
        tick_.reset();
        std::vector<LeaseNumber> late;
        for (auto const& [number, question] : questions_)
            if (clock_.now() - question.began >= proto::kSourceWait) late.push_back(number);
        for (auto const number : late) finish(number, failed(SourceFailure::timed_out));
        if (!questions_.empty()) keep_time();
    });
}

}  // namespace ocu::custody
