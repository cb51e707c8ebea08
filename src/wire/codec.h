// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The one encoding of messages inside the house. Little-endian fixed-width integers; Text as u32 length + bytes; List as u32 count +
// elements; enums as their underlying integer, refused above `kLast`; bool as 0 or 1. A message names its fields once:
//
//     struct Lease {
//         static constexpr Type kType = Type::lease;
//         SessionId session;
//         wire::Text<253> host;
//         static void fields(auto& wire, auto& m) { wire(m.session, m.host); }
//     };
//
// and encoder, decoder and fuzz targets follow. decode() accepts only what fits every bound and leaves no byte over.
// An enum that travels has an enumerator `kLast` equal to its greatest member, and its members are contiguous from 0.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "wire/text.h"

namespace ocu::wire {

using Bytes = std::vector<std::byte>;

class Encoder {
public:
    explicit Encoder(Bytes& out) : out_(out) {}

    template <class... Fields>
    void operator()(Fields const&... fields)
    {
        (put(fields), ...);
    }

private:
    template <class T>
        requires std::is_integral_v<T>
    void put(T value)
    {
        auto const wide = static_cast<std::make_unsigned_t<std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>>>(value);
        for (std::size_t i = 0; i < sizeof(T); ++i) out_.push_back(static_cast<std::byte>((wide >> (8 * i)) & 0xff));
    }
    template <class T>
        requires std::is_enum_v<T>
    void put(T value)
    {
        put(static_cast<std::underlying_type_t<T>>(value));
    }
    template <class Tag>
    void put(Id<Tag> id)
    {
        put(id.value);
    }
    template <class Rep, class Period>
    void put(std::chrono::duration<Rep, Period> duration)
    {
        put(static_cast<std::int64_t>(duration.count()));
    }
    template <std::size_t N>
    void put(Text<N> const& text)
    {
        put(static_cast<std::uint32_t>(text.size()));
        auto const at = out_.size();
        out_.resize(at + text.size());
        std::ranges::copy(std::as_bytes(std::span(text.str())), out_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    template <class T, std::size_t N>
    void put(List<T, N> const& list)
    {
        put(static_cast<std::uint32_t>(list.items().size()));
        for (auto const& item : list.items()) put(item);
    }
    template <class T, std::size_t N>
    void put(std::array<T, N> const& array)
    {
        for (auto const& item : array) put(item);
    }
    template <class T>
        requires requires(T const& t, Encoder& e) { T::fields(e, t); }
    void put(T const& nested)
    {
        T::fields(*this, nested);
    }

    Bytes& out_;
};

class Decoder {
public:
    explicit Decoder(std::span<std::byte const> in) : in_(in) {}

    template <class... Fields>
    void operator()(Fields&... fields)
    {
        (get(fields), ...);
    }

    bool complete() const { return good_ && in_.empty(); }

private:
    std::span<std::byte const> take(std::size_t size)
    {
        if (!good_ || in_.size() < size) {
            good_ = false;
            return {};
        }
        auto const head = in_.first(size);
        in_ = in_.subspan(size);
        return head;
    }
    template <class T>
        requires std::is_integral_v<T>
    void get(T& value)
    {
        std::uint64_t wide = 0;
        auto const bytes = take(sizeof(T));
        for (std::size_t i = 0; i < bytes.size(); ++i) wide |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
        if constexpr (std::is_same_v<T, bool>) {
            if (wide > 1) good_ = false;
            value = wide == 1;
        } else {
            value = static_cast<T>(wide);
        }
    }
    template <class T>
        requires std::is_enum_v<T>
    void get(T& value)
    {
        std::underlying_type_t<T> raw{};
        get(raw);
        if (raw < 0 || raw > static_cast<std::underlying_type_t<T>>(T::kLast)) {
            good_ = false;
            return;
        }
        value = static_cast<T>(raw);
    }
    template <class Tag>
    void get(Id<Tag>& id)
    {
        get(id.value);
    }
    template <class Rep, class Period>
    void get(std::chrono::duration<Rep, Period>& duration)
    {
        std::int64_t count = 0;
        get(count);
        duration = std::chrono::duration<Rep, Period>(count);
    }
    template <std::size_t N>
    void get(Text<N>& text)
    {
        std::uint32_t size = 0;
        get(size);
        if (size > N) good_ = false;
        auto const bytes = take(good_ ? size : 0);
        text = Text<N>(std::string(reinterpret_cast<char const*>(bytes.data()), bytes.size()));
    }
    template <class T, std::size_t N>
    void get(List<T, N>& list)
    {
        std::uint32_t count = 0;
        get(count);
        if (count > N) good_ = false;
        list = {};
        for (std::uint32_t i = 0; good_ && i < count; ++i) {
            T item{};
            get(item);
            if (good_) list.push(std::move(item));
        }
    }
    template <class T, std::size_t N>
    void get(std::array<T, N>& array)
    {
        for (auto& item : array) get(item);
    }
    template <class T>
        requires requires(T& t, Decoder& d) { T::fields(d, t); }
    void get(T& nested)
    {
        T::fields(*this, nested);
    }

    std::span<std::byte const> in_;
    bool good_ = true;
};

template <class Message>
Bytes encode(Message const& message)
{
    Bytes out;
    Encoder encoder(out);
    Message::fields(encoder, message);
    return out;
}

// Errors: malformed.
template <class Message>
Result<Message> decode(std::span<std::byte const> bytes)
{
    Message message{};
    Decoder decoder(bytes);
    Message::fields(decoder, message);
    if (!decoder.complete()) return fail(Fault::malformed, "message does not decode");
    return message;
}

}  // namespace ocu::wire
