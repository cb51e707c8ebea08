// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/screens.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "appliance/init/terminal.h"
#include "appliance/spawn.h"
#include "base/log.h"
#include "console/clean.h"
#include "base/printable.h"
#include "helper/helper.h"

namespace ocu::init {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLinesKept = 200;
constexpr std::size_t kQueueBytesMax = 512u << 10;  // to a helper that does not read: it is then lost and started again
constexpr auto kReadyWait = 10s;
constexpr auto kBackOffFirst = 100ms;
constexpr auto kBackOffMax = 10s;
constexpr auto kStableAfter = 60s;
constexpr auto kLookAtSizesEvery = 2s;  // a graphics driver that takes tty1 over changes its size
constexpr auto kClockEvery = 1s;

constexpr std::array kScreenMaySayAtAll{wire::Permit{helper::kReadyType}, proto::kScreenMaySend[0], proto::kScreenMaySend[1]};
static_assert(proto::kScreenMaySend.size() == 2);

std::chrono::milliseconds back_off(unsigned failures)
{
    return std::min<std::chrono::milliseconds>(kBackOffFirst * (1u << std::min(failures, 8u)), kBackOffMax);
}

// What of a state is news: all but its clocks.
wire::Bytes news_of(proto::ScreenState state)
{
    state.wall_clock = 0;
    state.uptime_s = 0;
    return wire::encode(state);
}

}  // namespace

struct Screens::Impl {
    struct Screen {
        std::string path;
        proto::ScreenKind kind{};
        std::optional<Terminal> terminal;
        TerminalSize size;
        helper::Child child;
        std::unique_ptr<wire::Link> link;
        bool ready = false;
        bool served = false;  // an earlier helper had the lines so far
        unsigned failures = 0;
        Monotonic started{};
        wire::Watch death;
        wire::Watch waiting;  // for its readiness, or for the time to start it again
    };

    Impl(wire::Loop& own_loop, Clock const& own_clock, Events own_events) : loop(own_loop), clock(own_clock), events(std::move(own_events))
    {}

    Result<void> start(Screen& screen);
    void hear(Screen& screen, wire::Link::Frame const& frame);
    void greet(Screen& screen);
    void answered(proto::ScreenAnswer const& answer);
    void ended(Screen& screen);
    void start_later(Screen& screen);
    void look_at_sizes();

    template <class Message>
    void to_all(Message const& message)
    {
        for (auto const& each : screens)
            if (each->ready) each->link->send(message);
    }

    wire::Loop& loop;
    Clock const& clock;
    Events events;
    std::vector<std::unique_ptr<Screen>> screens;
    std::deque<proto::ScreenLine> lines;
    std::optional<proto::ScreenState> state;
    wire::Bytes news;
    Monotonic shown{};
    std::uint32_t question_ids = 0;
    std::optional<proto::ScreenQuestion> question;
    std::function<void(bool)> on_answer;
    wire::Watch sizes;
};

Result<void> Screens::Impl::start(Screen& screen)
{
    // Opened anew each time: a serial adapter that was pulled out and is back is another device under the same name.
    if (screen.terminal) screen.terminal->drop_output();
    screen.terminal.reset();
    screen.terminal = OCU_TRY(Terminal::open(screen.path));
    screen.size = screen.terminal->size();
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(OCU_TRY(duplicate(screen.terminal->fd())));
    bool const picture = screen.kind == proto::ScreenKind::picture;
    proto::ScreenConfig const config{.kind = screen.kind, .colours = picture, .rows = screen.size.rows, .columns = screen.size.columns};
    auto spawned = OCU_TRY(appliance::start_helper(helper::Kind::screen, wire::encode(config), descriptors));
    screen.child = std::move(spawned.child);
    screen.started = clock.now();
    screen.death = loop.on_readable(screen.child.pidfd(), [this, &screen] { ended(screen); });
    screen.link = std::make_unique<wire::Link>(
        loop, std::move(spawned.link), wire::Link::Options{kScreenMaySayAtAll, kQueueBytesMax},
        [this, &screen](wire::Link::Frame const& frame) { hear(screen, frame); },
        // Whatever the reason, it is of no use any more; its death is then noticed like any other.
        [&screen](wire::Lost) { screen.child.kill(); });
    screen.waiting = loop.after(kReadyWait, [&screen] { screen.child.kill(); });
    return {};
}

void Screens::Impl::hear(Screen& screen, wire::Link::Frame const& frame)
{
    if (frame.type == helper::kReadyType) {
        if (screen.ready) return screen.link->violation();
        return greet(screen);
    }
    // Nothing is heard from a helper that has not said that it is confined.
    if (!screen.ready) return screen.link->violation();
    if (frame.type == static_cast<std::uint16_t>(proto::Type::screen_answer)) {
        auto const answer = wire::decode<proto::ScreenAnswer>(frame.body);
        return answer ? answered(*answer) : screen.link->violation();
    }
    auto const wish = wire::decode<proto::ScreenWish>(frame.body);
    if (!wish) return screen.link->violation();
    if (events.on_wish) events.on_wish(wish->wish);
}

// All that an earlier one was told.
void Screens::Impl::greet(Screen& screen)
{
    screen.ready = true;
    screen.waiting.reset();
    for (auto line : lines) {
        line.old = screen.served;
        screen.link->send(line);
    }
    screen.served = true;
    if (state) screen.link->send(*state);
    if (question) screen.link->send(*question);
}

void Screens::Impl::answered(proto::ScreenAnswer const& answer)
{
    // The first answer counts; one to a question that is gone came too late.
    if (!question || question->id != answer.id) return;
    question.reset();
    to_all(proto::ScreenQuestionGone{answer.id});
    if (auto const call = std::exchange(on_answer, nullptr)) call(answer.yes);
}

void Screens::Impl::ended(Screen& screen)
{
    log::warning("a screen's helper ended and is started again:", screen.path);
    screen.death.reset();
    screen.waiting.reset();
    screen.link.reset();
    screen.ready = false;
    screen.child.end();
    screen.failures = clock.now() - screen.started > kStableAfter ? 0 : screen.failures + 1;
    start_later(screen);
}

void Screens::Impl::start_later(Screen& screen)
{
    screen.waiting = loop.after(back_off(screen.failures), [this, &screen] {
        if (start(screen)) return;
        ++screen.failures;  // quietly: a terminal that is gone may stay away for ever
        screen.death.reset();
        screen.link.reset();
        screen.child.end();
        start_later(screen);
    });
}

void Screens::Impl::look_at_sizes()
{
    sizes = loop.after(kLookAtSizesEvery, [this] { look_at_sizes(); });
    for (auto const& each : screens) {
        if (!each->ready || !each->terminal) continue;
        auto const size = each->terminal->size();
        if (size == each->size || size == TerminalSize{}) continue;
        each->size = size;
        each->link->send(proto::ScreenSize{size.rows, size.columns});
    }
}

Screens::Screens(wire::Loop& loop, Clock const& clock, Events events) : impl_(std::make_unique<Impl>(loop, clock, std::move(events))) {}
Screens::~Screens() = default;

void Screens::add(std::string const& terminal, proto::ScreenKind kind)
{
    auto screen = std::make_unique<Impl::Screen>();
    screen->path = terminal;
    screen->kind = kind;
    if (auto const there = Terminal::open(terminal); !there) {
        log::failure("a screen is left out", there.error());
        return;
    }
    impl_->screens.push_back(std::move(screen));
    auto& added = *impl_->screens.back();
    if (auto const started = impl_->start(added); !started) {
        log::failure("a screen does not start yet", started.error());
        ++added.failures;
        impl_->start_later(added);
    }
    if (!impl_->sizes) impl_->look_at_sizes();
}

void Screens::show(proto::ScreenState state)
{
    auto cleaned = console::clean(std::move(state));
    auto news = news_of(cleaned);
    auto const now = impl_->clock.now();
    bool const only_clocks = impl_->state && news == impl_->news;
    impl_->state = std::move(cleaned);
    if (only_clocks && now - impl_->shown < kClockEvery) return;
    impl_->news = std::move(news);
    impl_->shown = now;
    impl_->to_all(*impl_->state);
}

void Screens::log(std::string_view line)
{
    if (impl_->lines.size() == kLinesKept) impl_->lines.pop_front();
    impl_->lines.push_back({.text = wire::Text<400>::cut(printable(line.substr(0, 400))), .old = false});
    impl_->to_all(impl_->lines.back());
}

void Screens::ask(std::string title, std::string text, std::function<void(bool yes)> answered)
{
    withdraw();
    auto whole = printable_lines(text);
    if (whole.size() > proto::kQuestionBytesMax) {
        // Nobody may say yes to a text of which a part was never shown.
        log("A question is too long to be shown, so it is answered no.");
        impl_->loop.post([answered = std::move(answered)] { answered(false); });
        return;
    }
    impl_->question =
        proto::ScreenQuestion{.id = ++impl_->question_ids, .title = wire::Text<100>::cut(printable(title)), .text = std::move(whole)};
    impl_->on_answer = std::move(answered);
    impl_->to_all(*impl_->question);
}

void Screens::withdraw()
{
    if (!impl_->question) return;
    impl_->to_all(proto::ScreenQuestionGone{impl_->question->id});
    impl_->question.reset();
    impl_->on_answer = nullptr;
}

}  // namespace ocu::init
