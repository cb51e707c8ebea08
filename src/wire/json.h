// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// JSON (RFC 8259) by cJSON, made strict: one value and nothing after it, valid UTF-8, no NUL in a string, no duplicate key,
// bounded depth and size. The only folder that includes cJSON.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct cJSON;

namespace ocu::wire {

// keep: for a reader that finds and names them itself.
enum class DuplicateKeys { refuse, keep };

struct JsonLimits {
    std::size_t bytes_max = 1u << 20;
    std::size_t depth_max = 32;
    DuplicateKeys duplicate_keys = DuplicateKeys::refuse;
};

// A value inside a document. Cheap to copy; valid while the Json that it came from lives.
class JsonView {
public:
    JsonView() = default;
    explicit JsonView(cJSON const* node) : node_(node) {}

    explicit operator bool() const { return node_ != nullptr; }  // false: there is no such member
    bool is_object() const;
    bool is_array() const;
    bool is_string() const;
    bool is_number() const;
    bool is_bool() const;
    bool is_null() const;

    JsonView operator[](std::string_view key) const;  // member of an object, or nothing
    JsonView at(std::size_t index) const;             // element of an array, or nothing
    std::size_t size() const;                         // members or elements
    void each(std::function<void(std::string_view key, JsonView value)> const& visit) const;  // key is empty in an array

    std::optional<std::string_view> string() const;
    std::optional<double> number() const;
    std::optional<std::int64_t> integer() const;  // only if exact and within ±2^53
    std::optional<bool> boolean() const;
    std::string print() const;  // compact

    cJSON const* node() const { return node_; }

private:
    cJSON const* node_ = nullptr;
};

// A document, or one being built. Owns its tree. Setters replace nothing: each key is set once.
class Json {
public:
    static Result<Json> parse(std::string_view text, JsonLimits limits = {});
    static Json object();
    static Json array();
    static Json string(std::string_view value);  // bytes that are not UTF-8 become U+FFFD; NUL becomes U+FFFD
    static Json number(double value);
    static Json integer(std::int64_t value);
    static Json boolean(bool value);  // NOLINT: the one place where a bare bool is the value itself
    static Json null();
    static Json copy_of(JsonView view);

    Json(Json&& other) noexcept;
    Json& operator=(Json&& other) noexcept;
    ~Json();

    Json& set(std::string_view key, Json value) &;
    Json& set(std::string_view key, std::string_view value) &;
    Json& set(std::string_view key, char const* value) & { return set(key, std::string_view(value)); }
    Json& set(std::string_view key, std::int64_t value) &;
    Json& set(std::string_view key, std::uint64_t value) &;
    Json& set(std::string_view key, int value) & { return set(key, static_cast<std::int64_t>(value)); }
    Json& set(std::string_view key, bool value) &;
    Json& push(Json value) &;

    JsonView view() const { return JsonView(node_); }
    std::string print() const { return view().print(); }
    std::string print_pretty() const;

private:
    explicit Json(cJSON* node) : node_(node) {}
    cJSON* node_ = nullptr;
};

bool is_utf8(std::string_view bytes);
// Every byte that is not part of valid UTF-8, and every NUL, becomes U+FFFD.
std::string to_utf8(std::string_view bytes);

}  // namespace ocu::wire
