// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What is believed about the time, and what is done about it. Values in, values out: time_keeper sets clocks and asks servers.
//
//   floor       the latest of the image's build and the manifest's not_before: moments that have passed. Nothing sets the clock below it.
//   ceiling     ten years after the floor. No answer beyond it is taken for the time.
//   who counts  one or two servers: the first named of those that have answered lately. Three and more: only a time that two of them tell,
//               to within a second; then one lying server moves nothing.
//   how         the first answer steps the clock. Later ones slew it by up to half a second, and step it, with a warning, by more.
// Threading: none of its own.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "appliance/init/set_clock.h"
#include "appliance/init/time_asker.h"
#include "base/clock.h"

namespace ocu::init {

struct TimeCorrection {
    enum class Kind : std::uint8_t { none, step, slew };
    Kind kind = Kind::none;
    std::chrono::nanoseconds by{};
};

class TimePolicy {
public:
    // `random`: any 64 bits, to spread questions in time.
    TimePolicy(std::int64_t build_time, std::function<std::uint64_t()> random);

    // A clock that cannot be right is to be set to the floor; remembers to say so.
    TimeCorrection check(std::chrono::nanoseconds wall);
    // New servers, all due now; what was known of earlier ones is forgotten. check() again afterwards: the floor may be higher.
    void apply(manifest::Network const& wanted, Monotonic now);

    std::vector<manifest::TimeServer> const& servers() const { return servers_; }
    // Those to ask now; each is then under way until answered() or failed().
    std::vector<std::size_t> take_due(Monotonic now);
    std::optional<Monotonic> next_due() const;
    TimeCorrection answered(std::size_t server, proto::TimeMeasured const& measured, Monotonic now, SetClock::Reading reading);
    void failed(std::size_t server, proto::TimeFailure why, Monotonic now);
    // What the clock's keeper could not do. Empty: it could.
    void set_clock_trouble(std::string text) { clock_trouble_ = std::move(text); }

    std::string source(Monotonic now) const;
    std::string trouble(Monotonic now) const;

private:
    struct Server {
        std::optional<Monotonic> due{};                 // none: under way
        unsigned failures = 0;                          // since the last good answer
        std::optional<proto::TimeFailure> failure{};    // the last one
        bool implausible = false;                       // its last answer was refused
        std::optional<Monotonic> answered{};
        std::chrono::nanoseconds unix_minus_monotonic{};
    };
    bool fresh(Server const& server, Monotonic now) const;
    bool agree(Server const& left, Server const& right) const;
    std::optional<std::size_t> believed(std::size_t server, Monotonic now) const;
    std::chrono::nanoseconds floor() const;
    std::chrono::nanoseconds ceiling() const;
    std::chrono::milliseconds jitter(std::chrono::milliseconds around) const;

    std::int64_t build_time_;
    std::int64_t not_before_ = 0;
    std::function<std::uint64_t()> random_;
    std::vector<manifest::TimeServer> servers_;
    std::vector<Server> states_;
    bool authenticated_ = false;     // an answer has set the clock since the start
    std::optional<std::size_t> source_;
    std::optional<std::chrono::nanoseconds> hardware_said_;  // what could not be, until a server has told the time
    std::string step_trouble_;
    std::string clock_trouble_;
};

}  // namespace ocu::init
