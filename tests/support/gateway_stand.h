// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A gateway that can be called over HTTP without an appliance: front and thread for real, wired to each other by a real link; control,
// sandbox and storage played by a small script. All on one loop, run by a thread of its own.
//
// The played sandbox knows: `echo TEXT`, `sleep SECONDS` (with progress every second), `exit N`, `flood N`; create_file and view of what
// was created, in a store of each session; view of a name that ends in .png.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <thread>

#include "gateway/front.h"
#include "support/gateway_fakes.h"

namespace ocu::support {

class PlayedSandbox {
public:
    explicit PlayedSandbox(GatewayNeighbours& neighbours) : neighbours_(neighbours)
    {
        neighbours.on_wanted = [this](proto::SessionWanted const& wanted) {
            neighbours_.control_in.send(proto::SessionGranted{wanted.request, neighbours_.session_of(wanted)});
        };
        neighbours.on_call = [this](proto::CallTool const& call) { run(call); };
        neighbours.on_cancel = [this](proto::CancelTool const& cancel) {
            if (sleeping_.erase(cancel.call) == 0) return;
            proto::ToolAnswer answer;
            answer.reason = proto::Reason::cancelled;
            neighbours_.sandbox_in.send(proto::ToolDone{cancel.call, answer});
        };
        neighbours.on_inspect = [this](proto::InspectBody const& inspect) {
            proto::BodyInspected shown;
            shown.call = inspect.call;
            shown.good = true;
            shown.content = proto::Content::image;
            shown.mime = "image/png";
            shown.body = inspect.body;
            neighbours_.storage_in.send(shown);
        };
    }

private:
    struct Sleep {
        std::chrono::milliseconds elapsed{};
        std::chrono::milliseconds total{};
        wire::Watch watch;
    };

    void done(CallId call, proto::ToolAnswer answer) { neighbours_.sandbox_in.send(proto::ToolDone{call, std::move(answer)}); }

    static int number_after(std::string_view text, std::size_t skip)
    {
        int value = 0;
        (void)std::from_chars(text.data() + std::min(skip, text.size()), text.data() + text.size(), value);
        return value;
    }

    void run(proto::CallTool const& call)
    {
        auto const& arguments = call.arguments;
        auto& files = files_[call.session];
        if (arguments.tool == proto::Tool::create_file) {
            files[arguments.path.str()] = arguments.text.str();
            return done(call.call, text_answer("File created."));
        }
        if (arguments.tool != proto::Tool::bash) {
            auto answer = text_answer(files.contains(arguments.path.str()) ? files[arguments.path.str()] : "no such file");
            answer.is_error = !files.contains(arguments.path.str());
            if (arguments.path.view().ends_with(".png"))
                answer = {.content = proto::Content::image, .mime = "image/png", .body = "\x89PNG"};
            return done(call.call, std::move(answer));
        }
        std::string_view const command = arguments.command.view();
        if (command.starts_with("sleep ")) return sleep(call.call, std::chrono::seconds(number_after(command, 6)));
        if (command.starts_with("flood "))
            return done(call.call, text_answer(std::string(static_cast<std::size_t>(number_after(command, 6)), 'x')));
        if (command.starts_with("exit ")) {
            auto answer = text_answer("[Exit code: " + std::to_string(number_after(command, 5)) + "]");
            answer.has_exit = true;
            answer.exit_status = number_after(command, 5);
            return done(call.call, std::move(answer));
        }
        done(call.call, text_answer(command.starts_with("echo ") ? std::string(command.substr(5)) + "\n" : "[No output]"));
    }

    void sleep(CallId call, std::chrono::milliseconds total)
    {
        sleeping_.try_emplace(call, Sleep{{}, total, {}});
        tick(call);
    }

    void tick(CallId call)
    {
        constexpr std::chrono::milliseconds kStep{1'000};
        auto const found = sleeping_.find(call);
        if (found == sleeping_.end()) return;
        Sleep& sleep = found->second;
        if (sleep.elapsed >= sleep.total) {
            sleeping_.erase(found);
            return done(call, text_answer("[No output]"));
        }
        if (sleep.elapsed.count() > 0) neighbours_.sandbox_in.send(proto::ToolProgress{call, sleep.elapsed, sleep.total, "asleep"});
        sleep.watch = neighbours_.loop.after(std::min(kStep, sleep.total - sleep.elapsed), [this, call] { tick(call); });
        sleep.elapsed += std::min(kStep, sleep.total - sleep.elapsed);
    }

    GatewayNeighbours& neighbours_;
    std::map<SessionId, std::map<std::string, std::string>> files_;
    std::map<CallId, Sleep> sleeping_;
};

class GatewayStand {
public:
    explicit GatewayStand(gateway::Config config = {}, std::uint16_t port = 0, std::optional<wire::TlsIdentity> tls = {})
        : neighbours(loop_), sandbox_(neighbours)
    {
        config.callers = {make_caller(1, "alice", "key-a"), make_caller(2, "bob", "key-b")};
        gateway_.emplace(loop_, clock_, config, neighbours.wires());
        UniqueFd listener = listen(port);
        port_ = bound_port(listener.get());
        gateway::Front::Options options;
        options.rules.access.hosts = {"127.0.0.1", "localhost"};
        options.rules.access.chat_required = config.chat_id_required;
        options.rules.public_url = "http://127.0.0.1:" + std::to_string(port_);
        options.rules.instructions = "A played sandbox.";
        options.http.connections_max = config.connections_max;
        options.tls = std::move(tls);
        auto pair = make_socket_pair();
        OCU_ASSERT(pair.has_value());
        front_.emplace(loop_, clock_, std::move(options), std::move(listener), std::move(pair->ours), [this] { front_gone = true; });
        neighbours.core_in.send(proto::HelperUp{helper::Kind::gateway_front, std::move(pair->theirs), {}});
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~GatewayStand()
    {
        loop_.stop();
        thread_.join();
        front_.reset();
        gateway_.reset();
    }

    std::uint16_t port() const { return port_; }

private:
    static UniqueFd listen(std::uint16_t port)
    {
        UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int const on = 1;
        (void)::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        OCU_ASSERT(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        OCU_ASSERT(::listen(listener.get(), 64) == 0);
        return listener;
    }
    static std::uint16_t bound_port(int listener)
    {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        OCU_ASSERT(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        return ntohs(address.sin_port);
    }

    wire::Loop loop_;
    SystemClock clock_;

public:
    GatewayNeighbours neighbours;
    bool front_gone = false;

private:
    PlayedSandbox sandbox_;
    std::optional<gateway::Gateway> gateway_;
    std::optional<gateway::Front> front_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

}  // namespace ocu::support
