// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/xml.h"

#include <expat.h>

#include <memory>
#include <string>
#include <vector>

namespace ocu::wire {

namespace {

struct Reading {
    XmlLimits const& limits;
    XmlElement const& element;
    XML_Parser parser;
    std::string path;
    std::vector<std::string> texts;  // one for each element that is open
    std::size_t elements = 0;
    bool over_limit = false;
    bool refused = false;

    void stop(bool& why)
    {
        why = true;
        ::XML_StopParser(parser, XML_FALSE);
    }
    bool stopped() const { return over_limit || refused; }
};

void begin_element(void* data, XML_Char const* name, XML_Char const**)
{
    auto& reading = *static_cast<Reading*>(data);
    if (reading.stopped()) return;
    std::string_view const said(name);
    auto const& limits = reading.limits;
    if (reading.texts.size() >= limits.depth_max || ++reading.elements > limits.elements_max || said.size() > limits.text_bytes_max)
        return reading.stop(reading.over_limit);
    reading.path.append("/").append(said);
    reading.texts.emplace_back();
}

void end_element(void* data, XML_Char const* name)
{
    auto& reading = *static_cast<Reading*>(data);
    if (reading.stopped()) return;
    reading.element(reading.path, reading.texts.back());
    reading.texts.pop_back();
    reading.path.resize(reading.path.size() - std::string_view(name).size() - 1);
}

void take_text(void* data, XML_Char const* text, int bytes)
{
    auto& reading = *static_cast<Reading*>(data);
    if (reading.stopped() || reading.texts.empty()) return;
    auto& here = reading.texts.back();
    if (here.size() + static_cast<std::size_t>(bytes) > reading.limits.text_bytes_max) return reading.stop(reading.over_limit);
    here.append(text, static_cast<std::size_t>(bytes));
}

void begin_document_type(void* data, XML_Char const*, XML_Char const*, XML_Char const*, int)
{
    auto& reading = *static_cast<Reading*>(data);
    reading.stop(reading.refused);
}

}  // namespace

Result<void> read_xml(std::string_view document, XmlLimits const& limits, XmlElement const& element)
{
    if (document.size() > limits.bytes_max) return fail(Fault::over_limit, "XML is too long");
    std::unique_ptr<XML_ParserStruct, decltype(&::XML_ParserFree)> const parser(::XML_ParserCreate("UTF-8"), &::XML_ParserFree);
    if (!parser) return fail(Fault::unavailable, "no memory for XML");
    Reading reading{limits, element, parser.get(), {}, {}};
    ::XML_SetUserData(parser.get(), &reading);
    ::XML_SetElementHandler(parser.get(), &begin_element, &end_element);
    ::XML_SetCharacterDataHandler(parser.get(), &take_text);
    ::XML_SetStartDoctypeDeclHandler(parser.get(), &begin_document_type);
    auto const parsed = ::XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()), XML_TRUE);
    if (reading.over_limit) return fail(Fault::over_limit, "XML is too deep, too long or has too much in it");
    if (reading.refused || parsed != XML_STATUS_OK) return fail(Fault::malformed, "no XML that is read here");
    return {};
}

}  // namespace ocu::wire
