// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Bounded byte strings and lists: the bound is part of the type, so a decoder cannot forget it.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"

namespace ocu::wire {

// At most N bytes of any value. Constructing from something longer is our bug: check at the face first with `fits`, or cut with `cut`.
template <std::size_t N>
class Text {
public:
    static constexpr std::size_t kMax = N;

    Text() = default;
    Text(std::string value) : value_(std::move(value)) { OCU_ASSERT(value_.size() <= N); }
    Text(std::string_view value) : Text(std::string(value)) {}
    Text(char const* value) : Text(std::string(value)) {}

    static bool fits(std::string_view value) { return value.size() <= N; }
    static Text cut(std::string_view value) { return Text(std::string(value.substr(0, N))); }

    std::string const& str() const { return value_; }
    std::string take() && { return std::move(value_); }
    std::string_view view() const { return value_; }
    bool empty() const { return value_.empty(); }
    std::size_t size() const { return value_.size(); }
    bool operator==(Text const&) const = default;

private:
    std::string value_;
};

// At most N elements.
template <class T, std::size_t N>
class List {
public:
    static constexpr std::size_t kMax = N;

    List() = default;
    List(std::vector<T> items) : items_(std::move(items)) { OCU_ASSERT(items_.size() <= N); }

    std::vector<T> const& items() const { return items_; }
    bool full() const { return items_.size() == N; }
    void push(T item)
    {
        OCU_ASSERT(!full());
        items_.push_back(std::move(item));
    }
    bool operator==(List const&) const = default;

private:
    std::vector<T> items_;
};

}  // namespace ocu::wire
