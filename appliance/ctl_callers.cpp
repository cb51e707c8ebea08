// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/ctl_callers.h"

#include <charconv>
#include <format>

namespace ocu::appliance {

using wire::Json;
using wire::JsonView;

namespace {

std::optional<std::int64_t> number(std::string_view text)
{
    std::int64_t out = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

std::string or_dash(JsonView text) { return text.string() ? shown(text.string()) : "-"; }

std::string render_list(JsonView answer)
{
    std::vector<std::vector<std::string>> rows{{"NAME", "ORIGIN", "STATE", "KEY", "SESSIONS", "SEEN", "EXPIRES", "BY"}};
    JsonView const list = answer["callers"];
    for (std::size_t i = 0; i < list.size(); ++i) {
        JsonView const each = list.at(i);
        auto state = shown(each["state"].string());
        if (each["old_key_until"].string()) state += ", two keys";
        rows.push_back({shown(each["name"].string()), shown(each["origin"].string()), std::move(state), shown(each["key_id"].string()),
            std::to_string(each["sessions"].integer().value_or(0)), or_dash(each["seen"]), or_dash(each["expires"]),
            or_dash(each["revoked_by"].string() ? each["revoked_by"] : each["made_by"])});
    }
    std::string out = rows.size() == 1 ? "no callers\n" : table(rows);
    if (answer["more"].boolean().value_or(false)) out += "there are more, declared in the manifest\n";
    if (answer["state"].string() == "damaged") out += "DAMAGED: nobody is let in; `callers reset` begins with an empty file\n";
    return out;
}

}  // namespace

// What the words mean is read by the operator API alone; here they only become JSON.
std::expected<CtlRequest, std::string> callers_request(
    CtlRequest request, std::vector<std::string_view> const& words, CallersOptions const& options)
{
    std::string_view const verb = words.size() > 1 ? words[1] : "";
    bool const named = verb == "add" || verb == "rotate" || verb == "revoke";
    if ((!named && verb != "list" && verb != "reset") || words.size() != (named ? 3 : 2))
        return std::unexpected("callers is followed by list or reset, or by add, rotate or revoke and a name");
    if ((!options.expires.empty() && verb != "add") || (!options.overlap.empty() && verb != "rotate"))
        return std::unexpected("only callers add takes --expires, and only callers rotate --overlap");
    request.command = "callers " + std::string(verb);
    request.path = verb == "list" ? "/v1/callers" : "/v1/callers/" + std::string(verb);
    request.post = verb != "list";
    if (!named) return request;
    Json body = Json::object();
    body.set("name", words[2]);
    for (auto const& [option, key] : {std::pair{options.expires, "expires_days"}, std::pair{options.overlap, "overlap_s"}}) {
        if (option.empty()) continue;
        auto const value = number(option);
        if (!value) return std::unexpected(std::string(key == std::string_view("overlap_s") ? "--overlap" : "--expires") + " needs a whole number");
        body.set(key, *value);
    }
    request.body = body.print();
    return request;
}

std::string render_callers(std::string_view command, JsonView answer)
{
    if (command == "callers list") return render_list(answer);
    if (command == "callers reset") return "begun with an empty file: the manifest's callers are let in, and none that was made here\n";
    if (command == "callers revoke") {
        auto const pending = answer["pending"].integer().value_or(0);
        return std::format("revoked; {} of its sessions ended{}\n", answer["killed"].integer().value_or(0),
            pending > 0 ? std::format(", {} severed but not yet confirmed dead", pending) : "");
    }
    return std::format("its key, shown this once ({}):\n{}\n", shown(answer["key_id"].string()), shown(answer["key"].string()));
}

std::string render_callers_state(JsonView state)
{
    if (!state) return {};
    if (state["state"].string() == "damaged") return "callers: the file is DAMAGED, so nobody is let in; `ctl callers reset` begins with an empty one\n";
    return std::format("callers {} declared, {} made here, {} revoked\n", state["declared"].integer().value_or(0),
        state["added"].integer().value_or(0), state["revoked"].integer().value_or(0));
}

}  // namespace ocu::appliance
