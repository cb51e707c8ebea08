// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/xml.h"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace test_xml {

using namespace ocu;
using namespace ocu::wire;

namespace {

std::string told(std::string_view document, XmlLimits const& limits = {})
{
    std::string out;
    auto const read = read_xml(
        document, limits, [&out](std::string_view path, std::string_view text) { out.append(path).append("=").append(text).append(";"); });
    return read ? out : "fault " + std::string(name_of(read.error().fault));
}

}  // namespace

TEST_CASE("xml: given a document, when it is read, then each element's path and own text are told at its end", "[wire]")
{
    CHECK(told("<?xml version='1.0'?><a xmlns='u'><b>one &amp; two</b>x<b/></a>") == "/a/b=one & two;/a/b=;/a=x;");
    CHECK(told("<a>&#x41;<![CDATA[<b>]]></a>") == "/a=A<b>;");
}

TEST_CASE("xml: given what is no document, when it is read, then it is malformed", "[wire]")
{
    for (auto const* const each : {"", "x", "<a>", "<a></b>", "<a/><b/>", "<a>&unknown;</a>", "<a>\x01</a>"})
        CHECK(told(each) == "fault malformed");
}

TEST_CASE("xml: given a document type, when it is read, then it is refused, whatever is in it", "[wire][T-31]")
{
    CHECK(told("<!DOCTYPE a><a/>") == "fault malformed");
    CHECK(told("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>") == "fault malformed");
    CHECK(told("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>") == "fault malformed");
}

TEST_CASE("xml: given a document beyond a limit, when it is read, then it ends there", "[wire][T-31]")
{
    CHECK(told("<a><b><c/></b></a>", {.depth_max = 2}) == "fault over_limit");
    CHECK(told("<a><b/><b/></a>", {.elements_max = 2}) == "fault over_limit");
    CHECK(told("<a>12345</a>", {.text_bytes_max = 4}) == "fault over_limit");
    CHECK(told("<a2345/>", {.text_bytes_max = 4}) == "fault over_limit");
    CHECK(told("<a>12345</a>", {.bytes_max = 11}) == "fault over_limit");
    CHECK(told("<a>12345</a>", {.bytes_max = 12, .depth_max = 1, .elements_max = 1, .text_bytes_max = 5}) == "/a=12345;");
}

}  // namespace test_xml
