// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_access.h"

#include "base/secret.h"
#include "storage/limits.h"

namespace ocu::storage {

using proto::FilesShown;
using proto::Reason;

namespace {

std::string random_text()
{
    std::array<std::uint8_t, 32> bytes{};
    crypto::random_bytes(std::as_writable_bytes(std::span(bytes)));
    return crypto::to_base64url(bytes);
}

std::unexpected<FilesRefused> no(Reason reason, std::string name = {}, std::uint32_t retry_after_s = 0)
{
    return std::unexpected(FilesRefused{reason, std::move(name), retry_after_s});
}

std::chrono::seconds left(Monotonic until, Monotonic now) { return std::chrono::duration_cast<std::chrono::seconds>(until - now); }

std::vector<helper::Caller> keys_of(std::vector<EmbedKey> const& embedders)
{
    std::vector<helper::Caller> out;
    for (auto const& each : embedders) out.push_back(each.key);
    return out;
}

template <class Table>
std::size_t count_of(Table const& table, CallerId caller)
{
    return static_cast<std::size_t>(std::ranges::count_if(table, [caller](auto const& each) { return each.second.who.caller == caller; }));
}

}  // namespace

FilesAccess::FilesAccess(Clock const& clock, std::vector<helper::Caller> callers, std::vector<EmbedKey> embed_keys, Limits limits)
    : clock_(clock), declared_(callers), callers_(std::move(callers)), embedders_(std::move(embed_keys)), embed_keys_(keys_of(embedders_)),
      limits_(limits)
{}

FilesVerdict<FilesCaller> FilesAccess::bearer(proto::FilesAsk const& ask) const
{
    // Both tables are looked through, whatever is in the first: the time says nothing about where a key is (T-01).
    auto const* const caller = callers_.find(ask.secret.view());
    auto const* const key = embed_keys_.find(ask.secret.view());
    if (caller == nullptr) return key == nullptr ? FilesVerdict<FilesCaller>(no(Reason::unauthorized)) : embed_key(ask, *key);
    // Nobody makes tokens for another caller with a caller's key.
    if (!ask.caller.empty() && ask.caller.view() != caller->name) return no(Reason::forbidden, caller->name);
    return FilesCaller{caller->id, caller->name, ask.chat.str(), proto::kAllIntents};
}

// T-30: such a key lies with a web application, and is good for one thing.
FilesVerdict<FilesCaller> FilesAccess::embed_key(proto::FilesAsk const& ask, helper::Caller const& key) const
{
    auto const embedder = std::ranges::find(embedders_, key.id, [](EmbedKey const& each) { return each.key.id; });
    auto const caller =
        std::ranges::find(declared_, ask.caller.view(), [](helper::Caller const& each) { return std::string_view(each.name); });
    bool const named =
        embedder != embedders_.end() && std::ranges::contains(embedder->callers, ask.caller.view()) && caller != declared_.end();
    if (ask.want != proto::FilesWant::embed_token || !named) return no(Reason::forbidden, key.name);
    return FilesCaller{caller->id, caller->name, ask.chat.str(), proto::kAllIntents, key.name, key.id};
}

// T-02: a cookie comes with whatever page makes the browser ask; the CSRF token only with a page of ours, which alone can read it.
FilesVerdict<FilesCaller> FilesAccess::cookie(proto::FilesAsk const& ask) const
{
    auto const found = browsers_.find(crypto::sha256(ask.secret.view()));
    if (found == browsers_.end() || clock_.now() >= found->second.until) return no(Reason::unauthorized);
    auto const& open = found->second;
    bool const same = equal_constant_time(crypto::as_bytes(ask.csrf.view()), crypto::as_bytes(open.csrf));
    if (ask.changes && !same) return no(Reason::forbidden, open.who.name);
    return open.who;
}

FilesVerdict<FilesCaller> FilesAccess::judge(proto::FilesAsk const& ask)
{
    if (ask.shown == FilesShown::embed_token) return no(Reason::unauthorized);
    auto who = ask.shown == FilesShown::bearer ? bearer(ask) : cookie(ask);
    if (!who) return who;
    // An embedding application has a rate of its own: it cannot use up its callers'.
    auto const payer = who->maker.empty() ? who->caller : who->maker_id;
    auto const& name = who->maker.empty() ? who->name : who->maker;
    auto& rate = rates_.try_emplace(payer, limits_.requests_per_minute_max, clock_.now()).first->second;
    if (!rate.take(clock_.now())) return no(Reason::rate_exceeded, name, kRetryAfterSeconds);
    if ((ask.intents & ~who->intents) != 0) return no(Reason::forbidden, name);
    return who;
}

void FilesAccess::callers_are(std::vector<helper::Caller> callers)
{
    auto const gone = [&](auto const& each) { return !std::ranges::contains(callers, each.second.who.caller, &helper::Caller::id); };
    std::erase_if(tokens_, gone);
    std::erase_if(browsers_, gone);
    std::erase_if(rates_, [&](auto const& each) {
        auto const is_it = [&](helper::Caller const& caller) { return caller.id == each.first; };
        return std::ranges::none_of(callers, is_it) && std::ranges::none_of(embedders_, is_it, &EmbedKey::key);
    });
    declared_ = callers;
    callers_ = helper::Callers(std::move(callers));
}

void FilesAccess::forget_expired()
{
    auto const now = clock_.now();
    std::erase_if(tokens_, [now](auto const& each) { return now >= each.second.until; });
    std::erase_if(browsers_, [now](auto const& each) { return now >= each.second.until; });
}

FilesVerdict<FilesAccess::Token> FilesAccess::make_token(FilesCaller const& who, proto::Intents intents)
{
    auto const& name = who.maker.empty() ? who.name : who.maker;
    if (intents == 0 || (intents & ~who.intents) != 0) return no(Reason::forbidden, name);
    forget_expired();
    if (count_of(tokens_, who.caller) >= kEmbedTokensPerCallerMax) return no(Reason::too_many_calls, name, kRetryAfterSeconds);
    auto token = random_text();
    auto owner = who;
    owner.intents = intents;
    tokens_.emplace(crypto::sha256(token), Waiting{std::move(owner), clock_.now() + kEmbedTokenLife});
    return Token{std::move(token), kEmbedTokenLife};
}

FilesVerdict<FilesAccess::Browser> FilesAccess::begin(std::string_view token, FilesCaller& who)
{
    auto const found = tokens_.find(crypto::sha256(token));
    if (found == tokens_.end()) return no(Reason::unauthorized);
    auto const waiting = std::move(found->second);
    tokens_.erase(found);  // once, whatever comes of it
    if (clock_.now() >= waiting.until) return no(Reason::unauthorized, waiting.who.name);
    forget_expired();
    who = waiting.who;
    // From here on it is the caller's, whoever had made the token.
    who.maker.clear();
    who.maker_id = {};
    if (count_of(browsers_, who.caller) >= kBrowsersPerCallerMax) return no(Reason::too_many_calls, who.name, kRetryAfterSeconds);
    Browser made{random_text(), random_text(), who.intents, kBrowserLife};
    browsers_.emplace(crypto::sha256(made.cookie), Open{who, made.csrf, clock_.now() + kBrowserLife});
    return made;
}

FilesVerdict<FilesAccess::Browser> FilesAccess::show(std::string_view cookie) const
{
    auto const found = browsers_.find(crypto::sha256(cookie));
    if (found == browsers_.end() || clock_.now() >= found->second.until) return no(Reason::unauthorized);
    auto const& open = found->second;
    return Browser{{}, open.csrf, open.who.intents, left(open.until, clock_.now())};
}

void FilesAccess::end(std::string_view cookie) { browsers_.erase(crypto::sha256(cookie)); }

}  // namespace ocu::storage
