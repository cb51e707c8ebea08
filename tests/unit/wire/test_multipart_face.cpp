// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/multipart_face. Forms as browsers and curl write them, cut anywhere, and what is none.
#include <catch2/catch_test_macros.hpp>

#include "wire/multipart_face.h"

namespace test_multipart_face {

using ocu::wire::Multipart;

std::string read(std::string_view text, std::size_t step = 1)
{
    Multipart form("XX");
    std::string out;
    for (std::size_t fed = 0;;) {
        switch (form.next()) {
        case Multipart::Said::need_more:
            if (fed >= text.size()) return out + "?";
            form.feed(text.substr(fed, step));
            fed += step;
            break;
        case Multipart::Said::part: out += "[" + form.name() + "|" + form.filename() + ":"; break;
        case Multipart::Said::data: out += form.data(); break;
        case Multipart::Said::part_ends: out += "]"; break;
        case Multipart::Said::ended: return out + ".";
        case Multipart::Said::malformed: return out + "!";
        }
    }
}

std::string part(std::string_view disposition, std::string_view body)
{
    return "--XX\r\nContent-Disposition: form-data; " + std::string(disposition) + "\r\nContent-Type: text/plain\r\n\r\n" +
           std::string(body) + "\r\n";
}

TEST_CASE("multipart: given a form, when it is read in pieces of any size, then the same parts", "[storage][SB-6]")
{
    auto const form = part(R"(name="path")", "uploads/a") + part(R"(name="file"; filename="x y.txt")", "a\r\n--X\r\n-b") +
                      part(R"(filename="e%22;\"q"; name="file")", "") + "--XX--\r\nepilogue";
    for (std::size_t step = 1; step < 40; ++step)
        CHECK(read(form, step) == "[path|:uploads/a][file|x y.txt:a\r\n--X\r\n-b][file|e\";\"q:].");
}

TEST_CASE("multipart: given what is no form, when it is read, then it is malformed and never a part", "[storage][T-02]")
{
    CHECK(read("preamble\r\n--XX\r\n") == "!");
    CHECK(read("--XY\r\n") == "!");
    CHECK(read("--XX x\r\n") == "!");
    CHECK(read("--XX\r\nContent-Type: text/plain\r\n\r\nx\r\n--XX--") == "!");
    CHECK(read("--XX\r\nContent-Disposition: form-data; filename=\"a\"\r\n\r\nx\r\n--XX--") == "!");
    CHECK(read("--XX\r\nContent-Disposition: form-data; xname=\"file\"\r\n\r\nx") == "!");
    CHECK(read("--XX\r\nContent-Disposition: form-data; name=\"file\r\n\r\nx") == "!");
    CHECK(read("--XX\r\n" + std::string(9000, 'h'), 100) == "!");
    CHECK(read(part(R"(name="file"; filename="a")", "cut")).ends_with("?"));
}

TEST_CASE("multipart: given parts without end, when they are read, then their number has one", "[storage][T-06]")
{
    std::string form;
    for (int i = 0; i < 1'001; ++i) form += part(R"(name="a")", "");
    CHECK(read(form, 4096).ends_with("!"));
}

TEST_CASE("multipart: given parts whose names nobody needs, when they are read, then any head will do, and none", "[wire][T-33]")
{
    ocu::wire::Multipart form("b", ocu::wire::Multipart::Names::ignored);
    form.feed("--b\r\n\r\none\r\n--b\r\nContent-Type: text/plain\r\n\r\n\r\ntwo\r\n--b--\r\n");
    std::string out;
    for (auto said = form.next(); said != Multipart::Said::ended; said = form.next()) {
        REQUIRE((said != Multipart::Said::malformed && said != Multipart::Said::need_more));
        if (said == Multipart::Said::part) out += "[";
        if (said == Multipart::Said::data) out += form.data();
        if (said == Multipart::Said::part_ends) out += "]";
    }
    CHECK(out == "[one][\r\ntwo]");
}

TEST_CASE("multipart: given a content type, when its boundary is looked for, then what can be used, or nothing", "[wire][SB-7]")
{
    using ocu::wire::multipart_boundary;
    CHECK(multipart_boundary("multipart/form-data; boundary=abc; charset=x") == "abc");
    CHECK(multipart_boundary("multipart/form-data; boundary=\"a;c\"") == "a;c");
    for (auto const* const bad : {"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a b", "x; boundary=\"\""})
        CHECK(multipart_boundary(bad).empty());
    CHECK(multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'a')).empty());
}

}  // namespace test_multipart_face
