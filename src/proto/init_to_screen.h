// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The first process of a booted machine shows itself on screens, one `screen` helper for each terminal. The screen draws what it is
// sent and sends back which key a person pressed on which question; it can start nothing by itself (T-19). Texts that came from outside
// were made printable before they are sent, and the screen makes them so again.

#include <array>

#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

enum class ScreenKind : std::uint8_t {
    picture,
    line,
    kLast = line
};  // tty1 draws at once; a serial line prints log lines until Enter is pressed

enum class MachinePhase : std::uint8_t { starting, waiting_for_manifest, applying, serving, failed, stopping, kLast = stopping };

struct ScreenConfig {
    ScreenKind kind{};
    bool colours = true;
    std::uint16_t rows = 0;     // as the kernel knows the terminal; 0: it does not (a serial line), and the terminal itself is asked
    std::uint16_t columns = 0;
    static void fields(auto& wire, auto& m) { wire(m.kind, m.colours, m.rows, m.columns); }
};

// The terminal's size changed: a graphics driver took tty1 over.
struct ScreenSize {
    static constexpr Type kType = Type::screen_size;
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
    static void fields(auto& wire, auto& m) { wire(m.rows, m.columns); }
};

struct ScreenInterface {
    wire::Text<32> name;
    wire::Text<16> role;
    wire::Text<16> device;
    bool carrier = false;
    wire::Text<128> addresses;  // "192.0.2.7/24, 2001:db8::7/64"
    wire::Text<160> trouble;
    static void fields(auto& wire, auto& m) { wire(m.name, m.role, m.device, m.carrier, m.addresses, m.trouble); }
};

struct ScreenState {
    static constexpr Type kType = Type::screen_state;

    MachinePhase phase{};
    wire::Text<64> name;           // the appliance's, empty before a manifest
    wire::Text<32> version;
    wire::Text<32> profile;
    wire::Text<16> tier;
    wire::Text<128> mcp_url;
    wire::Text<128> files_url;
    wire::Text<128> fingerprint;   // SHA-256 of the certificate, "AB:CD:…"
    std::uint64_t manifest_serial = 0;
    wire::Text<64> manifest_digest;
    wire::Text<200> manifest_note; // "waiting for a stick labelled OCU-MANIFEST", "refused: …", …
    wire::Text<100> trust;         // "key built into the image RWQ…", "enrolled …", "none yet"
    wire::Text<100> clock_source;
    wire::Text<200> clock_trouble;
    wire::Text<100> state_kept;    // "in memory only: gone at power-off"
    wire::Text<60> secure_boot;    // "on", "OFF: …"
    wire::Text<60> vault_key;      // "sealed to the TPM", "in a file, no TPM"; empty while nothing serves
    std::int64_t wall_clock = 0;   // Unix seconds when this was sent
    std::uint64_t uptime_s = 0;
    std::uint32_t sessions = 0;
    std::uint32_t helpers_up = 0;
    std::uint32_t helpers = 0;
    bool frozen = false;
    wire::List<ScreenInterface, 8> interfaces;
    wire::List<wire::Text<200>, 8> warnings;

    static void fields(auto& wire, auto& m)
    {
        wire(m.phase, m.name, m.version, m.profile, m.tier, m.mcp_url, m.files_url, m.fingerprint, m.manifest_serial, m.manifest_digest,
            m.manifest_note, m.trust, m.clock_source, m.clock_trouble, m.state_kept, m.secure_boot, m.vault_key, m.wall_clock, m.uptime_s,
            m.sessions, m.helpers_up, m.helpers, m.frozen, m.interfaces, m.warnings);
    }
};

struct ScreenLine {
    static constexpr Type kType = Type::screen_line;
    wire::Text<400> text;
    bool old = false;  // for the log page only: an earlier helper of this terminal had it
    static void fields(auto& wire, auto& m) { wire(m.text, m.old); }
};

inline constexpr std::size_t kQuestionBytesMax = 48u << 10;

// One at a time; a new one replaces the last. Answered by the word `yes` or `no` and Enter, typed in view of the text and, for `yes`, only
// after its last line was on the terminal: never by a single stray key.
struct ScreenQuestion {
    static constexpr Type kType = Type::screen_question;
    std::uint32_t id = 0;
    wire::Text<100> title;
    wire::Text<kQuestionBytesMax> text;
    static void fields(auto& wire, auto& m) { wire(m.id, m.title, m.text); }
};

struct ScreenQuestionGone {
    static constexpr Type kType = Type::screen_question_gone;
    std::uint32_t id = 0;
    static void fields(auto& wire, auto& m) { wire(m.id); }
};

struct ScreenAnswer {
    static constexpr Type kType = Type::screen_answer;
    std::uint32_t id = 0;
    bool yes = false;
    static void fields(auto& wire, auto& m) { wire(m.id, m.yes); }
};

enum class Wish : std::uint8_t { shutdown, restart, kLast = restart };

// Asked and confirmed on that screen.
struct ScreenWish {
    static constexpr Type kType = Type::screen_wish;
    Wish wish{};
    static void fields(auto& wire, auto& m) { wire(m.wish); }
};

inline constexpr std::array kInitMaySendScreen{wire::Permit{static_cast<std::uint16_t>(Type::screen_state), 0, 16u << 10},
    wire::Permit{static_cast<std::uint16_t>(Type::screen_line)},
    wire::Permit{static_cast<std::uint16_t>(Type::screen_question), 0, kQuestionBytesMax + 1024},
    wire::Permit{static_cast<std::uint16_t>(Type::screen_question_gone)}, wire::Permit{static_cast<std::uint16_t>(Type::screen_size)}};
inline constexpr std::array kScreenMaySend{
    wire::Permit{static_cast<std::uint16_t>(Type::screen_answer)}, wire::Permit{static_cast<std::uint16_t>(Type::screen_wish)}};

}  // namespace ocu::proto
