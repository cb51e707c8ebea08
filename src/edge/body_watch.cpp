// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/body_watch.h"

#include <utility>

namespace ocu::edge {

namespace {

constexpr std::string_view kMultipart = "multipart/";

}  // namespace

bool has_body(wire::RelayRequest const& request)
{
    return request.body.kind != wire::Framing::none && request.body != wire::BodyFraming{wire::Framing::length, 0};
}

BodyForm form_of(wire::RelayRequest const& request)
{
    BodyForm out;
    if (request.body.kind == wire::Framing::length) out.length = request.body.length;
    std::size_t types = 0;
    for (auto const& each : request.headers) {
        if (!wire::same_name(each.name, "content-type")) continue;
        ++types;
        auto const start = std::string_view(each.value).substr(0, kMultipart.size());
        out.multipart = out.multipart || wire::same_name(start, kMultipart);
        out.boundary = wire::multipart_boundary(each.value);
    }
    // Two types are two ways to read it.
    if (types != 1) out.boundary.clear();
    return out;
}

bool needs_watch(BodyForm const& form, WithheldSet const& withheld)
{
    if (!withheld.any()) return false;
    return form.multipart || !form.length || withheld.has_size(*form.length);
}

BodyWatch::BodyWatch(
    WithheldSet& withheld, BodyForm const& form, std::unique_ptr<wire::BodyAdapter> behind, std::shared_ptr<bool> refused, Calls calls)
    : withheld_(withheld), behind_(std::move(behind)), refused_(std::move(refused)), calls_(std::move(calls)),
      hold_(withheld.take_hold(kHoldBytes))
{
    if (!form.length || withheld.has_size(*form.length)) whole_.emplace();
    if (form.multipart) form_.emplace(form.boundary, wire::Multipart::Names::ignored);
}

BodyWatch::~BodyWatch()
{
    withheld_.give_hold(hold_);
    if (!decided_) decide(Word::gone);
}

std::size_t BodyWatch::room() const
{
    if (*refused_) return 0;
    auto const held = held_.size() - held_from_;
    auto const next = behind_ ? behind_->room() : kWatchedBytesMax - std::min(out_.size(), kWatchedBytesMax);
    return hold_ - std::min(hold_, held) + next;
}

bool BodyWatch::may_pass(std::string_view piece, bool last)
{
    bytes_ += piece.size();
    if (whole_) whole_->update(piece);
    if (form_ && !parts_may_pass(piece, last)) return false;
    return !last || !whole_ || !withheld_.contains({bytes_, whole_->finish()});
}

// A form that cannot be read may carry anything: it does not go.
bool BodyWatch::parts_may_pass(std::string_view piece, bool last)
{
    using Said = wire::Multipart::Said;
    form_->feed(piece);
    while (!form_over_) {
        switch (form_->next()) {
        case Said::need_more: return !last;
        case Said::part:
            part_.emplace();
            part_bytes_ = 0;
            break;
        case Said::data:
            part_->update(form_->data());
            part_bytes_ += form_->data().size();
            break;
        case Said::part_ends:
            if (withheld_.contains({part_bytes_, part_->finish()})) return false;
            break;
        case Said::ended: form_over_ = true; break;
        case Said::malformed: return false;
        }
    }
    (void)form_->next();  // what follows is nobody's part; it is let fall
    return true;
}

void BodyWatch::feed(std::string_view piece, bool last)
{
    if (*refused_ || over_) return;
    if (!may_pass(piece, last)) {
        *refused_ = true;
        held_.clear();
        out_.clear();
        decided_ = true;
        decide(Word::withheld);
        return moved();
    }
    held_ += piece;
    let_go(last);
}

void BodyWatch::let_go(bool last)
{
    auto const held = held_.size() - held_from_;
    auto const goes = last ? held : held - std::min(held, hold_);
    if (goes == 0 && !last) return;
    auto const piece = std::string_view(held_).substr(held_from_, goes);
    if (behind_)
        behind_->feed(piece, last);
    else
        out_ += piece;
    held_from_ += goes;
    if (held_from_ >= hold_ || last) held_.erase(0, std::exchange(held_from_, 0));
    over_ = last;
    if (!std::exchange(decided_, true)) decide(Word::may_begin);
    moved();
}

std::string BodyWatch::take(std::size_t bytes_max)
{
    if (*refused_) return {};
    if (behind_) return behind_->take(bytes_max);
    auto piece = out_.substr(0, bytes_max);
    out_.erase(0, piece.size());
    return piece;
}

BodyWatch::State BodyWatch::state() const
{
    if (*refused_) return State::broken;
    if (behind_) return behind_->state();
    return over_ && out_.empty() ? State::over : State::open;
}

void BodyWatch::on_moved(std::function<void()> moved)
{
    if (behind_) behind_->on_moved(moved);
    moved_ = std::move(moved);
}

void BodyWatch::decide(Word word)
{
    calls_.later([decided = calls_.decided, word] { decided(word); });
}

void BodyWatch::moved()
{
    calls_.later([this, alive = std::weak_ptr(alive_)] {
        if (alive.expired() || !moved_) return;
        auto const tell = moved_;  // who hears it may let go of this
        tell();
    });
}

}  // namespace ocu::edge
