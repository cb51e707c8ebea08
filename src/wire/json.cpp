// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/json.h"

#include <cjson/cJSON.h>

#include <cmath>
#include <set>
#include <utility>

#include "base/assert.h"

namespace ocu::wire {

namespace {

constexpr double kExactIntegerMax = 9007199254740992.0;  // 2^53
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// Length of the UTF-8 sequence at the start of `bytes` (RFC 3629), or 0 where there is none.
std::size_t sequence_length(std::string_view bytes)
{
    auto const at = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
    auto const continues = [&](std::size_t i) { return (at(i) & 0xc0u) == 0x80u; };
    unsigned const lead = at(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (lead == 0xe0 && at(1) < 0xa0) return 0;
        if (lead == 0xed && at(1) > 0x9f) return 0;  // surrogates
        return continues(1) && continues(2) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (lead == 0xf0 && at(1) < 0x90) return 0;
        if (lead == 0xf4 && at(1) > 0x8f) return 0;
        return continues(1) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

// Depth and escapes are checked on the text, before cJSON takes memory for it.
Result<void> check_text(std::string_view text, JsonLimits limits)
{
    if (text.size() > limits.bytes_max) return fail(Fault::over_limit, "JSON text too large");
    if (!is_utf8(text)) return fail(Fault::malformed, "JSON text is not UTF-8");
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '\0') return fail(Fault::malformed, "NUL in JSON text");
        if (in_string) {
            if (static_cast<unsigned char>(c) < 0x20) return fail(Fault::malformed, "control character in JSON string");
            if (c == '"') in_string = false;
            if (c != '\\') continue;
            // A NUL would silently cut the string short behind this wall.
            if (text.substr(i).starts_with("\\u0000")) return fail(Fault::malformed, "NUL in JSON string");
            ++i;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '{' || c == '[') {
            if (++depth > limits.depth_max) return fail(Fault::over_limit, "JSON nested too deeply");
        }
        if ((c == '}' || c == ']') && depth > 0) --depth;
    }
    return {};
}

bool has_duplicate_key(cJSON const* node)
{
    std::set<std::string_view> keys;
    for (cJSON const* child = node->child; child != nullptr; child = child->next) {
        if (cJSON_IsObject(node) && !keys.insert(child->string).second) return true;
        if (child->child != nullptr && has_duplicate_key(child)) return true;
    }
    return false;
}

std::string printed(char* text)
{
    OCU_ASSERT(text != nullptr);
    std::string out(text);
    cJSON_free(text);
    return out;
}

}  // namespace

bool is_utf8(std::string_view bytes)
{
    while (!bytes.empty()) {
        auto const length = sequence_length(bytes);
        if (length == 0) return false;
        bytes.remove_prefix(length);
    }
    return true;
}

std::string to_utf8(std::string_view bytes)
{
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        auto const length = bytes.front() == '\0' ? 0 : sequence_length(bytes);
        out.append(length == 0 ? kReplacement : bytes.substr(0, length));
        bytes.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

bool JsonView::is_object() const { return cJSON_IsObject(node_) != 0; }
bool JsonView::is_array() const { return cJSON_IsArray(node_) != 0; }
bool JsonView::is_string() const { return cJSON_IsString(node_) != 0; }
bool JsonView::is_number() const { return cJSON_IsNumber(node_) != 0; }
bool JsonView::is_bool() const { return cJSON_IsBool(node_) != 0; }
bool JsonView::is_null() const { return cJSON_IsNull(node_) != 0; }

JsonView JsonView::operator[](std::string_view key) const
{
    if (!is_object()) return {};
    for (cJSON const* child = node_->child; child != nullptr; child = child->next) {
        if (child->string == key) return JsonView(child);
    }
    return {};
}

JsonView JsonView::at(std::size_t index) const
{
    if (!is_array()) return {};
    cJSON const* child = node_->child;
    for (; child != nullptr && index > 0; --index) child = child->next;
    return JsonView(child);
}

std::size_t JsonView::size() const
{
    if (!is_object() && !is_array()) return 0;
    std::size_t count = 0;
    for (cJSON const* child = node_->child; child != nullptr; child = child->next) ++count;
    return count;
}

void JsonView::each(std::function<void(std::string_view key, JsonView value)> const& visit) const
{
    if (!is_object() && !is_array()) return;
    for (cJSON const* child = node_->child; child != nullptr; child = child->next)
        visit(child->string != nullptr ? std::string_view(child->string) : std::string_view(), JsonView(child));
}

std::optional<std::string_view> JsonView::string() const
{
    if (!is_string()) return std::nullopt;
    return node_->valuestring;
}

std::optional<double> JsonView::number() const
{
    if (!is_number()) return std::nullopt;
    return node_->valuedouble;
}

std::optional<std::int64_t> JsonView::integer() const
{
    if (!is_number()) return std::nullopt;
    double const value = node_->valuedouble;
    if (!(std::abs(value) <= kExactIntegerMax) || std::trunc(value) != value) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

std::optional<bool> JsonView::boolean() const
{
    if (!is_bool()) return std::nullopt;
    return cJSON_IsTrue(node_) != 0;
}

std::string JsonView::print() const { return node_ == nullptr ? std::string() : printed(cJSON_PrintUnformatted(node_)); }

Result<Json> Json::parse(std::string_view text, JsonLimits limits)
{
    OCU_CHECK(check_text(text, limits));
    char const* end = nullptr;
    // require_null_terminated stays off: the view has no terminator; what follows the value is checked here instead.
    Json document(cJSON_ParseWithLengthOpts(text.data(), text.size(), &end, 0));
    if (document.node_ == nullptr) return fail(Fault::malformed, "not JSON");
    auto const rest = text.substr(static_cast<std::size_t>(end - text.data()));
    if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos) return fail(Fault::malformed, "text after the JSON value");
    if (limits.duplicate_keys == DuplicateKeys::refuse && has_duplicate_key(document.node_))
        return fail(Fault::malformed, "duplicate key in JSON object");
    return document;
}

Json Json::object() { return Json(cJSON_CreateObject()); }
Json Json::array() { return Json(cJSON_CreateArray()); }
Json Json::string(std::string_view value) { return Json(cJSON_CreateString(to_utf8(value).c_str())); }
Json Json::number(double value) { return Json(cJSON_CreateNumber(value)); }
Json Json::integer(std::int64_t value) { return Json(cJSON_CreateNumber(static_cast<double>(value))); }
Json Json::boolean(bool value) { return Json(cJSON_CreateBool(value ? 1 : 0)); }
Json Json::null() { return Json(cJSON_CreateNull()); }
Json Json::copy_of(JsonView view) { return view ? Json(cJSON_Duplicate(view.node(), 1)) : null(); }

Json::Json(Json&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}

Json& Json::operator=(Json&& other) noexcept
{
    if (this == &other) return *this;
    cJSON_Delete(node_);
    node_ = std::exchange(other.node_, nullptr);
    return *this;
}

Json::~Json() { cJSON_Delete(node_); }

Json& Json::set(std::string_view key, Json value) &
{
    cJSON_AddItemToObject(node_, std::string(key).c_str(), std::exchange(value.node_, nullptr));
    return *this;
}

Json& Json::set(std::string_view key, std::string_view value) & { return set(key, string(value)); }
Json& Json::set(std::string_view key, std::int64_t value) & { return set(key, integer(value)); }
Json& Json::set(std::string_view key, std::uint64_t value) & { return set(key, number(static_cast<double>(value))); }
Json& Json::set(std::string_view key, bool value) & { return set(key, boolean(value)); }

Json& Json::push(Json value) &
{
    cJSON_AddItemToArray(node_, std::exchange(value.node_, nullptr));
    return *this;
}

std::string Json::print_pretty() const { return printed(cJSON_Print(node_)); }

}  // namespace ocu::wire
