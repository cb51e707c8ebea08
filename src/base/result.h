// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How a function says that the world refused. A Result must be looked at: dropping one is a compile error in this build.
// Errors carry only text that was known at compile time, so no peer's byte and no secret can reach a log through one (T-12).

#include <cerrno>
#include <cstdint>
#include <expected>
#include <source_location>
#include <string_view>
#include <utility>

namespace ocu {

// Text known at compile time.
class Literal {
public:
    template <std::size_t N>
    consteval Literal(char const (&text)[N]) : text_(text, N - 1)
    {}
    constexpr std::string_view view() const { return text_; }

private:
    std::string_view text_;
};

// Closed: a new member is a decision for review. Wider refusal vocabularies (x-deny-reason, MCP codes) are proto/reason.h.
enum class Fault : std::uint16_t {
    denied = 1,   // policy said no; retrying cannot help
    malformed,    // the other side broke the grammar
    over_limit,   // size, count, rate or quota
    unavailable,  // a peer is down or starting; retrying may help
    not_found,    // no such thing, and saying so reveals nothing
    conflict,     // the thing exists already, or is in a state that forbids this
    os,           // a system call failed; see os_errno
};

constexpr std::string_view name_of(Fault fault)
{
    switch (fault) {
    case Fault::denied: return "denied";
    case Fault::malformed: return "malformed";
    case Fault::over_limit: return "over_limit";
    case Fault::unavailable: return "unavailable";
    case Fault::not_found: return "not_found";
    case Fault::conflict: return "conflict";
    case Fault::os: return "os";
    }
    return "unknown";
}

struct Error {
    Fault fault;
    Literal what;
    int os_errno;
    std::source_location where;
};

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
public:
    using std::expected<T, Error>::expected;
};

constexpr std::unexpected<Error> fail(Fault fault, Literal what, std::source_location where = std::source_location::current())
{
    return std::unexpected(Error{fault, what, 0, where});
}

// For a system call that has just failed: keeps errno.
inline std::unexpected<Error> fail_os(Literal what, std::source_location where = std::source_location::current())
{
    return std::unexpected(Error{Fault::os, what, errno, where});
}

}  // namespace ocu

// A name for each use, so that one may stand inside another.
#define OCU_UNIQUE_NAME_(prefix, number) prefix##number
#define OCU_UNIQUE_NAME(prefix, number) OCU_UNIQUE_NAME_(prefix, number)

#define OCU_TRY_AS(result, expression)                                  \
    __extension__({                                                     \
        auto result = (expression);                                     \
        if (!result) return std::unexpected(std::move(result).error()); \
        *std::move(result);                                             \
    })

#define OCU_CHECK_AS(result, expression)                                \
    do {                                                                \
        auto result = (expression);                                     \
        if (!result) return std::unexpected(std::move(result).error()); \
    } while (false)

// The value, or return the error to the caller.
#define OCU_TRY(expression) OCU_TRY_AS(OCU_UNIQUE_NAME(ocu_try_, __COUNTER__), expression)
// For Result<void>.
#define OCU_CHECK(expression) OCU_CHECK_AS(OCU_UNIQUE_NAME(ocu_check_, __COUNTER__), expression)
