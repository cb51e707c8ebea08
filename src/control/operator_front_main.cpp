// SPDX-License-Identifier: GPL-3.0-or-later
#include <map>

#include "appliance/profiles/operator_front.h"
#include "control/helpers.h"
#include "control/operator_face.h"
#include "helper/trace.h"
#include "wire/http.h"
#include "wire/link.h"

namespace ocu::control {

namespace {

// Requests in, questions to control, answers out. It holds nothing but what is under way.
class Front {
public:
    Front(wire::Loop& loop, UniqueFd link, proto::OperatorFrontConfig const& config)
        : loop_(loop), server_(loop, options(config),
                           [this](wire::HttpRequest request, std::shared_ptr<wire::HttpReply> reply) { take(request, std::move(reply)); }),
          link_(
              loop, std::move(link), wire::Link::Options{.permits = proto::kControlMaySendOperatorFront},
              [this](wire::Link::Frame frame) { hear(std::move(frame)); }, [this](wire::Lost) { loop_.stop(); })
    {}

private:
    struct Waiting {
        proto::OperatorAction action;
        std::string trace;
        std::shared_ptr<wire::HttpReply> reply;  // shared with the server's connection
    };

    wire::HttpServer::Options options(proto::OperatorFrontConfig const& config)
    {
        wire::HttpServer::Options options;
        options.limits.connections_max = config.connections_max;
        options.limits.header_bytes_max = 8u << 10;
        options.limits.body_bytes_max = 8u << 10;
        options.limits.idle_timeout = std::chrono::milliseconds(60'000);
        options.refuse = [this](wire::HttpRefusal refusal) {
            return refuse({}, {refusal.status, refusal.code, "the request was refused", {}}, helper::new_trace());
        };
        return options;
    }

    wire::HttpResponse refuse(ConnectionId connection, FaceRefusal const& refusal, std::string const& trace)
    {
        link_.send(proto::OperatorRefused{connection, wire::Text<64>(trace), wire::Text<48>::cut(refusal.code)});
        return render_refusal(refusal, trace);
    }

    void take(wire::HttpRequest const& request, std::shared_ptr<wire::HttpReply> reply)
    {
        std::string trace = helper::new_trace();
        auto const question = parse_question(request.method, request.target, request.body);
        if (!question) return reply->send(refuse(request.connection, question.error(), trace));
        proto::OperatorAsk ask;
        ask.connection = request.connection;
        ask.request = RequestId{++last_request_};
        ask.action = question->action;
        ask.session = question->session;
        ask.trace = trace;
        ask.egress = question->egress;
        ask.files = question->files;
        ask.policy = question->policy;
        ask.caller = question->caller;
        waiting_[ask.request] = {question->action, std::move(trace), std::move(reply)};
        link_.send(ask);
    }

    void hear(wire::Link::Frame frame)
    {
        if (frame.type == static_cast<std::uint16_t>(proto::Type::operator_connection)) {
            auto const connection = wire::decode<proto::OperatorConnection>(frame.body);
            if (!connection) return link_.violation();
            return server_.adopt(std::move(frame.descriptors.front()), connection->connection);
        }
        auto const answer = wire::decode<proto::OperatorAnswer>(frame.body);
        if (!answer) return link_.violation();
        auto const found = waiting_.find(answer->request);
        if (found == waiting_.end()) return;
        found->second.reply->send(render_answer(found->second.action, *answer, found->second.trace));
        waiting_.erase(found);
    }

    wire::Loop& loop_;
    std::uint64_t last_request_ = 0;
    std::map<RequestId, Waiting> waiting_;
    wire::HttpServer server_;
    wire::Link link_;
};

}  // namespace

Result<void> operator_front_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::OperatorFrontConfig>());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kOperatorFront));
    wire::Loop loop;
    OCU_CHECK(helper.confine(profiles::kOperatorFront));
    Front front(loop, OCU_TRY(helper.report_ready()), config);
    loop.run();
    return {};
}

}  // namespace ocu::control
