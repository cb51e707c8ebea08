// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The face at which a secret source answers: bytes of HTTP/1.1 and JSON from a program that is not ours, read in a process that holds this one
// answer and nothing else (docs/formats/secret-source.md; T-26). Bounded before it is kept: the head, the body, each member.
// Pure. Threading: any. What is read is a secret: reset() wipes it.

#include <optional>
#include <string>
#include <string_view>

#include "proto/source_helper_to_custody_helper.h"
#include "wire/http_relay_body.h"

namespace ocu::custody {

inline constexpr std::size_t kSourceHeadBytesMax = 8u << 10;
inline constexpr std::size_t kSourceBodyBytesMax = 16u << 10;
inline constexpr std::size_t kSourceUserBytesMax = 512;
inline constexpr std::size_t kSourcePasswordBytesMax = 3072;
inline constexpr std::size_t kSourceQuestionBytesMax = 1536;  // the body

// user:password
static_assert(kSourceUserBytesMax + 1 + kSourcePasswordBytesMax <= proto::kSourceValueBytesMax);

// The question as it is sent, head and body.
std::string print_source_question(proto::SourceConfig const& config);

class SourceFace {
public:
    // `basic`: a user and a password are wanted.
    explicit SourceFace(bool basic) : basic_(basic) {}
    ~SourceFace() { reset(); }
    SourceFace(SourceFace const&) = delete;
    SourceFace& operator=(SourceFace const&) = delete;

    // True once there is a verdict. Everything that has arrived, in order; nothing after the verdict.
    bool feed(std::string_view bytes);
    // The peer ended: there is a verdict now.
    void ended();
    bool has_begun() const { return !head_.empty(); }
    // After the verdict. A value is there if failure is none, and never otherwise.
    proto::SourceAnswered take();
    void reset();

private:
    bool fail(proto::SourceFailure why);
    bool read_head();
    bool read_body(std::string_view bytes);
    bool judge();

    bool basic_;
    bool has_head_ = false;
    bool over_ = false;
    std::string head_;
    std::string body_;
    wire::BodyReader reader_;
    proto::SourceAnswered answer_;
};

}  // namespace ocu::custody
