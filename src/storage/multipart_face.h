// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// multipart/form-data (RFC 7578), read as it arrives: parts with a name and perhaps a filename, and their bytes in pieces. It keeps at most one part's
// head, or as much of the data as a boundary that has begun could take. Everything about a part but its name and filename is skipped. Pure; what it is fed
// is bounded by who feeds it.
//
//   threats   T-02

#include <cstddef>
#include <string>
#include <string_view>

namespace ocu::storage {

inline constexpr std::size_t kPartHeadBytesMax = 8u << 10;
inline constexpr std::size_t kPartsMax = 1'000;

class Multipart {
public:
    enum class Said {
        need_more,  // feed() it
        part,  // a part begins: name(), filename()
        data,  // some of its bytes: data()
        part_ends,
        ended,  // the last boundary was read; what follows is ignored
        malformed,
    };

    explicit Multipart(std::string_view boundary) : delimiter_("\r\n--" + std::string(boundary)) {}
    void feed(std::string_view bytes) { in_ += bytes; }
    Said next();

    std::string const& name() const { return name_; }
    std::string const& filename() const { return filename_; }  // empty: a field
    std::string const& data() const { return data_; }  // until the next call

private:
    enum class State { opening, boundary, head, body, ended, bad };
    Said bad();
    Said take_head();
    Said take_body();

    std::string delimiter_;
    std::string in_ = "\r\n";  // as if the first boundary, too, stood after a line
    std::string name_;
    std::string filename_;
    std::string data_;
    std::size_t parts_ = 0;
    State state_ = State::opening;
};

}  // namespace ocu::storage
