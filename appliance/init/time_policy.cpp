// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/time_policy.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "base/assert.h"

namespace ocu::init {

namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::seconds kBackOffFirst{16};
constexpr std::chrono::seconds kBackOffMax{3600};
constexpr std::chrono::seconds kInterval{3600};
constexpr std::chrono::minutes kFreshFor{90};
constexpr std::chrono::seconds kAgreement{1};
constexpr std::chrono::hours kPlausible{10 * 365 * 24};
constexpr std::size_t kQuorumFrom = 3;  // as many servers, and two must agree

static_assert(kInterval + kInterval / 8 < kFreshFor, "an answer lasts until the next");

std::string date_of(nanoseconds time)
{
    std::time_t const seconds = std::chrono::floor<std::chrono::seconds>(time).count();
    std::tm parts{};
    char text[32] = "a date beyond reason";
    if (::gmtime_r(&seconds, &parts) != nullptr) (void)std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
    return text;
}

std::string amount_of(nanoseconds time)
{
    auto const whole = std::chrono::round<std::chrono::seconds>(std::chrono::abs(time)).count();
    if (whole < 120) return std::to_string(whole) + " s";
    if (whole < 2 * 3600) return std::to_string(whole / 60) + " minutes";
    if (whole < 2 * 86400) return std::to_string(whole / 3600) + " hours";
    return std::to_string(whole / 86400) + " days";
}

std::string_view text_of(proto::TimeFailure why)
{
    using enum proto::TimeFailure;
    switch (why) {
    case unreachable: return "cannot be reached";
    case silent: return "does not answer";
    case untrusted: return "shows a certificate that the manifest's authority did not sign";
    case certificate_dates: return "shows a certificate that is not valid by this machine's clock; one of the two is wrong";
    case certificate_name: return "shows a certificate for another name";
    case no_time_security: return "does not speak Network Time Security";
    case refused: return "refuses to serve this machine";
    case malformed: return "answers something that is not Network Time Security";
    case other_server: return "sends this machine to another server, which the manifest does not name";
    case keys_refused: return "no longer knows the keys that it has given";
    case not_synchronised: return "does not know the time itself";
    case too_far: return "answers too slowly for its time to mean anything";
    case altered: return "is not heard: its answers are altered on the way";
    case broken: break;
    }
    return "could not be asked: the helper ended";
}

// A network that is still coming up, or one lost packet, is not worth a warning at once.
bool passes(proto::TimeFailure why) { return why == proto::TimeFailure::unreachable || why == proto::TimeFailure::silent; }

void add(std::string& text, std::string const& sentence)
{
    if (sentence.empty()) return;
    if (!text.empty()) text += ' ';
    text += sentence;
}

}  // namespace

TimePolicy::TimePolicy(std::int64_t build_time, std::function<std::uint64_t()> random) : build_time_(build_time), random_(std::move(random))
{}

nanoseconds TimePolicy::floor() const { return std::chrono::seconds(std::max(build_time_, not_before_)); }
nanoseconds TimePolicy::ceiling() const { return floor() + kPlausible; }

TimeCorrection TimePolicy::check(nanoseconds wall)
{
    if (wall >= floor() && wall <= ceiling()) return {};
    if (!hardware_said_) hardware_said_ = wall;
    authenticated_ = false;
    return {TimeCorrection::Kind::step, floor() - wall};
}

void TimePolicy::apply(manifest::Network const& wanted, Monotonic now)
{
    servers_ = wanted.time;
    not_before_ = wanted.not_before;
    states_.assign(servers_.size(), Server{.due = now});
    source_.reset();
    authenticated_ = false;
    step_trouble_.clear();
}

std::vector<std::size_t> TimePolicy::take_due(Monotonic now)
{
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < states_.size(); ++i) {
        auto& due = states_[i].due;
        if (!due || *due > now) continue;
        due.reset();
        out.push_back(i);
    }
    return out;
}

std::optional<Monotonic> TimePolicy::next_due() const
{
    std::optional<Monotonic> first;
    for (auto const& each : states_)
        if (each.due && (!first || *each.due < *first)) first = each.due;
    return first;
}

// An eighth earlier or later: many machines that were switched on together do not ask together.
std::chrono::milliseconds TimePolicy::jitter(std::chrono::milliseconds around) const
{
    auto const spread = around.count() / 4;
    return around + std::chrono::milliseconds(static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(spread + 1)) - spread / 2);
}

bool TimePolicy::fresh(Server const& server, Monotonic now) const { return server.answered && now - *server.answered < kFreshFor; }

bool TimePolicy::agree(Server const& left, Server const& right) const
{
    return std::chrono::abs(left.unix_minus_monotonic - right.unix_minus_monotonic) <= kAgreement;
}

// The server that vouches for what `server` has just answered: itself or another. Nothing: its answer moves no clock.
std::optional<std::size_t> TimePolicy::believed(std::size_t server, Monotonic now) const
{
    for (std::size_t i = 0; i < states_.size(); ++i) {
        if (!fresh(states_[i], now)) continue;
        if (states_.size() < kQuorumFrom) return i == server ? std::optional(i) : std::nullopt;  // only the first of those who answer
        if (i != server && agree(states_[i], states_[server])) return i;
    }
    return std::nullopt;
}

TimeCorrection TimePolicy::answered(std::size_t server, proto::TimeMeasured const& measured, Monotonic now, SetClock::Reading reading)
{
    auto& state = states_[server];
    // The floor is taken from both sides, so that no number a helper sends can overflow.
    if (measured.unix_minus_monotonic < floor() - reading.monotonic || measured.unix_minus_monotonic > ceiling() - reading.monotonic) {
        failed(server, proto::TimeFailure::broken, now);
        state.implausible = true;
        state.answered.reset();
        return {};
    }
    state = Server{.due = now + jitter(kInterval), .answered = now, .unix_minus_monotonic = measured.unix_minus_monotonic};
    if (!believed(server, now)) return {};
    source_ = server;
    hardware_said_.reset();
    step_trouble_.clear();
    auto const by = measured.unix_minus_monotonic + reading.monotonic - reading.wall;
    bool const first = !std::exchange(authenticated_, true);
    if (!first && std::chrono::abs(by) <= kSlewMax) return {TimeCorrection::Kind::slew, by};
    if (!first) step_trouble_ = "The clock was " + amount_of(by) + " wrong and was set by " + servers_[server].host + '.';
    return {TimeCorrection::Kind::step, by};
}

void TimePolicy::failed(std::size_t server, proto::TimeFailure why, Monotonic now)
{
    auto& state = states_[server];
    auto const wait = std::min<std::chrono::seconds>(kBackOffFirst * (1u << std::min(state.failures, 12u)), kBackOffMax);
    ++state.failures;
    state.failure = why;
    state.implausible = false;
    state.due = now + jitter(wait);
}

std::string TimePolicy::source(Monotonic now) const
{
    if (!authenticated_ || !source_) return "hardware clock, not checked";
    auto const& state = states_[*source_];
    std::string text = "authenticated (" + servers_[*source_].host;
    if (!fresh(state, now) && state.answered) text += ", " + amount_of(now - *state.answered) + " ago";
    return text + ')';
}

std::string TimePolicy::trouble(Monotonic now) const
{
    std::string text;
    if (hardware_said_)
        text = "The hardware clock said " + date_of(*hardware_said_) + ", which cannot be; the clock was set to " + date_of(floor()) +
               ". Its battery may be empty.";
    if (servers_.empty()) add(text, "The manifest names no time server: nobody checks this machine's clock.");
    std::size_t fresh_count = 0;
    std::vector<std::size_t> alone;  // answered, and no other tells the same
    for (std::size_t i = 0; i < states_.size(); ++i) {
        auto const& state = states_[i];
        if (state.implausible)
            add(text, "Time server " + servers_[i].host + " tells a time that cannot be; it was not believed.");
        else if (state.failure && (state.failures > 1 || !passes(*state.failure)))
            add(text, "Time server " + servers_[i].host + ' ' + std::string(text_of(*state.failure)) + '.');
        if (!fresh(state, now)) continue;
        ++fresh_count;
        bool const seconded =
            std::ranges::any_of(states_, [&](Server const& other) { return &other != &state && fresh(other, now) && agree(other, state); });
        if (!seconded) alone.push_back(i);
    }
    if (fresh_count > 1 && alone.size() == fresh_count) {
        add(text, states_.size() < kQuorumFrom ? "The time servers contradict each other; " + servers_.front().host + " is followed."
                                               : "The time servers contradict each other; the clock is left alone.");
    } else if (fresh_count > 1) {
        for (auto const each : alone) add(text, "Time server " + servers_[each].host + " tells another time than the others.");
    } else if (fresh_count == 1 && states_.size() >= kQuorumFrom) {
        add(text, "Only one time server has answered lately; two must agree before the clock follows them.");
    }
    add(text, step_trouble_);
    add(text, clock_trouble_);
    return text;
}

}  // namespace ocu::init
