// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/edge.h"
#include "base/log.h"
#include "edge/custody_link.h"
#include "edge/denial_fold.h"
#include "edge/helpers.h"
#include "edge/lane.h"
#include "edge/mapped_roots.h"
#include "proto/sandbox_to_edge.h"

namespace ocu::edge {

namespace {

constexpr std::size_t kDescriptors = 5;  // the empty namespace, listener, DNS socket, custody, roots

class Server final : public Asker {
public:
    Server(UniqueFd link, std::string_view roots)
        : roots_(roots),
          link_(
              loop_, std::move(link), {proto::kEdgeToHelper, kHelperQueueBytesMax}, [this](wire::Link::Frame frame) { hear(std::move(frame)); },
              [this](wire::Lost) { loop_.stop(); })
    {}

    Result<void> run(UniqueFd listener, UniqueFd dns, UniqueFd custody, std::string contact)
    {
        custody_.connect(std::move(custody));
        std::vector<Address> own;
        for (auto const* text : {proto::kLaneAddress4, proto::kLaneAddress6}) own.push_back(OCU_TRY(parse_address(text)));
        lane_ = OCU_TRY(Lane::open(loop_, clock_, *this, std::move(listener), std::move(dns), std::move(own),
            [this] { return tools(); }, std::move(contact)));
        loop_.run();
        return {};
    }

    void say(proto::NameAsked const& message) override { link_.send(message); }
    void say(proto::ConnectAsked const& message) override { link_.send(message); }
    void say(proto::RouteAsked const& message) override { link_.send(message); }
    void say(proto::RequestAsked const& message) override { link_.send(message); }
    void say(proto::RequestDone const& message) override { link_.send(message); }
    void say(proto::IcapAsked const& message) override { link_.send(message); }
    void say(proto::ConnectionEnded const& message) override { link_.send(message); }
    void say(proto::EgressDenied const& message) override
    {
        tell(fold_.add(message, clock_.now()));
        if (!tick_) tick_ = loop_.after(kFoldTick, [this] { tick(); });
    }

private:
    // Made when it is first needed: a session that only passes bytes through has no use for it.
    std::shared_ptr<ExchangeTools> tools()
    {
        if (tools_) return tools_;
        auto made = ExchangeTools::make(roots_, custody_, clock_, withheld_);
        if (!made) {
            log::failure("requests cannot be looked at", made.error());
            return nullptr;
        }
        tools_ = *std::move(made);
        return tools_;
    }

    void hear(wire::Link::Frame frame)
    {
        if (!lane_ || !obey(frame)) link_.violation();
    }

    bool obey(wire::Link::Frame& frame)
    {
        auto const heard = [&]<class Message>(void (*handle)(Server&, Message const&)) {
            auto const message = wire::decode<Message>(frame.body);
            if (message) handle(*this, *message);
            return message.has_value();
        };
        switch (static_cast<proto::Type>(frame.type)) {
        case proto::Type::name_decided: return heard(+[](Server& s, proto::NameDecided const& m) { s.lane_->name_decided(m); });
        case proto::Type::connect_decided:
            return heard(+[](Server& s, proto::ConnectDecided const& m) { s.with(m.connection, [&](Connection& c) { c.connect_decided(m.reason); }); });
        case proto::Type::route_refused:
            return heard(+[](Server& s, proto::RouteRefused const& m) { s.with(m.connection, [&](Connection& c) { c.refused(m.reason, m.by); }); });
        case proto::Type::request_allowed:
            return heard(+[](Server& s, proto::RequestAllowed const& m) { s.with(m.connection, [&](Connection& c) { c.allowed(m); }); });
        case proto::Type::request_refused:
            return heard(+[](Server& s, proto::RequestRefused const& m) { s.with(m.connection, [&](Connection& c) { c.request_refused(m); }); });
        case proto::Type::icap_refused:
            return heard(+[](Server& s, proto::IcapRefused const& m) { s.with(m.connection, [&](Connection& c) { c.icap_refused(m); }); });
        case proto::Type::icap_opened: {
            auto const opened = wire::decode<proto::IcapOpened>(frame.body);
            if (opened) with(opened->connection, [&](Connection& c) { c.icap_opened(*opened, std::move(frame.descriptors[0])); });
            return opened.has_value();
        }
        case proto::Type::connection_cut:
            return heard(+[](Server& s, proto::ConnectionCut const& m) { s.with(m.connection, [](Connection& c) { c.cut(); }); });
        case proto::Type::route_opened: {
            auto const opened = wire::decode<proto::RouteOpened>(frame.body);
            if (opened) with(opened->connection, [&](Connection& c) { c.opened(*opened, std::move(frame.descriptors[0])); });
            return opened.has_value();
        }
        case proto::Type::withheld_contents:
            return heard(+[](Server& s, proto::WithheldContents const& m) { s.withheld_.change(m.change); });
        case proto::Type::custody_channel: custody_.connect(std::move(frame.descriptors[0])); return true;
        default: return false;
        }
    }

    template <class Use>
    void with(ConnectionId id, Use use)
    {
        if (auto* const connection = lane_->find(id)) use(*connection);
    }

    void tick()
    {
        tick_.reset();
        tell(fold_.due(clock_.now()));
        if (!fold_.empty()) tick_ = loop_.after(kFoldTick, [this] { tick(); });
    }

    void tell(std::vector<proto::EgressDenied> const& events)
    {
        for (auto const& event : events) link_.send(event);
    }

    std::string_view roots_;
    SystemClock clock_;
    wire::Loop loop_;
    CustodyLink custody_{loop_};
    WithheldSet withheld_;
    std::shared_ptr<ExchangeTools> tools_;
    wire::Link link_;
    DenialFold fold_;
    wire::Watch tick_;
    std::unique_ptr<Lane> lane_;
};

}  // namespace

Result<void> edge_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::EdgeConfig>());
    auto& given = helper.descriptors();
    if (given.size() != kDescriptors) return fail(Fault::malformed, "wrong number of descriptors");
    auto const roots = OCU_TRY(map_roots(given[4].get()));
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kEdge));
    OCU_CHECK(helper.confine(profiles::kEdge));
    Server server(OCU_TRY(helper.report_ready()), roots);
    return server.run(std::move(given[1]), std::move(given[2]), std::move(given[3]), config.contact.str());
}

}  // namespace ocu::edge
