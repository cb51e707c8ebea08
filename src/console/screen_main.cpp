// SPDX-License-Identifier: GPL-3.0-or-later
#include <unistd.h>

#include <array>

#include "appliance/profiles/screen.h"
#include "console/helpers.h"
#include "console/limits.h"
#include "console/session.h"

namespace ocu::console {

namespace {

// The terminal's descriptor is non-blocking: what it does not take now waits here, and nothing else is made until it has gone.
class Shell {
public:
    Shell(wire::Loop& loop, proto::ScreenConfig const& config, UniqueFd terminal)
        : loop_(loop), terminal_(std::move(terminal)), session_(config, clock_,
                                                           {.on_answer = [this](auto const& answer) { link_->send(answer); },
                                                               .on_wish = [this](auto const& wish) { link_->send(wish); }})
    {}

    void serve(UniqueFd link)
    {
        link_ = std::make_unique<wire::Link>(
            loop_, std::move(link), wire::Link::Options{proto::kInitMaySendScreen}, [this](wire::Link::Frame const& frame) { hear(frame); },
            [this](wire::Lost) { loop_.stop(); });
        reading_ = loop_.on_readable(terminal_.get(), [this] { read_keys(); });
        tick();
        loop_.run();
    }

private:
    template <class Message>
    bool heard(wire::Link::Frame const& frame, void (Session::*take)(Message const&))
    {
        if (frame.type != static_cast<std::uint16_t>(Message::kType)) return false;
        if (auto const message = wire::decode<Message>(frame.body))
            (session_.*take)(*message);
        else
            link_->violation();
        return true;
    }

    void hear(wire::Link::Frame const& frame)
    {
        if (frame.type == static_cast<std::uint16_t>(proto::Type::screen_question_gone)) {
            auto const gone = wire::decode<proto::ScreenQuestionGone>(frame.body);
            if (!gone) return link_->violation();
            session_.withdraw(gone->id);
        } else {
            (void)(heard(frame, &Session::show) || heard(frame, &Session::line) || heard(frame, &Session::ask) ||
                   heard(frame, &Session::resize));
        }
        pump();
    }

    void read_keys()
    {
        std::array<std::byte, kReadBytesMax> bytes;
        auto const count = ::read(terminal_.get(), bytes.data(), bytes.size());
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (count <= 0) return loop_.stop();  // hung up: the first process opens it anew
        session_.keyboard(std::span(bytes).first(static_cast<std::size_t>(count)));
        if (session_.keys_pending())
            pending_keys_ = loop_.after(std::chrono::milliseconds(kKeyWait), [this] {
                session_.tick();
                pump();
            });
        pump();
    }

    void tick()
    {
        ticking_ = loop_.after(std::chrono::milliseconds(kTick), [this] { tick(); });
        session_.tick();
        pump();
    }

    void pump()
    {
        if (writing_) return;
        for (;;) {
            out_ = session_.output();
            sent_ = 0;
            if (out_.empty()) break;
            if (!write_some()) return;
            session_.written();
        }
        if (session_.held_back() && !soon_)
            soon_ = loop_.after(std::chrono::milliseconds(kFramesApart), [this] {
                soon_.reset();
                pump();
            });
    }

    // True when all of it has gone.
    bool write_some()
    {
        while (sent_ < out_.size()) {
            auto const count = ::write(terminal_.get(), out_.data() + sent_, out_.size() - sent_);
            if (count >= 0) {
                sent_ += static_cast<std::size_t>(count);
            } else if (errno == EAGAIN) {
                writing_ = loop_.on_writable(terminal_.get(), [this] {
                    writing_.reset();
                    if (!write_some()) return;
                    session_.written();
                    pump();
                });
                return false;
            } else if (errno != EINTR) {
                loop_.stop();
                return false;
            }
        }
        return true;
    }

    wire::Loop& loop_;
    SystemClock clock_;
    UniqueFd terminal_;
    Session session_;
    std::unique_ptr<wire::Link> link_;
    std::string out_;
    std::size_t sent_ = 0;
    wire::Watch reading_;
    wire::Watch writing_;
    wire::Watch ticking_;
    wire::Watch pending_keys_;
    wire::Watch soon_;
};

}  // namespace

// Entered by re-execution: `ocu-appliance helper screen`, with the terminal as its one descriptor.
Result<void> screen_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::ScreenConfig>());
    if (helper.descriptors().size() != 1) return fail(Fault::malformed, "a screen needs one terminal");
    auto terminal = std::move(helper.descriptors().front());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kScreen));
    OCU_CHECK(helper.confine(profiles::kScreen));
    wire::Loop loop;
    Shell shell(loop, config, std::move(terminal));
    shell.serve(OCU_TRY(helper.report_ready()));
    return {};
}

}  // namespace ocu::console
