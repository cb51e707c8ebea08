// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/schema.h"

#include <regex.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/assert.h"

namespace ocu::manifest {

using wire::Json;
using wire::JsonView;

namespace {

Admission<void> accept() { return {}; }

std::string below(std::string const& key, std::string_view member)
{
    return key.empty() ? printable(member) : key + "." + printable(member);
}

bool has_type(JsonView value, std::string_view type)
{
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_bool();
    return type == "integer" && value.integer().has_value();
}

Admission<void> check_type(JsonView type, JsonView value, std::string const& key)
{
    if (auto const one = type.string()) {
        if (has_type(value, *one)) return accept();
        return refuse(key, "must be of type " + std::string(*one));
    }
    std::string wanted;
    for (std::size_t i = 0; i < type.size(); ++i) {
        auto const each = type.at(i).string().value_or("");
        if (has_type(value, each)) return accept();
        wanted += (i == 0 ? "" : " or ") + std::string(each);
    }
    return refuse(key, "must be of type " + wanted);
}

bool is_empty(JsonView value)
{
    if (value.is_object() || value.is_array()) return value.size() == 0;
    if (auto const text = value.string()) return text->empty();
    return false;
}

Admission<void> check_number(JsonView schema, std::int64_t value, std::string const& key)
{
    auto const least = schema["minimum"].integer();
    auto const most = schema["maximum"].integer();
    if ((least && value < *least) || (most && value > *most)) {
        std::string range = "must lie between " + std::to_string(least.value_or(0)) + " and " + (most ? std::to_string(*most) : "any");
        auto const why = schema["x-why"].string();
        return refuse(key, why ? range + ": " + std::string(*why) : range);
    }
    return accept();
}

bool matches(std::string_view pattern, std::string_view text)
{
    regex_t compiled{};
    if (::regcomp(&compiled, std::string(pattern).c_str(), REG_EXTENDED | REG_NOSUB) != 0) return false;
    bool const good = ::regexec(&compiled, std::string(text).c_str(), 0, nullptr, 0) == 0;
    ::regfree(&compiled);
    return good;
}

Admission<void> check_text(JsonView schema, std::string_view value, std::string const& key)
{
    auto const least = schema["minLength"].integer().value_or(0);
    auto const most = schema["maxLength"].integer().value_or(4096);
    if (std::cmp_less(value.size(), least)) return refuse(key, "must not be empty");
    if (std::cmp_greater(value.size(), most)) return refuse(key, "must not be longer than " + std::to_string(most) + " bytes");
    if (auto const pattern = schema["pattern"].string(); pattern && !matches(*pattern, value))
        return refuse(key, "must match " + std::string(*pattern));
    return accept();
}

Admission<void> check_choice(JsonView schema, JsonView value, std::string const& key)
{
    if (JsonView const only = schema["const"]; only && only.print() != value.print()) return refuse(key, "must be " + only.print());
    JsonView const choices = schema["enum"];
    if (!choices) return accept();
    std::string known;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (choices.at(i).print() == value.print()) return accept();
        known += (i == 0 ? "" : ", ") + choices.at(i).print();
    }
    return refuse(key, "must be one of " + known);
}

Admission<void> check_object(JsonView schema, JsonView value, std::string const& key)
{
    JsonView const properties = schema["properties"];
    JsonView const others = schema["additionalProperties"];  // false, or what every other member must be
    JsonView const required = schema["required"];
    for (std::size_t i = 0; i < required.size(); ++i) {
        auto const name = required.at(i).string().value_or("");
        if (!value[name]) return refuse(below(key, name), "is missing");
    }
    Admission<void> verdict;
    std::set<std::string_view> seen;
    value.each([&](std::string_view name, JsonView member) {
        if (!verdict) return;
        // Two readers could each believe another one of the two (T-15).
        if (!seen.insert(name).second) {
            verdict = refuse(below(key, name), "is there twice");
            return;
        }
        JsonView const known = properties[name];
        JsonView const schema_of_member = known ? known : others;
        verdict = schema_of_member.is_object() ? check(schema_of_member, member, below(key, name))
                                               : Admission<void>(refuse(below(key, name), "is not a key of this format"));
    });
    return verdict;
}

Admission<void> check_array(JsonView schema, JsonView value, std::string const& key)
{
    auto const most = schema["maxItems"].integer().value_or(0);
    if (std::cmp_greater(value.size(), most)) return refuse(key, "must not have more than " + std::to_string(most) + " entries");
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (auto verdict = check(schema["items"], value.at(i), key + "[" + std::to_string(i) + "]"); !verdict) return verdict;
    }
    return accept();
}

}  // namespace

Admission<void> check(JsonView schema, JsonView value, std::string const& key)
{
    if (auto const not_yet = schema["x-not-yet"].string())
        return is_empty(value) ? accept() : refuse(key, "has no effect in this version, so it must be empty: " + std::string(*not_yet));
    if (auto verdict = check_type(schema["type"], value, key); !verdict) return verdict;
    if (auto verdict = check_choice(schema, value, key); !verdict) return verdict;
    if (value.is_object()) return check_object(schema, value, key);
    // `{}` in the place of a list means its default.
    if (value.is_array()) return check_array(schema, value, key);
    if (auto const number = value.integer()) return check_number(schema, *number, key);
    if (auto const text = value.string()) return check_text(schema, *text, key);
    return accept();
}

Admission<Json> parse_strict(std::string_view text)
{
    auto document =
        Json::parse(text, {.bytes_max = kManifestBytesMax, .depth_max = kManifestDepthMax, .duplicate_keys = wire::DuplicateKeys::keep});
    if (!document) return refuse("", document.error());
    auto const schema = Json::parse(schema_text());
    OCU_ASSERT(schema.has_value());
    if (auto verdict = check(schema->view(), document->view(), ""); !verdict) return std::unexpected(verdict.error());
    return std::move(*document);
}

}  // namespace ocu::manifest
