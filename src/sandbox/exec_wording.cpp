// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/exec_wording.h"

#include <algorithm>

namespace ocu::sandbox {

namespace {

// Where the last simple command begins. Follows quotes and escapes; what it does not understand (here-documents, nested
// substitutions) may mislead it, and the cost is a missing sentence.
std::string_view last_simple_command(std::string_view command)
{
    std::size_t start = 0;
    std::size_t start_before = 0;
    char quote = '\0';
    for (std::size_t i = 0; i < command.size(); ++i) {
        char const c = command[i];
        if (c == '\\' && quote != '\'') {
            ++i;
        } else if (quote != '\0') {
            if (c == quote) quote = '\0';
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '&' && ((i > 0 && command[i - 1] == '>') || (i + 1 < command.size() && command[i + 1] == '>'))) {
            continue;  // a redirection: 2>&1, &>file
        } else if (std::string_view("|;&\n(").find(c) != std::string_view::npos) {
            if (command.substr(start, i - start).find_first_not_of(" \t\n|;&(") != std::string_view::npos) start_before = start;
            start = i + 1;
        }
    }
    bool const blank = command.substr(start).find_first_not_of(" \t\n") == std::string_view::npos;
    return command.substr(blank ? start_before : start);
}

bool is_assignment(std::string_view word)
{
    auto const equals = word.find('=');
    return equals != std::string_view::npos && equals > 0 && word.substr(0, equals).find_first_of("'\"$/") == std::string_view::npos;
}

std::string_view exit_one_means(std::string_view program)
{
    if (program == "grep" || program == "egrep" || program == "fgrep" || program == "rg") return "No matches found";
    if (program == "find") return "Some directories were inaccessible";
    if (program == "diff") return "Files differ";
    if (program == "test" || program == "[" || program == "[[") return "Condition is false";
    return {};
}

std::string exit_text(std::string_view command, std::int32_t status)
{
    auto const meaning = status == 1 ? exit_one_means(last_program(command)) : std::string_view{};
    if (!meaning.empty()) return "[" + std::string(meaning) + " (exit code 1)]";
    return "[Exit code: " + std::to_string(status) + "]";
}

std::string seconds_text(std::chrono::milliseconds time)
{
    auto const tenths = time.count() / 100;
    std::string text = std::to_string(tenths / 10);
    if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
    return text;
}

}  // namespace

std::string_view last_program(std::string_view command)
{
    auto rest = last_simple_command(command);
    for (;;) {
        auto const begin = rest.find_first_not_of(" \t\n");
        if (begin == std::string_view::npos) return {};
        rest.remove_prefix(begin);
        auto const word = rest.substr(0, rest.find_first_of(" \t\n);|&"));
        if (word.empty()) return {};
        if (!is_assignment(word) && word != "!" && word != "{" && word != "then" && word != "else" && word != "do") {
            auto const slash = word.rfind('/');
            return slash == std::string_view::npos ? word : word.substr(slash + 1);
        }
        rest.remove_prefix(word.size());
    }
}

std::string answer_text(std::string output, std::string_view command, std::int32_t exit_status, std::chrono::milliseconds timed_out_after)
{
    std::string end;
    if (timed_out_after.count() > 0) {
        end = "[Timed out after " + seconds_text(timed_out_after) + " s: the command and its process group were killed]";
    } else if (exit_status != 0) {
        end = exit_text(command, exit_status);
    }
    if (output.empty()) return end.empty() ? "[No output]" : end;
    if (end.empty()) return output;
    if (output.back() != '\n') output += '\n';
    return output + end;
}

}  // namespace ocu::sandbox
