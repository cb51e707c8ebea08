// SPDX-License-Identifier: GPL-3.0-or-later
// Units: custody/source_gate and custody/fetched_secrets.

#include <catch2/catch_test_macros.hpp>

#include "custody/fetched_secrets.h"
#include "custody/limits.h"
#include "custody/source_gate.h"

namespace test_source_gate {

using namespace ocu;
using namespace ocu::custody;
using namespace std::chrono_literals;
using proto::SourceFailure;
using How = SourceGate::How;

constexpr SessionId kOne{1};
constexpr SessionId kTwo{2};

TEST_CASE("source gate: given a source that fails, when asked again, then only after 1, 2, 4, ... 60 s, and one answer ends that",
    "[custody][EG-1][T-06]")
{
    ManualClock clock;
    SourceGate gate;
    for (auto const pause : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        REQUIRE(gate.begin(kOne, "rule", clock.now()) == SourceFailure::none);
        gate.end(kOne, "rule", How::failed, clock.now());
        clock.advance(pause - 1ms);
        CHECK(gate.begin(kOne, "rule", clock.now()) == SourceFailure::backing_off);
        // Nobody else waits for that.
        CHECK(gate.begin(kTwo, "rule", clock.now()) == SourceFailure::none);
        gate.end(kTwo, "rule", How::given_up, clock.now());
        CHECK(gate.begin(kOne, "other", clock.now()) == SourceFailure::none);
        gate.end(kOne, "other", How::given_up, clock.now());
        clock.advance(1ms);
    }
    REQUIRE(gate.begin(kOne, "rule", clock.now()) == SourceFailure::none);
    gate.end(kOne, "rule", How::answered, clock.now());
    REQUIRE(gate.begin(kOne, "rule", clock.now()) == SourceFailure::none);
    gate.end(kOne, "rule", How::failed, clock.now());
    clock.advance(1s);
    CHECK(gate.begin(kOne, "rule", clock.now()) == SourceFailure::none);
}

TEST_CASE("source gate: given many questions, when at once or within a minute, then no more than their number, of each session and of all",
    "[custody][EG-1][T-06]")
{
    ManualClock clock;
    SourceGate gate;
    for (std::size_t i = 0; i < kFetchesPerSessionMax; ++i) CHECK(gate.begin(kOne, "rule", clock.now()) == SourceFailure::none);
    CHECK(gate.begin(kOne, "rule", clock.now()) == SourceFailure::over_limit);
    std::size_t open = kFetchesPerSessionMax;
    for (std::uint64_t session = 10; open < kSourceChannelsMax; ++open, ++session)
        CHECK(gate.begin(SessionId{session}, "rule", clock.now()) == SourceFailure::none);
    CHECK(gate.begin(kTwo, "rule", clock.now()) == SourceFailure::over_limit);
    gate.end(SessionId{10}, "rule", How::answered, clock.now());
    CHECK(gate.begin(kTwo, "rule", clock.now()) == SourceFailure::none);
    gate.end(kTwo, "rule", How::answered, clock.now());
    for (std::size_t i = 0; i < kFetchesPerMinuteMax - 1; ++i) {
        CHECK(gate.begin(kTwo, "rule", clock.now()) == SourceFailure::none);
        gate.end(kTwo, "rule", How::answered, clock.now());
    }
    CHECK(gate.begin(kTwo, "rule", clock.now()) == SourceFailure::over_limit);
    clock.advance(60s);
    CHECK(gate.begin(kTwo, "rule", clock.now()) == SourceFailure::none);
    // What is forgotten in the middle is counted right all the same.
    gate.forget(kTwo);
    gate.end(kTwo, "rule", How::failed, clock.now());
    CHECK(gate.begin(kTwo, "rule", clock.now()) == SourceFailure::none);
}

TEST_CASE("fetched: given an answer for a lease, when looked for, then for that lease until its end, and not after a drop",
    "[custody][CU-2][T-26]")
{
    ManualClock clock;
    FetchedSecrets fetched;
    REQUIRE(fetched.keep(7, kOne, "value-7", clock.now() + 10s));
    REQUIRE(fetched.keep(8, kTwo, "value-8", clock.now() + 20s));
    CHECK(fetched.keep(7, kOne, "another", clock.now() + 10s).error().fault == Fault::conflict);
    auto const text = [&](LeaseNumber lease) {
        auto const* const found = fetched.find(lease, clock.now());
        return found == nullptr ? std::string("-")
                                : std::string(reinterpret_cast<char const*>(found->bytes().data()), found->bytes().size());
    };
    CHECK(text(7) == "value-7");
    CHECK(text(9) == "-");
    fetched.shorten(7, clock.now() + 30s);  // never later
    clock.advance(10s);
    CHECK(text(7) == "-");
    CHECK(fetched.size() == 2);
    fetched.sweep(clock.now());
    CHECK(fetched.size() == 1);
    fetched.shorten(8, clock.now() + 5s);
    clock.advance(5s);
    CHECK(text(8) == "-");
    REQUIRE(fetched.keep(9, kOne, "value-9", clock.now() + 10s));
    REQUIRE(fetched.keep(10, kTwo, "value-10", clock.now() + 10s));
    fetched.drop(kOne);
    CHECK(text(9) == "-");
    fetched.drop(LeaseNumber{10});
    CHECK(text(10) == "-");
    fetched.sweep(clock.now());
    for (LeaseNumber lease = 100; fetched.size() < kFetchedMax; ++lease) REQUIRE(fetched.keep(lease, kOne, "v", clock.now() + 10s));
    CHECK(fetched.keep(1, kOne, "v", clock.now() + 10s).error().fault == Fault::over_limit);
}

}  // namespace test_source_gate
