// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/status_line.h"

#include <charconv>
#include <format>

namespace ocu::appliance {

namespace {

std::optional<std::uint32_t> number(std::string_view text)
{
    std::uint32_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<proto::WebhookHealth> webhook_of(std::string_view word)
{
    for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(proto::WebhookHealth::kLast); ++i)
        if (auto const health = static_cast<proto::WebhookHealth>(i); name_of(health) == word) return health;
    return std::nullopt;
}

}  // namespace

std::optional<std::string_view> word_of(std::string_view line, std::string_view name)
{
    auto const key = " " + std::string(name) + "=";
    auto const at = line.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    auto value = line.substr(at + key.size());
    value = value.substr(0, value.find(' '));
    if (value.empty()) return std::nullopt;
    return value;
}

std::string status_line(CoreStatus const& status)
{
    auto line = std::format("STATUS sessions={} helpers={}/{} frozen={} vault-key={}", status.sessions, status.helpers_up, status.helpers,
        status.frozen ? "yes" : "no", name_of(status.vault_key));
    if (status.webhook != proto::WebhookHealth::none) line.append(" webhook=").append(name_of(status.webhook));
    if (status.audit_disk_percent != 0) line += std::format(" audit-disk={}", status.audit_disk_percent);
    return line;
}

std::optional<CoreStatus> parse_status(std::string_view line)
{
    if (!line.starts_with("STATUS ")) return std::nullopt;
    auto const sessions = number(word_of(line, "sessions").value_or(""));
    auto const helpers = word_of(line, "helpers").value_or("");
    auto const frozen = word_of(line, "frozen").value_or("");
    auto const key = word_of(line, "vault-key").value_or("");
    auto const slash = helpers.find('/');
    if (!sessions || slash == std::string_view::npos || (frozen != "yes" && frozen != "no")) return std::nullopt;
    if (key != name_of(KeyBinding::tpm) && key != name_of(KeyBinding::file)) return std::nullopt;
    auto const up = number(helpers.substr(0, slash));
    auto const all = number(helpers.substr(slash + 1));
    if (!up || !all) return std::nullopt;
    auto const binding = key == name_of(KeyBinding::tpm) ? KeyBinding::tpm : KeyBinding::file;
    auto const webhook = webhook_of(word_of(line, "webhook").value_or("none"));
    auto const disk = number(word_of(line, "audit-disk").value_or("0"));
    if (!webhook || !disk || *disk > 100) return std::nullopt;
    return CoreStatus{*sessions, *up, *all, frozen == "yes", binding, *webhook, *disk};
}

}  // namespace ocu::appliance
