// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// multipart/form-data (RFC 7578), and other multipart bodies (RFC 2046) whose parts need no name, read as it arrives: parts with a name and perhaps a filename, and their bytes in pieces. It keeps at most one part's
// head, or as much of the data as a boundary that has begun could take. Everything about a part but its name and filename is skipped. Two read it: who
// takes a form in (storage), and who looks at one on its way out (edge). Pure; what it is fed is bounded by who feeds it.
//
//   threats   T-02

#include <cstddef>
#include <string>
#include <string_view>

namespace ocu::wire {

inline constexpr std::size_t kPartHeadBytesMax = 8u << 10;
inline constexpr std::size_t kPartsMax = 1'000;
inline constexpr std::size_t kBoundaryBytesMax = 70;

// The boundary that a Content-Type states; empty: none that can be used.
std::string multipart_boundary(std::string_view content_type);

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

    enum class Names : bool { needed, ignored };

    explicit Multipart(std::string_view boundary, Names names = Names::needed) : delimiter_("\r\n--" + std::string(boundary)), names_(names) {}
    void feed(std::string_view bytes) { in_ += bytes; }
    Said next();

    std::string const& name() const { return name_; }
    std::string const& filename() const { return filename_; }  // empty: a field
    std::string const& data() const { return data_; }  // until the next call

private:
    enum class State { opening, boundary, head, body, ended, bad };
    Said bad();
    Said take_head();
    bool read_head(std::string_view head);
    Said take_body();

    std::string delimiter_;
    Names names_;
    std::string in_ = "\r\n";  // as if the first boundary, too, stood after a line
    std::string name_;
    std::string filename_;
    std::string data_;
    std::size_t parts_ = 0;
    State state_ = State::opening;
};

}  // namespace ocu::wire
