// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/pages.h"

#include <array>
#include <format>

#include "console/limits.h"
#include "base/printable.h"
#include "console/words.h"

namespace ocu::console {

using namespace ftxui;

namespace {

constexpr int kLabelColumns = 9;
constexpr int kBoxSides = 4;  // two lines and a blank inside each

Element box(std::string const& title, Elements rows, Theme const& theme)
{
    auto inside = hbox({text(" "), vbox(std::move(rows)) | xflex, text(" ")});
    return window(text(" " + title + " ") | theme.title(), std::move(inside)) | theme.frame();
}

// "Label    value", the value wrapped beside it.
Element row(std::string const& label, std::string const& value, int columns, Theme const& theme, Decorator const& look)
{
    auto const width = static_cast<std::size_t>(std::max(columns - kBoxSides - kLabelColumns, 1));
    return hbox({text(label) | theme.label() | size(WIDTH, EQUAL, kLabelColumns), text_rows(wrapped(value, width)) | look});
}

Element row(std::string const& label, std::string const& value, int columns, Theme const& theme)
{
    return row(label, value, columns, theme, theme.value());
}

std::string or_word(std::string const& text, std::string const& word) { return text.empty() ? word : text; }

Element reach_box(proto::ScreenState const& state, Theme const& theme, int columns)
{
    auto const served = state.mcp_url.empty() ? theme.value() : theme.good();
    Elements rows{row("MCP", or_word(state.mcp_url.str(), "not served yet"), columns, theme, served),
        row("Files", or_word(state.files_url.str(), "not served yet"), columns, theme)};
    for (auto const& port : state.interfaces.items()) {
        auto const look = port.carrier && port.trouble.empty() ? theme.value() : theme.warn();
        rows.push_back(row(rows.size() == 2 ? "Address" : "",
            std::format("{}{} ({})", or_word(port.addresses.str(), "no address"), port.carrier ? "" : ", NO LINK",
                or_word(port.role.str(), port.name.str())),
            columns, theme, look));
    }
    if (state.interfaces.items().empty()) rows.push_back(row("Address", "none yet", columns, theme, theme.warn()));
    if (state.fingerprint.empty()) {
        rows.push_back(row("TLS key", "no certificate yet", columns, theme));
    } else {
        auto const groups = fingerprint_rows(state.fingerprint.view());
        for (std::size_t i = 0; i < groups.size(); ++i)
            rows.push_back(row(i == 0 ? "TLS cert" : i == 1 ? "SHA-256" : "", groups[i], columns, theme));
    }
    return box("How to reach it", std::move(rows), theme);
}

Element manifest_box(proto::ScreenState const& state, Theme const& theme, int columns)
{
    Elements rows;
    if (state.manifest_serial == 0) {
        rows.push_back(row("Serial", "none applied", columns, theme, theme.warn()));
    } else {
        rows.push_back(row("Serial", std::to_string(state.manifest_serial), columns, theme));
        rows.push_back(row("Digest", state.manifest_digest.str(), columns, theme));
    }
    if (!state.manifest_note.empty()) rows.push_back(row("Note", state.manifest_note.str(), columns, theme));
    rows.push_back(row("Trust", or_word(state.trust.str(), "no key yet"), columns, theme));
    return box("Manifest", std::move(rows), theme);
}

Element machine_box(proto::ScreenState const& state, Theme const& theme, int columns)
{
    bool const whole = state.helpers_up == state.helpers;
    Elements rows{row("Version", state.version.str(), columns, theme), row("Profile", or_word(state.profile.str(), "-"), columns, theme),
        row("Tier", or_word(state.tier.str(), "-"), columns, theme),
        row("Sessions", std::format("{}{}", state.sessions, state.frozen ? ", NEW ONES FROZEN" : ""), columns, theme,
            state.frozen ? theme.warn() : theme.value()),
        row("Helpers", state.helpers == 0 ? "none yet" : std::format("{} of {} up", state.helpers_up, state.helpers), columns, theme,
            state.helpers == 0 ? theme.value()
            : whole            ? theme.good()
                               : theme.bad()),
        row("Up for", duration_words(state.uptime_s), columns, theme)};
    return box("Machine", std::move(rows), theme);
}

Element clock_box(proto::ScreenState const& state, Theme const& theme, int columns)
{
    Elements rows{row("Source", or_word(state.clock_source.str(), "-"), columns, theme)};  // the time itself is at the top, on every page
    if (!state.clock_trouble.empty()) rows.push_back(row("Trouble", state.clock_trouble.str(), columns, theme, theme.warn()));
    return box("Clock", std::move(rows), theme);
}

Element safety_box(proto::ScreenState const& state, Theme const& theme, int columns)
{
    bool const on = state.secure_boot.view() == "on";
    return box("Boot and state",
        {row("Boot", "Secure Boot " + or_word(state.secure_boot.str(), "not known"), columns, theme, on ? theme.good() : theme.warn()),
            row("State", or_word(state.state_kept.str(), "-"), columns, theme),
            row("Keys", or_word(state.vault_key.str(), "-"), columns, theme,
                state.vault_key.view().starts_with("sealed") ? theme.good() : theme.value())},
        theme);
}

}  // namespace

Element text_rows(std::vector<std::string> const& rows)
{
    Elements elements;
    for (auto const& each : rows) elements.push_back(text(each));
    return vbox(std::move(elements));
}

Element overview_page(proto::ScreenState const& state, Theme const& theme, int columns)
{
    int const left = columns * 9 / 16;
    int const right = columns - left - 1;
    return hbox({vbox({reach_box(state, theme, left), manifest_box(state, theme, left), filler()}) | size(WIDTH, EQUAL, left), text(" "),
        vbox({machine_box(state, theme, right), clock_box(state, theme, right), safety_box(state, theme, right), filler()}) |
            size(WIDTH, EQUAL, right)});
}

Element network_page(proto::ScreenState const& state, Theme const& theme, int columns)
{
    Elements boxes;
    for (auto const& port : state.interfaces.items()) {
        Elements rows{row("Used for", or_word(port.role.str(), "nothing"), columns, theme),
            row("Device", port.device.str(), columns, theme),
            row("Link", port.carrier ? "up" : "DOWN: no cable, or nothing at its other end", columns, theme,
                port.carrier ? theme.good() : theme.bad()),
            row("Address", or_word(port.addresses.str(), "none"), columns, theme)};
        if (!port.trouble.empty()) rows.push_back(row("Trouble", port.trouble.str(), columns, theme, theme.bad()));
        boxes.push_back(box(or_word(port.name.str(), port.device.str()), std::move(rows), theme));
    }
    if (boxes.empty())
        boxes.push_back(
            box("Network", {text("No network interface is set up. The manifest says which there are.") | theme.value()}, theme));
    boxes.push_back(filler());
    return vbox(std::move(boxes));
}

Element help_page(Theme const& theme, proto::ScreenKind kind, int columns)
{
    auto const line = [&](std::string const& keys, std::string const& what) { return row(keys, what, columns, theme); };
    Elements keys{line("1 to 4", "a page; also F1 to F4, Tab, Left and Right"), line("5", "the question, when one is asked"),
        line("Up Down", "scroll; PgUp, PgDn, Home and End too"), line("s", "shut down, after you type yes"),
        line("r", "restart, after you type yes"), line("Ctrl-L", "draw the screen again")};
    if (kind == proto::ScreenKind::line) keys.push_back(line("Esc", "back to plain log lines; so do five minutes without a key"));
    auto const inside = static_cast<std::size_t>(columns - kBoxSides);
    auto const told = [&](std::string_view words) { return text_rows(wrapped(words, inside)) | theme.value(); };
    return vbox({box("Keys", std::move(keys), theme),
        box("What this is",
            {told("This machine runs what agents ask of it, inside sandboxes. Nobody logs in here: there is no shell. It is told what to "
                  "do by a "
                  "signed manifest on a stick labelled OCU-MANIFEST; the stick gets a report back in ocu-report/."),
                text(""), told("A client checks the certificate by its fingerprint on page 1: compare all sixteen groups."), text(""),
                told("A question, such as whose key to trust, stands until somebody answers it on any console. yes counts only after the "
                     "end of its text was on the screen.")},
            theme),
        filler()});
}

Element confirmation(proto::Wish wish, proto::ScreenState const& state, std::string const& word, Theme const& theme, int columns)
{
    bool const stops = wish == proto::Wish::shutdown;
    auto const inside = static_cast<std::size_t>(columns - kBoxSides);
    auto const told = [&](std::string const& words) { return text_rows(wrapped(words, inside)) | theme.value(); };
    auto const ends = state.sessions == 0 ? std::string("No session is running.")
                      : state.sessions == 1
                          ? std::string("ONE SESSION is running and ends at once; what it has not written out is lost.")
                          : std::format("{} SESSIONS are running and end at once; what they have not written out is lost.", state.sessions);
    return vbox({box(stops ? "Shut down?" : "Restart?",
                     {told(stops ? "The machine stops and turns itself off. Somebody must press its power button to start it again."
                                 : "The machine stops and starts again. Agents are not served until it is back, about a minute."),
                         text(""), text_rows(wrapped(ends, inside)) | (state.sessions == 0 ? theme.value() : theme.warn()), text(""),
                         told("Type yes and press Enter to do it. Esc or no leaves everything as it is."), text(""),
                         hbox({text("Answer: ") | theme.value(), text(" " + word + "_ ") | theme.asking()})},
                     theme),
        filler()});
}

Element too_small_page(proto::ScreenState const& state, Theme const& theme, int rows, int columns)
{
    auto const width = static_cast<std::size_t>(columns);
    Elements lines{text_rows(wrapped(
                       std::format("This terminal has {} x {}; the console needs {} x {}.", columns, rows, kColumnsMin, kRowsMin), width)) |
                       theme.warn(),
        text_rows(wrapped(std::string(state.name.view()) + " " + std::string(short_word(state.phase)), width)) | theme.value()};
    if (!state.mcp_url.empty()) lines.push_back(text_rows(wrapped(state.mcp_url.view(), width)) | theme.value());
    for (auto const& warning : state.warnings.items()) lines.push_back(text_rows(wrapped("! " + warning.str(), width)) | theme.alarm());
    lines.push_back(filler());
    return vbox(std::move(lines));
}

}  // namespace ocu::console
