// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Who is let in (GW-3): the manifest's callers, those that operators made beside them, and who of both was revoked. Keys are 256 random bits, told
// once and kept as salted digests. What is kept is one file, STATE/callers/table, written whole: "ocu-callers/1\n", the SHA-256 of the rest, and a
// Kept in the house's encoding. A file that does not verify says nothing about who was revoked: then nobody is let in (T-45). Pure; what expires
// does so on the monotonic clock (invariant 10), and while the machine is off by the wall clock, which cannot go back behind the last write.

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "proto/ask_callers.h"
#include "proto/reason.h"
#include "wire/codec.h"

namespace ocu::control {

inline constexpr std::size_t kCallersKeptMax = 256;  // made by operators, the revoked of them included
inline constexpr std::size_t kRevokedKeysMax = 4'096;  // of manifests: as many as one may declare
inline constexpr std::size_t kCallersFileBytesMax = 1u << 20;

struct KeptKey {
    std::array<std::uint8_t, 16> salt{};
    std::array<std::uint8_t, 32> digest{};
    bool operator==(KeptKey const&) const = default;
    static void fields(auto& wire, auto& m) { wire(m.salt, m.digest); }
};

struct KeptCaller {
    std::uint64_t id = 0;
    wire::Text<proto::kCallerNameBytesMax> name;
    proto::CallerState state{};  // active, expired, revoked
    KeptKey key;
    KeptKey old_key;             // good as well until old_key_until_s; 0: there is none
    std::int64_t made_s = 0;
    std::int64_t expires_s = 0;  // 0: never
    std::int64_t old_key_until_s = 0;
    std::int64_t revoked_s = 0;
    wire::Text<64> made_by;
    wire::Text<64> revoked_by;
    static void fields(auto& wire, auto& m)
    {
        wire(m.id, m.name, m.state, m.key, m.old_key, m.made_s, m.expires_s, m.old_key_until_s, m.revoked_s, m.made_by, m.revoked_by);
    }
};

// A key of a manifest's caller: that key is revoked, in this manifest and in every later one that has it.
struct RevokedKey {
    wire::Text<proto::kCallerNameBytesMax> name;
    KeptKey key;
    std::int64_t revoked_s = 0;
    wire::Text<64> revoked_by;
    static void fields(auto& wire, auto& m) { wire(m.name, m.key, m.revoked_s, m.revoked_by); }
};

class CallerBook {
public:
    struct Made {
        std::string key;  // told once
        proto::KeyId key_id{};
    };
    template <class T>
    using Verdict = std::expected<T, proto::Reason>;

    // Nobody is declared, and nobody was made.
    CallerBook() = default;
    // `reserved`: names that no caller may have. `file`: what is kept; nothing: there is no file yet. One that does not verify makes it damaged.
    CallerBook(std::vector<helper::Caller> declared, std::vector<std::string> reserved, std::optional<std::span<std::byte const>> file, Clock const& clock);

    bool damaged() const { return damaged_; }
    std::vector<helper::Caller> in_force() const;
    // Revoked, or over: it gets no session any more.
    bool denies(CallerId caller) const;
    std::vector<std::string> names() const;

    // Would it be done? add, rotate and revoke say the same. Errors: callers_damaged, and
    proto::Reason may_add(std::string_view name) const;     // bad_request, caller_of_manifest, caller_exists, too_many_callers
    proto::Reason may_rotate(std::string_view name) const;  // unknown_caller, caller_of_manifest, caller_over
    proto::Reason may_revoke(std::string_view name) const;  // unknown_caller

    Verdict<Made> add(proto::CallerQuestion const& asked, std::string_view by, Clock const& clock);
    Verdict<Made> rotate(proto::CallerQuestion const& asked, std::string_view by, Clock const& clock);
    // Whose sessions are to be ended. Of one that is revoked already: the same again.
    Verdict<CallerId> revoke(std::string_view name, std::string_view by, Clock const& clock);
    // Nothing is kept any more: every declared caller is let in again, and those that operators made are gone. Only of a damaged one.
    void reset();

    struct Turned {
        std::vector<KeptCaller> expired;  // just now
        bool changed = false;             // in_force() is another
    };
    // The first one says also what had passed while the machine was off.
    Turned pass_time(Clock const& clock);

    wire::Bytes file(Clock const& clock) const;
    proto::CallersState state() const;
    // In the order: made by operators, revoked in the manifest, declared. `seen_s` and `sessions` are the asker's to fill in.
    std::vector<std::pair<CallerId, proto::CallerShown>> shown() const;

private:
    struct Deadlines {
        std::optional<Monotonic> over;
        std::optional<Monotonic> old_key;
    };
    struct Entry {
        KeptCaller kept;
        Deadlines until;
    };
    void take(std::span<std::byte const> file, Clock const& clock);
    helper::Caller const* declared(std::string_view name) const;
    Entry* made(std::string_view name);
    Entry const* made(std::string_view name) const;
    RevokedKey const* revocation_of(helper::Caller const& declared) const;

    std::vector<helper::Caller> declared_;
    std::vector<std::string> reserved_;
    std::vector<Entry> made_;
    std::vector<RevokedKey> revoked_;
    std::uint64_t last_id_ = 0;
    std::int64_t latest_s_ = 0;  // that the wall clock was seen to say
    bool damaged_ = false;
    Turned while_off_;
};

}  // namespace ocu::control
