// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What takes a credential out of an answer again (EG-7, invariant 4; T-12): an upstream that echoes its request must not show the guest what
// was put into it. Looked for are the credential's bytes, and, of "user:password", the password's: raw, percent-encoded, escaped as in JSON
// and in HTML, and in base64 (both alphabets) at any of the three offsets that it can have within something longer.
// What cannot be found: what the upstream transformed otherwise (hashed, compressed, encrypted, split, reversed, hex); see SECURITY.md.
// Threading: any; a filter belongs to one body.

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "wire/http_relay.h"

namespace ocu::edge {

inline constexpr std::string_view kRedacted = "[redacted]";

class CredentialPatterns {
public:
    // Errors: malformed (an empty credential), os.
    static Result<std::shared_ptr<CredentialPatterns const>> make(Secret const& credential);

    // Every pattern in a text that is here whole, replaced.
    std::string redact(std::string_view text) const;
    bool found_in(std::string_view text) const;

    struct Match {
        std::size_t size = 0;  // of the longest pattern that begins here; 0: none does
        bool undecided = false;  // a longer one could, if more came
    };
    Match match(std::string_view text) const;
    bool begins_one(char c) const { return first_[static_cast<unsigned char>(c)]; }
    std::size_t shortest() const { return shortest_; }

private:
    CredentialPatterns() = default;

    Secret memory_;
    std::vector<std::string_view> patterns_;  // in memory_, longest first
    std::array<bool, 256> first_{};
    std::size_t shortest_ = 0;
};

class Strip final : public wire::BodyFilter {
public:
    enum class Mode {
        text,  // "[redacted]" in its place: lengths change
        filled,  // as many asterisks: for what is framed by lengths that we do not see
    };

    // `patterns` is shared with the exchange: whoever is last wipes them.
    Strip(std::shared_ptr<CredentialPatterns const> patterns, Mode mode) : patterns_(std::move(patterns)), mode_(mode) {}

    void feed(std::string_view in, bool last, std::string& out) override;
    // At most four bytes, and a quarter of the shortest pattern, of what could be the beginning of one. If the rest follows, it is replaced.
    void release(std::string& out) override;
    bool keeps_length() const override { return mode_ == Mode::filled; }

private:
    std::shared_ptr<CredentialPatterns const> patterns_;
    Mode mode_;
    std::string held_;  // may be the beginning of a pattern
    std::size_t released_ = 0;  // of it, already passed on
};

// How an answer of that content type is treated; none given is text.
Strip::Mode strip_mode(std::string_view content_type);

}  // namespace ocu::edge
