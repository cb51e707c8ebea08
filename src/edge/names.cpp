// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/names.h"

#include <ares.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <unordered_map>

#include "edge/dial_plan.h"

namespace ocu::edge {

namespace {

constexpr int kTimeoutMs = 2'000;  // of one try
constexpr int kTriesMax = 3;
constexpr int kDatagramBytesMax = 1'232;  // what passes everywhere without being cut into fragments, which can be forged
constexpr std::chrono::milliseconds kTickMax{1'000};

// Addresses of the chain's end. The names between, and what else the answer holds, are not looked at.
std::vector<Address> addresses_of(ares_addrinfo const* info)
{
    std::vector<Address> out;
    for (auto const* node = info == nullptr ? nullptr : info->nodes; node != nullptr && out.size() < kAddressesMax; node = node->ai_next) {
        Address address{};
        if (node->ai_family == AF_INET) {
            auto const* const four = reinterpret_cast<sockaddr_in const*>(node->ai_addr);
            address[10] = address[11] = 0xff;
            std::memcpy(address.data() + 12, &four->sin_addr, 4);
        } else if (node->ai_family == AF_INET6) {
            auto const* const six = reinterpret_cast<sockaddr_in6 const*>(node->ai_addr);
            std::memcpy(address.data(), &six->sin6_addr, 16);
        } else {
            continue;
        }
        out.push_back(address);
    }
    return out;
}

Names::Outcome outcome_of(int status)
{
    switch (status) {
    case ARES_SUCCESS: return Names::Outcome::found;
    case ARES_ENOTFOUND:
    case ARES_ENODATA: return Names::Outcome::no_such_name;
    default: return Names::Outcome::failed;
    }
}

}  // namespace

struct Names::State {
    struct Sockets {
        wire::Watch readable;
        wire::Watch writable;
    };
    struct Question {
        State* state;
        Told told;
    };

    explicit State(wire::Loop& loop_in) : loop(loop_in) {}
    ~State()
    {
        if (channel != nullptr) ares_destroy(channel);
    }
    State(State const&) = delete;
    State& operator=(State const&) = delete;

    int start();
    void watch(ares_socket_t fd, int readable, int writable);
    void process(ares_socket_t readable, ares_socket_t writable);
    void arm();
    static void answered(void* data, int status, int, ares_addrinfo* info);

    wire::Loop& loop;
    ares_channel_t* channel = nullptr;
    std::unordered_map<ares_socket_t, Sockets> sockets;
    std::size_t questions = 0;
    wire::Watch tick;
};

// Every option is said: a default that is relied on is one that can change.
int Names::State::start()
{
    ares_options options{};
    char lookups[] = "b";
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS | ARES_FLAG_DNS0x20;
    options.timeout = kTimeoutMs;
    options.maxtimeout = kTimeoutMs;
    options.tries = kTriesMax;
    options.ndots = 1;
    options.lookups = lookups;
    options.ednspsz = kDatagramBytesMax;
    options.udp_max_queries = 1;  // a new port for each query: an answer cannot be guessed ahead
    options.qcache_max_ttl = 0;   // what is dialled was answered for this dial
    options.server_failover_opts = {10, 5'000};
    options.sock_state_cb_data = this;
    options.sock_state_cb = [](void* data, ares_socket_t fd, int readable, int writable) {
        static_cast<State*>(data)->watch(fd, readable, writable);
    };
    constexpr int kGiven = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_MAXTIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                           ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_EDNSPSZ | ARES_OPT_UDP_MAX_QUERIES | ARES_OPT_QUERY_CACHE |
                           ARES_OPT_SERVER_FAILOVER | ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
    return ares_init_options(&channel, &options, kGiven);
}

void Names::State::watch(ares_socket_t fd, int readable, int writable)
{
    if (readable == 0 && writable == 0) {
        sockets.erase(fd);
        return;
    }
    auto& each = sockets[fd];
    if (readable == 0) each.readable.reset();
    if (writable == 0) each.writable.reset();
    if (readable != 0 && !each.readable) each.readable = loop.on_readable(fd, [this, fd] { process(fd, ARES_SOCKET_BAD); });
    if (writable != 0 && !each.writable) each.writable = loop.on_writable(fd, [this, fd] { process(ARES_SOCKET_BAD, fd); });
}

void Names::State::process(ares_socket_t readable, ares_socket_t writable)
{
    ares_process_fd(channel, readable, writable);
    arm();
}

void Names::State::arm()
{
    tick.reset();
    if (questions == 0) return;
    timeval most{std::chrono::duration_cast<std::chrono::seconds>(kTickMax).count(), 0};
    timeval space{};
    auto const* const next = ares_timeout(channel, &most, &space);
    auto const wait = std::chrono::milliseconds(next->tv_sec * 1'000 + next->tv_usec / 1'000 + 1);
    tick = loop.after(wait, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); });
}

void Names::State::answered(void* data, int status, int, ares_addrinfo* info)
{
    std::unique_ptr<Question> const question(static_cast<Question*>(data));
    Answer answer{outcome_of(status), addresses_of(info)};
    if (info != nullptr) ares_freeaddrinfo(info);
    --question->state->questions;
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
    if (answer.outcome == Outcome::found && answer.addresses.empty()) answer.outcome = Outcome::no_such_name;
    question->told(std::move(answer));
}

Result<std::unique_ptr<Names>> Names::open(wire::Loop& loop, std::vector<std::string> const& resolvers)
{
    static int const library = ares_library_init(ARES_LIB_INIT_ALL);
    auto state = std::make_unique<State>(loop);
    if (library != ARES_SUCCESS || state->start() != ARES_SUCCESS) return fail(Fault::unavailable, "the resolver library does not start");
    std::string list;
    for (auto const& resolver : resolvers) list += (list.empty() ? "" : ",") + resolver;
    if (!list.empty() && ares_set_servers_ports_csv(state->channel, list.c_str()) != ARES_SUCCESS)
        return fail(Fault::malformed, "a resolver is no numeric address");
    return std::unique_ptr<Names>(new Names(std::move(state)));
}

Names::Names(std::unique_ptr<State> state) : state_(std::move(state)) {}
Names::~Names() = default;

void Names::ask(std::string const& name, Told told)
{
    State& state = *state_;
    if (state.questions == kQuestionsMax) return told({Outcome::over_limit, {}});
    ++state.questions;
    ares_addrinfo_hints hints{};
    hints.ai_flags = ARES_AI_NOSORT;  // the library would connect sockets to each address only to sort them
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    auto question = std::make_unique<State::Question>(State::Question{&state, std::move(told)});
    ares_getaddrinfo(state.channel, name.c_str(), nullptr, &hints, &State::answered, question.release());
    state.arm();
}

}  // namespace ocu::edge
