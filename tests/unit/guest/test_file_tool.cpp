// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/guest/file_tool. Checks view, create_file and str_replace on real files of a directory of their own.

#include "guest/file_tool.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace test_file_tool {

using namespace ocu;
using namespace ocu::guest;
using proto::FileOutcome;

struct FileToolTest {
    FileToolTest()
    {
        char name[] = "/tmp/ocu-file-tool-XXXXXX";
        home = ::mkdtemp(name);
    }
    ~FileToolTest() { std::filesystem::remove_all(home); }

    std::string at(std::string const& name) const { return home + "/" + name; }
    void write(std::string const& name, std::string const& text) const { std::ofstream(at(name), std::ios::binary) << text; }
    std::string read(std::string const& name) const
    {
        std::ifstream in(at(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    mode_t mode(std::string const& name) const
    {
        struct stat found{};
        ::stat(at(name).c_str(), &found);
        return found.st_mode & 07777;
    }
    FileAnswer look(std::string const& name, std::int64_t first = 0, std::int64_t last = 0) const
    {
        proto::ToolArguments arguments;
        arguments.tool = proto::Tool::view;
        arguments.path = at(name);
        arguments.has_range = first != 0 || last != 0;
        arguments.range_first = first;
        arguments.range_last = last;
        return run_file_tool(arguments);
    }

    std::string home;
};

TEST_CASE_METHOD(FileToolTest, "view: given a file and a range, when viewed, then lines have their real numbers", "[guest][SX-8]")
{
    write("f", "a\nb\nc\n");
    CHECK(look("f").body == "     1\ta\n     2\tb\n     3\tc");
    CHECK(look("f", 2, -1).body == "     2\tb\n     3\tc");
    CHECK(look("f", 2, 2).body == "     2\tb");
    write("empty", "");
    CHECK(look("empty").body == "[The file is empty]");
}

TEST_CASE_METHOD(FileToolTest, "view: given a range that makes no sense, when viewed, then it is refused", "[guest][SX-8]")
{
    write("f", "a\nb\n");
    CHECK(look("f", 0, 1).outcome == FileOutcome::refused);
    CHECK(look("f", -3, 1).outcome == FileOutcome::refused);
    CHECK(look("f", 2, 1).outcome == FileOutcome::refused);
    CHECK(look("f", 1, -2).outcome == FileOutcome::refused);
    auto const beyond = look("f", 3, -1);
    CHECK(beyond.outcome == FileOutcome::refused);
    CHECK(beyond.body.find("has 2 lines") != std::string::npos);
    CHECK(look(".", 1, 2).outcome == FileOutcome::refused);
}

TEST_CASE_METHOD(FileToolTest, "view: given a large file, when viewed, then the answer is bounded and says how to go on", "[guest][T-06]")
{
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "some line\n";
    write("f", text);
    auto const answer = look("f");
    CHECK(answer.body.size() <= proto::kAnswerTextCharsMax);
    CHECK(answer.body.find("view_range [") != std::string::npos);
    CHECK(look("f", 19'999, -1).body == " 19999\tsome line\n 20000\tsome line");
}

TEST_CASE_METHOD(FileToolTest, "view: given one endless line, when viewed, then reading is bounded", "[guest][T-06]")
{
    write("f", "start");
    std::filesystem::resize_file(at("f"), 8192 + 5);
    CHECK(look("f").body.find("binary file") != std::string::npos);
    write("g", std::string(200'000, 'x'));
    auto const answer = look("g");
    CHECK(answer.body.size() <= proto::kAnswerTextCharsMax);
    CHECK(answer.body.find("This line alone is longer") != std::string::npos);
}

TEST_CASE_METHOD(FileToolTest, "view: given images and archives, when viewed, then their bytes are sent up to the bound", "[guest][SX-8]")
{
    std::string const png = std::string("\x89PNG\r\n\x1a\n") + "rest";
    write("p", png);
    CHECK(look("p").outcome == FileOutcome::png);
    CHECK(look("p").body == png);
    write("z",
        "\x1f\x8b\x08"
        "data");
    CHECK(look("z").outcome == FileOutcome::archive);
    write("p", png + std::string(proto::kAnswerBytesMax, 'x'));
    CHECK(look("p").outcome == FileOutcome::refused);
    write("z", "\x1f\x8b\x08" + std::string(proto::kAnswerBytesMax, 'x'));
    CHECK(look("z").outcome == FileOutcome::text);
    CHECK(look("z").body.find("gzip archive") != std::string::npos);
}

TEST_CASE_METHOD(FileToolTest, "view: given a document, when viewed, then it says what it is and how to read it", "[guest][SX-8]")
{
    write("d.pdf", "%PDF-1.7 ...");
    auto const answer = look("d.pdf");
    CHECK(answer.outcome == FileOutcome::text);
    CHECK(answer.body.find("PDF document") != std::string::npos);
    CHECK(answer.body.find("pdftotext '" + at("d.pdf") + "'") != std::string::npos);
}

TEST_CASE_METHOD(FileToolTest, "view: given what is no file, when viewed, then it is refused and nothing hangs", "[guest][T-08]")
{
    ::mkfifo(at("pipe").c_str(), 0600);
    CHECK(look("pipe").outcome == FileOutcome::refused);
    CHECK(look("missing").outcome == FileOutcome::refused);
    proto::ToolArguments arguments;
    arguments.tool = proto::Tool::view;
    CHECK(run_file_tool(arguments).outcome == FileOutcome::refused);
    arguments.path = std::string("a\0b", 3);
    CHECK(run_file_tool(arguments).outcome == FileOutcome::refused);
    arguments.path = "/dev/zero";
    CHECK(run_file_tool(arguments).outcome == FileOutcome::refused);
}

TEST_CASE_METHOD(
    FileToolTest, "view: given a directory, when viewed, then two levels are listed without hidden and node_modules", "[guest][SX-8]")
{
    std::filesystem::create_directories(at("a/b/c"));
    std::filesystem::create_directories(at(".git"));
    std::filesystem::create_directories(at("node_modules/x"));
    write("f", "12345");
    auto const body = look(".").body;
    CHECK(body.ends_with("a/\n  b/\nf (5 bytes)"));
    CHECK(body.find("c/") == std::string::npos);
}

TEST_CASE_METHOD(FileToolTest, "view: given a directory of very many entries, when viewed, then the listing is bounded", "[guest][T-06]")
{
    for (int i = 0; i < 2'500; ++i) write("a-rather-long-name-" + std::to_string(i), "");
    auto const body = look(".").body;
    CHECK(body.size() <= proto::kAnswerTextCharsMax);
    CHECK(body.find("Cut here") != std::string::npos);
}

TEST_CASE_METHOD(FileToolTest, "create_file: given a path whose parents are missing, when created, then bytes are exact", "[guest][SX-8]")
{
    std::string const text = "a\r\n\xff\tb";
    CHECK(create_file(at("x//y/z"), text).outcome == FileOutcome::text);
    CHECK(read("x/y/z") == text);
    CHECK(mode("x/y/z") == 0644);
}

TEST_CASE_METHOD(
    FileToolTest, "create_file: given a file, when overwritten, then mode and links stay and no temporary remains", "[guest][SX-8]")
{
    write("f", "old");
    ::chmod(at("f").c_str(), 0755);
    std::filesystem::create_symlink("f", at("l"));
    CHECK(create_file(at("l"), "new").body.starts_with("File overwritten"));
    CHECK(read("f") == "new");
    CHECK(mode("f") == 0755);
    CHECK(std::filesystem::is_symlink(at("l")));
    std::filesystem::create_hard_link(at("f"), at("h"));
    CHECK(create_file(at("f"), "newer").outcome == FileOutcome::text);
    CHECK(read("h") == "newer");
    CHECK(std::distance(std::filesystem::directory_iterator(home), {}) == 3);
}

TEST_CASE_METHOD(FileToolTest, "create_file: given what is no file, when overwritten, then it is refused", "[guest][T-08]")
{
    ::mkfifo(at("pipe").c_str(), 0600);
    CHECK(create_file(at("pipe"), "x").outcome == FileOutcome::refused);
    CHECK(create_file(home, "x").outcome == FileOutcome::refused);
    CHECK(create_file(at("new/"), "x").outcome == FileOutcome::refused);
    CHECK(create_file("/dev/null", "x").outcome == FileOutcome::refused);
    std::filesystem::create_symlink("pipe", at("l"));
    CHECK(create_file(at("l"), "x").outcome == FileOutcome::refused);
    write("f", "x");
    CHECK(create_file(at("f/g"), "x").outcome == FileOutcome::refused);
    std::filesystem::create_symlink("loop", at("loop"));
    CHECK(create_file(at("loop"), "x").outcome == FileOutcome::refused);
}

TEST_CASE_METHOD(FileToolTest, "str_replace: given one occurrence, when replaced, then the mode is kept", "[guest][SX-8]")
{
    write("f", "one two");
    ::chmod(at("f").c_str(), 0700);
    auto const answer = str_replace(at("f"), "two", "2");
    CHECK(answer.outcome == FileOutcome::text);
    CHECK(answer.body.find("line 1") != std::string::npos);
    CHECK(read("f") == "one 2");
    CHECK(mode("f") == 0700);
}

TEST_CASE_METHOD(FileToolTest, "str_replace: given what it must refuse, when asked, then the file is as before", "[guest][SX-8]")
{
    write("f", "a\na\n");
    auto const twice = str_replace(at("f"), "a", "b");
    CHECK(twice.outcome == FileOutcome::refused);
    CHECK(twice.body.find("2 times") != std::string::npos);
    CHECK(twice.body.find("lines 1, 2") != std::string::npos);
    CHECK(str_replace(at("f"), "x", "b").body.find("0 occurrences") != std::string::npos);
    CHECK(str_replace(at("f"), "x", "b").outcome == FileOutcome::refused);
    CHECK(str_replace(at("f"), "a\na", "a\na").body.find("identical") != std::string::npos);
    CHECK(str_replace(at("f"), "", "b").outcome == FileOutcome::refused);
    CHECK(str_replace(home, "a", "b").outcome == FileOutcome::refused);
    CHECK(str_replace(at("none"), "a", "b").outcome == FileOutcome::refused);
    CHECK(read("f") == "a\na\n");
}

TEST_CASE_METHOD(FileToolTest, "str_replace: given a file above its bound, when asked, then it is refused", "[guest][T-06]")
{
    write("f", "needle");
    std::filesystem::resize_file(at("f"), (16u << 20) + 1);
    CHECK(str_replace(at("f"), "needle", "x").body.find("larger than 16 MiB") != std::string::npos);
}

}  // namespace test_file_tool
