// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/clean.h"

#include "base/printable.h"

namespace ocu::console {

namespace {

template <std::size_t N>
void make_clean(wire::Text<N>& text)
{
    text = wire::Text<N>::cut(printable(text.view()));
}

}  // namespace

proto::ScreenState clean(proto::ScreenState state)
{
    auto const each = [](auto&... texts) { (make_clean(texts), ...); };
    each(state.name, state.version, state.profile, state.tier, state.mcp_url, state.files_url, state.fingerprint, state.manifest_digest,
        state.manifest_note, state.trust, state.clock_source, state.clock_trouble, state.state_kept, state.secure_boot, state.vault_key);
    auto interfaces = state.interfaces.items();
    for (auto& port : interfaces) each(port.name, port.role, port.device, port.addresses, port.trouble);
    state.interfaces = std::move(interfaces);
    auto warnings = state.warnings.items();
    for (auto& warning : warnings) each(warning);
    state.warnings = std::move(warnings);
    return state;
}

proto::ScreenLine clean(proto::ScreenLine const& line)
{
    return {.text = wire::Text<400>::cut(printable(line.text.view())), .old = line.old};
}

}  // namespace ocu::console
