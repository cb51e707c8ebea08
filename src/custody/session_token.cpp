// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/session_token.h"

#include <algorithm>

#include "wire/json.h"

namespace ocu::custody {

namespace {

constexpr std::string_view kForm = "ocu-session/1";
constexpr std::size_t kContainerBytesMax = 64;
constexpr std::size_t kTokenBytesMax = 1024;
constexpr std::size_t kSessionHexDigits = 16;

bool is_container_name(std::string_view name)
{
    constexpr std::string_view kOthers = "._-";
    return !name.empty() && name.size() <= kContainerBytesMax && std::ranges::all_of(name, [kOthers](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
    });
}

std::span<std::uint8_t const> octets(std::string_view text) { return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()}; }

std::string session_text(SessionId session)
{
    std::array<std::uint8_t, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(session.value >> (56 - 8 * i));
    return crypto::to_hex(bytes);
}

SessionId session_of(std::string_view text)
{
    auto const bytes = crypto::from_hex(text);
    if (!bytes || text.size() != kSessionHexDigits) return {};
    SessionId session;
    for (auto const byte : *bytes) session.value = session.value << 8 | byte;
    return session;
}

std::int64_t seconds_of(WallTime now) { return std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count(); }

}  // namespace

std::string key_id(crypto::PublicKey const& key)
{
    auto const digest = crypto::sha256(std::as_bytes(std::span(key)));
    return crypto::to_hex(std::span(digest).first(8));
}

Result<std::string> mint_session_token(Secret const& seed, crypto::PublicKey const& key, SessionId session, std::string_view container,
    std::chrono::seconds life, WallTime now)
{
    if (!session || !is_container_name(container)) return fail(Fault::malformed, "token for no session or no container");
    if (life.count() < 1 || life > kTokenLifeMax) return fail(Fault::over_limit, "token life out of range");
    auto payload = wire::Json::object();
    payload.set("typ", kForm).set("kid", key_id(key)).set("sid", session_text(session)).set("ctr", container);
    payload.set("iat", seconds_of(now)).set("exp", seconds_of(now) + life.count());
    std::string const body = crypto::to_base64url(octets(payload.print()));
    auto const signature = OCU_TRY(crypto::ed25519_sign(seed, key, crypto::as_bytes(body)));
    return body + '.' + crypto::to_base64url(signature);
}

Result<SessionToken> verify_session_token(crypto::PublicKey const& key, std::string_view token, std::string_view container, WallTime now)
{
    auto const dot = token.find('.');
    if (token.size() > kTokenBytesMax || dot == std::string_view::npos) return fail(Fault::malformed, "not a session token");
    auto const body = token.substr(0, dot);
    auto const raw = OCU_TRY(crypto::from_base64url(token.substr(dot + 1)));
    crypto::Signature signature{};
    if (raw.size() != signature.size()) return fail(Fault::malformed, "not a session token");
    std::ranges::copy(raw, signature.begin());
    // The signature first: nothing in the payload is looked at before it is known to be ours (T-02).
    if (!crypto::ed25519_verify(key, crypto::as_bytes(body), signature)) return fail(Fault::denied, "session token is not ours");
    auto const bytes = OCU_TRY(crypto::from_base64url(body));
    auto const payload = OCU_TRY(wire::Json::parse(std::string_view(reinterpret_cast<char const*>(bytes.data()), bytes.size())));
    auto const root = payload.view();
    if (root["typ"].string() != kForm || root["kid"].string() != key_id(key))
        return fail(Fault::denied, "session token of another form or key");
    SessionToken out;
    out.session = session_of(root["sid"].string().value_or(""));
    out.container = root["ctr"].string().value_or("");
    out.issued = root["iat"].integer().value_or(0);
    out.expires = root["exp"].integer().value_or(0);
    if (!out.session) return fail(Fault::malformed, "session token without a session");
    if (out.container != container) return fail(Fault::denied, "session token of another container");
    auto const second = seconds_of(now);
    if (second >= out.expires || out.expires - out.issued > kTokenLifeMax.count()) return fail(Fault::denied, "session token has expired");
    return out;
}

}  // namespace ocu::custody
