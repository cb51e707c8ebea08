// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/ctl.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <format>
#include <map>
#include <vector>

#include "appliance/client/client.h"
#include "appliance/commands.h"
#include "appliance/ctl_callers.h"

namespace ocu::appliance {

namespace {

using wire::Json;
using wire::JsonView;

enum Exit : int { done = 0, refused = 1, usage = 2 };

constexpr char kUsage[] =
    "usage: ocu-appliance ctl [--socket S] [--json] COMMAND\n"
    "  status        what runs here, and whether it is well\n"
    "  sessions      every session: whose, how old, in which state\n"
    "  leases        every credential that is lent now: to which session, for which destination, how much longer, and who was asked for "
    "it\n"
    "  egress test URL [--session ID] [--method M]\n"
    "                what would happen to a connection from a sandbox, step by step, and which rule would be needed; 0: allowed, 1: "
    "denied\n"
    "  policy explain --caller NAME --tool TOOL [--arguments JSON]\n"
    "                what mcp.policy says to such a call, and which rule would be needed; 0: allowed, 1: denied. Nothing is called\n"
    "  files list ID [--after PATH]\n"
    "                the files of a session, and which of them may not leave it, and why\n"
    "  files withhold ID PATH\n"
    "                this file may not leave its session, whatever becomes of it; nor may a copy\n"
    "  files release ID PATH\n"
    "                this file may leave, whatever a rule or a label says\n"
    "  kill ID       end one session at once; its caller's next call gets a new one\n"
    "  kill-all      end every session at once\n"
    "  freeze        make no new session until `thaw`; those that run go on\n"
    "  thaw          undo freeze\n"
    "  shutdown      end the appliance in order\n";

struct Command {
    std::string_view name;
    std::string_view path;
    bool post;
};

constexpr std::array kCommands{
    Command{"status", "/v1/status", false},
    Command{"sessions", "/v1/sessions", false},
    Command{"leases", "/v1/leases", false},
    Command{"kill-all", "/v1/kill-all", true},
    Command{"freeze", "/v1/freeze", true},
    Command{"thaw", "/v1/thaw", true},
    Command{"shutdown", "/v1/shutdown", true},
};

std::string age(std::int64_t seconds)
{
    if (seconds < 60) return std::format("{}s", seconds);
    if (seconds < 3600) return std::format("{}m{:02}s", seconds / 60, seconds % 60);
    return std::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

std::string retention_line(JsonView retention)
{
    auto out = std::format("record kept {} days, {} records removed by age", retention["days"].integer().value_or(0), retention["removed"].integer().value_or(0));
    auto const hold = retention["hold"].string();
    if (hold == "clock") out += "; older ones stay: nobody has checked the clock";
    if (hold == "sink") out += "; older ones stay until every sink has them";
    if (hold == "damaged") out += "; older ones stay: they do not verify";
    if (hold == "signature") out += "; older ones stay: custody does not sign";
    if (hold == "cold") out += "; older ones stay until the cold tier has them";
    return out + "\n";
}

std::string cold_line(JsonView cold)
{
    auto const state = cold["state"].string();
    auto out = std::format("audit cold tier ({}): {}, {} segments confirmed, {} records behind", shown(cold["place"].string()), shown(state),
        cold["segments"].integer().value_or(0), cold["lag_records"].integer().value_or(0));
    if (auto const due = cold["due_segments"].integer().value_or(0); due != 0)
        out += std::format(", {} segment(s) due since {}", due, age(cold["due_s"].integer().value_or(0)));
    if (auto const why = cold["why"].string()) out += std::format(", {}", shown(why));
    if (auto const status = cold["http_status"].integer()) out += std::format(", HTTP {}", *status);
    return out + (state == "refused" ? ": ALARM, it does not hold what it is given\n" : "\n");
}

std::string sink_line(JsonView sink)
{
    auto out = std::format("audit sink {} ({}, {}): {}, {} delivered, {} behind, {} s late", shown(sink["name"].string()), shown(sink["kind"].string()),
        shown(sink["place"].string()), shown(sink["state"].string()), sink["position"].integer().value_or(0),
        sink["lag_records"].integer().value_or(0), sink["lag_s"].integer().value_or(0));
    if (auto const why = sink["why"].string()) out += std::format(", {}", shown(why));
    if (auto const status = sink["http_status"].integer()) out += std::format(", HTTP {}", *status);
    return out + "\n";
}

std::string witness_line(JsonView witness)
{
    auto out = std::format("witness {} ({}): {}, {} records witnessed, {} more since", shown(witness["name"].string()), shown(witness["place"].string()),
        shown(witness["state"].string()), witness["witnessed_records"].integer().value_or(0), witness["lag_records"].integer().value_or(0));
    if (auto const heads = witness["owed_heads"].integer().value_or(0); heads != 0)
        out += std::format(", {} head(s) owed since {}", heads, age(witness["owed_s"].integer().value_or(0)));
    if (auto const why = witness["why"].string()) out += std::format(", {}", shown(why));
    if (auto const status = witness["http_status"].integer()) out += std::format(", HTTP {}", *status);
    return out + "\n";
}

std::string render_status(JsonView status)
{
    std::string out = std::format("{} {}: {}{}\n", shown(status["name"].string()), shown(status["version"].string()),
        shown(status["status"].string()), status["frozen"].boolean().value_or(false) ? ", FROZEN (no new sessions)" : "");
    out += std::format("profile {}, tier {}, up {}\n", shown(status["profile"].string()), shown(status["tier"].string()),
        age(status["uptime_s"].integer().value_or(0)));
    out += std::format("sessions {}", status["sessions"].integer().value_or(0));
    if (auto const pool = status["warm_pool"])
        out += std::format(", {} of {} more kept ready", pool["ready"].integer().value_or(0), pool["wanted"].integer().value_or(0));
    out += "\n";
    out += std::format("mcp {}\n", shown(status["mcp"].string()));
    if (auto const fingerprint = status["certificate_sha256"].string()) out += std::format("certificate SHA-256 {}\n", shown(fingerprint));
    if (auto const webhook = status["webhook"])
        out += std::format("webhook {}: {} waiting, {} lost since the start\n", shown(webhook["state"].string()),
            webhook["waiting"].integer().value_or(0), webhook["lost"].integer().value_or(0));
    if (auto const state = status["storage"]["state"])
        out += std::format("storage {}: {}, {} connections\n", shown(status["storage"]["engine"].string()), shown(state.string()),
            status["storage"]["connections"].integer().value_or(0));
    if (auto const disk = status["audit_disk"]; disk && disk["state"].string() != "unknown")
        out += std::format("audit disk {} % used, {} MiB free{}\n", disk["used_percent"].integer().value_or(0),
            disk["free_bytes"].integer().value_or(0) >> 20,
            disk["state"].string() == "filling" ? std::format(": FILLING, the watermark is {} %", disk["watermark_percent"].integer().value_or(0))
                                                : std::string());
    if (auto const retention = status["audit_retention"]) out += retention_line(retention);
    if (auto const cold = status["audit_cold"]) out += cold_line(cold);
    auto const sinks = status["audit_sinks"];
    for (std::size_t i = 0; i < sinks.size(); ++i) out += sink_line(sinks.at(i));
    auto const witnesses = status["audit_witnesses"];
    for (std::size_t i = 0; i < witnesses.size(); ++i) out += witness_line(witnesses.at(i));
    out += render_callers_state(status["callers"]);
    out += std::format("manifest serial {}, sha256 {}\n", status["manifest"]["serial"].integer().value_or(0),
        shown(status["manifest"]["digest"].string()));
    std::vector<std::vector<std::string>> rows{{"HELPER", "STATE"}};
    status["helpers"].each([&](std::string_view name, JsonView state) { rows.push_back({shown(name), shown(state.string())}); });
    return out + table(rows);
}

std::string render_sessions(JsonView sessions)
{
    std::vector<std::vector<std::string>> rows{{"ID", "CALLER", "CHAT", "TIER", "STATE", "AGE", "SLOT"}};
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        JsonView const each = sessions.at(i);
        rows.push_back({shown(each["id"].string()), shown(each["caller"].string()), shown(each["chat"].string()),
            shown(each["tier"].string()), shown(each["state"].string()), age(each["age_s"].integer().value_or(0)),
            std::to_string(each["slot"].integer().value_or(0))});
    }
    return rows.size() == 1 ? "no sessions\n" : table(rows);
}

std::string render_leases(JsonView leases)
{
    std::vector<std::vector<std::string>> rows{{"SESSION", "CREDENTIAL", "SOURCE", "DESTINATION", "LEFT"}};
    for (std::size_t i = 0; i < leases.size(); ++i) {
        JsonView const each = leases.at(i);
        rows.push_back({shown(each["session"].string()), shown(each["credential"].string()), shown(each["source"].string()),
            shown(each["destination"].string()), age(each["left_s"].integer().value_or(0))});
    }
    return rows.size() == 1 ? "nothing is lent\n" : table(rows);
}

std::string render_files(JsonView answer)
{
    std::vector<std::vector<std::string>> rows{{"PATH", "BYTES", "STANDING", "BY"}};
    JsonView const files = answer["files"];
    for (std::size_t i = 0; i < files.size(); ++i) {
        JsonView const each = files.at(i);
        rows.push_back({shown(each["path"].string()), std::to_string(each["size"].integer().value_or(0)), shown(each["standing"].string()),
            shown(each["by"].string().value_or(""))});
    }
    if (rows.size() == 1) return "no files\n";
    bool const more = answer["more"].boolean().value_or(false);
    return table(rows) + (more ? "there are more: --after " + rows.back().front() + "\n" : "");
}

// The verdict last: that is what is still on the screen.
std::string render_explained(JsonView answer, std::string_view section)
{
    std::string out;
    JsonView const steps = answer["steps"];
    for (std::size_t i = 0; i < steps.size(); ++i) {
        JsonView const step = steps.at(i);
        out += std::format("{:<4} {:<12} {}\n", step["good"].boolean().value_or(false) ? "ok" : "NO", shown(step["topic"].string()),
            shown(step["words"].string()));
    }
    auto const rule = answer["rule"].string();
    if (answer["verdict"].string() == "allowed") return out + (rule && !rule->empty() ? std::format("ALLOWED by rule {}\n", shown(rule)) : "ALLOWED\n");
    out += std::format("DENIED ({})\n", shown(answer["reason"].string()));
    if (JsonView const needed = answer["needed"])
        out += std::format("What {} of the manifest would need, as a rule or within one:\n  {}\n", section, shown(needed.print()));
    return out;
}

int say(CtlRequest const& request, std::string_view code, std::string_view message, std::string_view trace)
{
    if (request.json) {
        Json error = Json::object();
        error.set("code", code).set("message", message).set("trace", trace);
        Json line = Json::object();
        line.set("error", std::move(error));
        std::fprintf(stderr, "%s\n", line.print().c_str());
    } else {
        std::fprintf(stderr, "ctl: %s: %s%s%s%s\n", shown(code).c_str(), shown(message).c_str(), trace.empty() ? "" : " (trace ",
            shown(trace).c_str(), trace.empty() ? "" : ")");
    }
    return Exit::refused;
}

int say_answer(CtlRequest const& request, client::Answer const& answer)
{
    auto const document = Json::parse(answer.body, {.bytes_max = 4u << 20, .depth_max = 8});
    if (!document) return say(request, "bad_answer", "the answer is not JSON", "");
    JsonView const body = document->view();
    constexpr long kOk = 200;
    if (answer.status != kOk) {
        JsonView const error = body["error"];
        return say(request, error["code"].string().value_or("error"), error["message"].string().value_or("the request failed"),
            error["trace"].string().value_or(""));
    }
    std::string const text = request.json ? body.print() + "\n" : render_for_people(request.command, body);
    std::fputs(text.c_str(), stdout);
    return exit_code_of(body);
}

}  // namespace

std::string shown(std::optional<std::string_view> text)
{
    std::string out(text.value_or("?"));
    std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return out;
}

std::string table(std::vector<std::vector<std::string>> const& rows)
{
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (auto const& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    std::string out;
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) line += std::format("{:<{}}  ", row[i], widths[i]);
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

int exit_code_of(JsonView answer)
{
    if (answer["verdict"].string().value_or("allowed") != "allowed") return Exit::refused;
    // Severed, but not confirmed dead in time: the operator must look again, and a script must notice.
    return answer["pending"].integer().value_or(0) > 0 ? Exit::refused : Exit::done;
}

namespace {

// `egress test URL`: what the words mean is read by the operator API alone; here they only become JSON.
std::expected<CtlRequest, std::string> egress_request(
    CtlRequest request, std::vector<std::string_view> const& words, std::string_view session, std::string_view method)
{
    if (words.size() != 3 || words[1] != "test") return std::unexpected("egress is followed by test and one URL");
    Json body = Json::object();
    body.set("url", words[2]);
    if (!session.empty()) body.set("session", session);
    if (!method.empty()) body.set("method", method);
    request.command = "egress test";
    request.path = "/v1/egress/test";
    request.post = true;
    request.body = body.print();
    return request;
}

struct PolicyWords {
    std::string_view caller, tool, arguments;

    bool any() const { return !caller.empty() || !tool.empty() || !arguments.empty(); }
};

// `policy explain`: likewise; --arguments is what a client would send.
std::expected<CtlRequest, std::string> policy_request(
    CtlRequest request, std::vector<std::string_view> const& words, PolicyWords const& asked)
{
    if (words.size() != 2 || words[1] != "explain" || asked.caller.empty() || asked.tool.empty())
        return std::unexpected("policy is followed by explain, --caller NAME and --tool TOOL");
    Json body = Json::object();
    body.set("caller", asked.caller).set("tool", asked.tool);
    if (!asked.arguments.empty()) {
        auto arguments = Json::parse(asked.arguments, {.bytes_max = 8192, .depth_max = 8});
        if (!arguments) return std::unexpected("--arguments is not JSON");
        body.set("arguments", *std::move(arguments));
    }
    request.command = "policy explain";
    request.path = "/v1/policy/explain";
    request.post = true;
    request.body = body.print();
    return request;
}

// `files VERB ID [PATH]`: likewise.
std::expected<CtlRequest, std::string> files_request(CtlRequest request, std::vector<std::string_view> const& words, std::string_view after)
{
    bool const lists = words.size() == 3 && words[1] == "list";
    bool const decides = words.size() == 4 && (words[1] == "withhold" || words[1] == "release");
    if (!lists && !decides) return std::unexpected("files is followed by list and a session, or by withhold or release, a session and a path");
    if (!lists && !after.empty()) return std::unexpected("only files list takes --after");
    Json body = Json::object();
    body.set("session", words[2]);
    if (decides) body.set("path", words[3]);
    if (!after.empty()) body.set("after", after);
    request.command = "files " + std::string(words[1]);
    request.path = "/v1/files/" + std::string(words[1]);
    request.post = true;
    request.body = body.print();
    return request;
}

}  // namespace

std::expected<CtlRequest, std::string> parse_ctl(std::span<char const* const> arguments)
{
    CtlRequest request;
    std::vector<std::string_view> words;
    std::string_view session, method, after;
    PolicyWords policy;
    CallersOptions callers;
    std::map<std::string_view, std::string_view*> const options{{"--session", &session}, {"--method", &method}, {"--after", &after},
        {"--caller", &policy.caller}, {"--tool", &policy.tool}, {"--arguments", &policy.arguments},
        {"--expires", &callers.expires}, {"--overlap", &callers.overlap}};
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string_view const word = arguments[i];
        if (word == "--json") {
            request.json = true;
        } else if (word == "--help") {
            request.help = true;
            return request;
        } else if (word == "--socket") {
            if (++i == arguments.size()) return std::unexpected("--socket needs a path");
            request.socket = arguments[i];
        } else if (auto const option = options.find(word); option != options.end()) {
            if (++i == arguments.size()) return std::unexpected(std::string(word) + " needs a value");
            *option->second = arguments[i];
        } else if (word.starts_with("-")) {
            return std::unexpected("unknown option " + std::string(word));
        } else {
            words.push_back(word);
        }
    }
    if (words.empty()) return std::unexpected("a command is missing");
    request.command = words.front();
    bool const others = !session.empty() || !method.empty() || !after.empty();
    if (request.command == "callers" && !others && !policy.any()) return callers_request(std::move(request), words, callers);
    if (callers.any()) return std::unexpected(request.command + " takes neither --expires nor --overlap");
    if (request.command == "policy" && !others) return policy_request(std::move(request), words, policy);
    if (policy.any()) return std::unexpected(request.command + " takes none of --caller, --tool and --arguments");
    if (request.command == "files" && session.empty() && method.empty()) return files_request(std::move(request), words, after);
    if (!after.empty()) return std::unexpected(request.command + " takes no --after");
    if (request.command == "egress") return egress_request(std::move(request), words, session, method);
    if (!session.empty() || !method.empty()) return std::unexpected(request.command + " takes neither --session nor --method");
    if (request.command == "kill") {
        if (words.size() != 2) return std::unexpected("kill needs the id of one session");
        // Only what can be an id becomes part of a URL.
        constexpr std::string_view kIdLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
        if (words[1].find_first_not_of(kIdLetters) != std::string_view::npos)
            return std::unexpected("a session is named s- and sixteen hex digits");
        request.path = "/v1/sessions/" + std::string(words[1]) + "/kill";
        request.post = true;
        return request;
    }
    auto const known = std::ranges::find(kCommands, words.front(), &Command::name);
    if (known == kCommands.end()) return std::unexpected("unknown command " + std::string(words.front()));
    if (words.size() != 1) return std::unexpected(request.command + " takes no argument");
    request.path = known->path;
    request.post = known->post;
    return request;
}

std::string render_for_people(std::string_view command, JsonView answer)
{
    if (command == "status") return render_status(answer);
    if (command == "sessions") return render_sessions(answer["sessions"]);
    if (command == "leases") return render_leases(answer["leases"]);
    if (command == "egress test") return render_explained(answer, "egress.rules");
    if (command == "policy explain") return render_explained(answer, "mcp.policy");
    if (command.starts_with("callers ")) return render_callers(command, answer);
    if (command.starts_with("files ")) return render_files(answer);
    if (command == "kill" || command == "kill-all") {
        auto const pending = answer["pending"].integer().value_or(0);
        return std::format("killed {}{}{}\n", answer["killed"].integer().value_or(0),
            pending > 0 ? std::format(", {} severed but not yet confirmed dead", pending) : "",
            answer["recorded"].boolean().value_or(false) ? "" : " (the record of this could not be confirmed: look at audit)");
    }
    if (command == "freeze") return "frozen: no new session until `thaw`\n";
    if (command == "thaw") return "thawed\n";
    return "shutting down\n";
}

int ctl_main(int argc, char** argv)
{
    auto const request = parse_ctl(std::span<char const* const>(argv + 1, static_cast<std::size_t>(argc - 1)));
    if (!request) {
        std::fprintf(stderr, "ctl: %s\n%s%s", request.error().c_str(), kUsage, kCallersUsage);
        return Exit::usage;
    }
    if (request->help) {
        std::printf("%s%s", kUsage, kCallersUsage);
        return Exit::done;
    }
    if (auto const begun = client::begin(); !begun) return say(*request, "internal", begun.error().what.view(), "");
    client::Endpoint const endpoint{request->socket, {}};
    std::string const url = "http://appliance" + request->path;
    // A name that has to be resolved for `egress test` may take its time.
    client::Limits limits;
    limits.total = std::chrono::seconds(30);
    auto const answer = request->post ? client::http_post(endpoint, url, request->body, limits) : client::http_get(endpoint, url);
    if (!answer) return say(*request, name_of(answer.error().fault), request->socket + ": " + std::string(answer.error().what.view()), "");
    return say_answer(*request, *answer);
}

}  // namespace ocu::appliance
