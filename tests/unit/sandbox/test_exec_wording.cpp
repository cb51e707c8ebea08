// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/exec_wording. Checks the words for how a command ended.

#include "sandbox/exec_wording.h"

namespace test_exec_wording {

using namespace ocu::sandbox;
using namespace std::chrono_literals;

TEST_CASE("exec_wording: given no output, when said, then there is a sentence", "[sandbox][SX-8]")
{
    CHECK(answer_text("", "true", 0, 0ms) == "[No output]");
    CHECK(answer_text("", "exit 3", 3, 0ms) == "[Exit code: 3]");
}

TEST_CASE("exec_wording: given output, when said, then only a failure adds to it", "[sandbox][SX-8]")
{
    CHECK(answer_text("a\n", "echo a", 0, 0ms) == "a\n");
    CHECK(answer_text("a", "x", 2, 0ms) == "a\n[Exit code: 2]");
}

TEST_CASE("exec_wording: given a program whose exit 1 has a meaning, when said, then in words", "[sandbox][SX-8]")
{
    CHECK(answer_text("", "grep x f", 1, 0ms) == "[No matches found (exit code 1)]");
    CHECK(answer_text("", "cat f | rg x", 1, 0ms) == "[No matches found (exit code 1)]");
    CHECK(answer_text("d\n", "cd /tmp && find .", 1, 0ms) == "d\n[Some directories were inaccessible (exit code 1)]");
    CHECK(answer_text("d\n", "diff a b", 1, 0ms) == "d\n[Files differ (exit code 1)]");
    CHECK(answer_text("", "[ -e x ]", 1, 0ms) == "[Condition is false (exit code 1)]");
    CHECK(answer_text("", "test -e x", 1, 0ms) == "[Condition is false (exit code 1)]");
    CHECK(answer_text("", "grep x f", 2, 0ms) == "[Exit code: 2]");
    CHECK(answer_text("", "false", 1, 0ms) == "[Exit code: 1]");
}

TEST_CASE("exec_wording: given a timeout, when said, then it names the time and the kill", "[sandbox][SX-8]")
{
    CHECK(answer_text("a", "sleep 9", 137, 1'500ms) == "a\n[Timed out after 1.5 s: the command and its process group were killed]");
    CHECK(answer_text("", "sleep 9", 137, 120s) == "[Timed out after 120 s: the command and its process group were killed]");
}

TEST_CASE("exec_wording: given a shell command, when looked at, then the last program is found", "[sandbox][SX-8]")
{
    CHECK(last_program("grep x f") == "grep");
    CHECK(last_program("  /usr/bin/grep x") == "grep");
    CHECK(last_program("LC_ALL=C A=1 grep x") == "grep");
    CHECK(last_program("! grep x") == "grep");
    CHECK(last_program("a; b && c || d | e") == "e");
    CHECK(last_program("a 2>&1") == "a");
    CHECK(last_program("a &> f") == "a");
    CHECK(last_program("a\nb\n\n") == "b");
    CHECK(last_program("a 'x; y' \"z | w\"") == "a");
    CHECK(last_program("grep 'a\\' f; ls") == "ls");
    CHECK(last_program("a \\; b") == "a");
    CHECK(last_program("(grep x f)") == "grep");
    CHECK(last_program("").empty());
    CHECK(last_program("  \n;;").empty());
    CHECK(last_program("'").size() <= 1);
}

}  // namespace test_exec_wording
