// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A request's body on its way out of a session that has files which may not leave it (T-33): it is compared with their contents, as a whole and
// part by part where it is a form, and its last bytes are held back until it is known to be none of them. A small body is held whole, so that
// its head does not go on either. Nothing of it is changed.
//
//     guest ── feed() ──> digest, form ──> held back ──> [ ICAP ] ── take() ──> upstream
//
// Whoever encodes, cuts or changes the bytes is not found out: docs/decisions/0028-withheld-files.md.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/crypto/crypto.h"
#include "edge/withheld_set.h"
#include "wire/http_adapter.h"
#include "wire/http_relay_head.h"
#include "wire/multipart_face.h"

namespace ocu::edge {

// How a body is to be read.
struct BodyForm {
    std::optional<std::uint64_t> length;  // as stated
    bool multipart = false;
    std::string boundary{};  // empty: the parts cannot be told apart
};

bool has_body(wire::RelayRequest const& request);
BodyForm form_of(wire::RelayRequest const& request);
// Whether a body of that form could be one of those contents.
bool needs_watch(BodyForm const& form, WithheldSet const& withheld);

class BodyWatch final : public wire::BodyAdapter {
public:
    enum class Word : std::uint8_t {
        may_begin,  // as much of it is there as is held, or all of it
        withheld,  // it may not go on; after may_begin, what is still held does not, and the state is broken
        gone,  // nobody waits for it any more, and nothing had been said
    };
    struct Calls {
        std::function<void(std::function<void()>)> later;  // runs it from the loop
        std::function<void(Word)> decided;
    };

    // `withheld` outlives it. `behind`: to whom it is shown next, or nobody. `refused` is set when it is, at once.
    BodyWatch(
        WithheldSet& withheld, BodyForm const& form, std::unique_ptr<wire::BodyAdapter> behind, std::shared_ptr<bool> refused, Calls calls);
    ~BodyWatch() override;
    BodyWatch(BodyWatch const&) = delete;
    BodyWatch& operator=(BodyWatch const&) = delete;

    std::size_t room() const override;
    void feed(std::string_view piece, bool last) override;
    std::string take(std::size_t bytes_max) override;
    State state() const override;
    void on_moved(std::function<void()> moved) override;

private:
    bool may_pass(std::string_view piece, bool last);
    bool parts_may_pass(std::string_view piece, bool last);
    void let_go(bool last);
    void decide(Word word);
    void moved();

    WithheldSet& withheld_;
    std::unique_ptr<wire::BodyAdapter> behind_;
    std::shared_ptr<bool> refused_;  // owners: this and who asked for it, who outlives it at times
    Calls calls_;
    std::size_t hold_;
    std::function<void()> moved_;
    std::optional<crypto::Sha256> whole_;
    std::uint64_t bytes_ = 0;
    std::optional<wire::Multipart> form_;
    std::optional<crypto::Sha256> part_;
    std::uint64_t part_bytes_ = 0;
    bool form_over_ = false;
    std::string held_;
    std::size_t held_from_ = 0;
    std::string out_;
    bool over_ = false;  // all of it has been let go
    bool decided_ = false;
    std::shared_ptr<char const> alive_ = std::make_shared<char const>('\0');  // weakly with what is posted
};

}  // namespace ocu::edge
