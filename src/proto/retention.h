// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a retention checkpoint says of the records that it lets go (docs/formats/audit.md): the same text for the one who writes it, the one
// who is asked to sign it and the one who verifies it. And where the removal of old records is, for whoever looks at the machine.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ocu::proto {

// AU-7: seven years with two leap days. No manifest may say less, and nothing signs, carries out or accepts less.
inline constexpr std::uint32_t kRetentionDaysFloor = 2557;
inline constexpr std::uint32_t kRetentionDaysMax = 36'500;
inline constexpr std::int64_t kDayMs = 86'400'000;
// With a cold tier that holds them: a record stays on this machine so long at least, for whoever looks into what has just happened.
inline constexpr std::uint32_t kHotDaysFloor = 30;

struct RetentionTerms {
    std::uint64_t removed = 0;    // records from 0 that need not be there any more: how many
    std::uint64_t segment = 0;    // the first that is kept
    std::uint64_t event = 0;      // the record that says so, audit_retention
    std::uint32_t days = 0;       // the policy
    std::int64_t newest_ms = 0;   // the latest time that any of the removed has
    std::int64_t signed_ms = 0;   // when it was signed
    std::uint32_t hot_days = 0;   // what went lies in the cold tier, and went after so long; 0: it went by age alone

    bool operator==(RetentionTerms const&) const = default;

    // The first moment at which no lock holds the newest of them any more (hot_days alone).
    constexpr std::int64_t cold_until_ms() const { return newest_ms + static_cast<std::int64_t>(days) * kDayMs; }
    // Nothing is let go that is younger than the policy, nor by a policy below the floor. What is locked elsewhere until then may go before.
    constexpr bool hold() const
    {
        auto const stays = hot_days != 0 ? hot_days : days;
        return removed != 0 && segment != 0 && event >= removed && days >= kRetentionDaysFloor && days <= kRetentionDaysMax && stays >= kHotDaysFloor &&
               stays <= days && newest_ms >= 0 && signed_ms >= 0 && newest_ms <= signed_ms - static_cast<std::int64_t>(stays) * kDayMs;
    }
};

inline constexpr std::string_view kRetentionFirstLine = "ocu-retention/1\n";
inline constexpr std::int64_t kNewestMsMax = 1ll << 60;

inline std::string format_terms(RetentionTerms const& terms)
{
    return std::string(kRetentionFirstLine) + "removed " + std::to_string(terms.removed) + "\nsegment " + std::to_string(terms.segment) +
           "\nevent " + std::to_string(terms.event) + "\ndays " + std::to_string(terms.days) + "\nnewest " + std::to_string(terms.newest_ms) +
           "\nsigned " + std::to_string(terms.signed_ms) + "\n" +
           (terms.hot_days == 0 ? "" : "hot " + std::to_string(terms.hot_days) + "\ncold " + std::to_string(terms.cold_until_ms()) + "\n");
}

// Takes them off the front of `text`. Nothing: it does not begin with terms as format_terms writes them.
inline std::optional<RetentionTerms> take_terms(std::string_view& text)
{
    auto rest = text;
    if (!rest.starts_with(kRetentionFirstLine)) return std::nullopt;
    rest.remove_prefix(kRetentionFirstLine.size());
    RetentionTerms out;
    auto const take = [&rest](std::string_view word, auto& into) {
        if (!rest.starts_with(word)) return false;
        rest.remove_prefix(word.size());
        auto const [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), into);
        if (error != std::errc{} || end == rest.data() + rest.size() || *end != '\n') return false;
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
        return true;
    };
    if (!take("removed ", out.removed) || !take("segment ", out.segment) || !take("event ", out.event) || !take("days ", out.days) ||
        !take("newest ", out.newest_ms) || !take("signed ", out.signed_ms))
        return std::nullopt;
    std::int64_t until_ms = 0;
    if (rest.starts_with("hot ") && (!take("hot ", out.hot_days) || !take("cold ", until_ms))) return std::nullopt;
    // Days that add to no time there is; and numbers that say what the others do not.
    if (out.days > kRetentionDaysMax || out.newest_ms > kNewestMsMax) return std::nullopt;
    // One spelling only: no sign, no leading zero, and the end of the locks is what the others make it.
    if (format_terms(out) != text.substr(0, text.size() - rest.size())) return std::nullopt;
    text = rest;
    return out;
}

// Why nothing more is removed now.
enum class RetentionHold : std::uint8_t {
    nothing_due,      // all that is there is younger than the policy, or too new in place
    clock,            // nobody has checked this machine's clock, or it was set in the last hour
    sink,             // a sink has not got what would go
    damaged,          // a record that would go does not check: audit verify says which
    signature,        // custody did not sign
    cold,             // the cold tier has not confirmed it
    kLast = cold,
};

constexpr std::string_view name_of(RetentionHold hold)
{
    constexpr std::string_view kNames[] = {"nothing_due", "clock", "sink", "damaged", "signature", "cold"};
    return kNames[static_cast<std::size_t>(hold)];
}

struct RetentionState {
    std::uint32_t days = 0;          // the manifest's; 0: not known yet
    std::uint64_t first_record = 0;  // the first that is kept: how many were removed
    RetentionHold hold = RetentionHold::nothing_due;
    std::uint32_t hot_days = 0;      // after which a record that the cold tier has may go; 0: it stays all those days

    bool operator==(RetentionState const&) const = default;
    static void fields(auto& wire, auto& m) { wire(m.days, m.first_record, m.hold, m.hot_days); }
};

}  // namespace ocu::proto
