// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/run_options. What `run` is told on its command line.

#include "appliance/run_options.h"

#include <vector>

namespace test_run_options {

using namespace ocu::appliance;

std::expected<RunOptions, std::string> parse(std::vector<std::string> words)
{
    words.insert(words.begin(), "run");
    std::vector<char*> arguments;
    for (auto& each : words) arguments.push_back(each.data());
    return parse_run_options(static_cast<int>(arguments.size()), arguments.data());
}

std::vector<std::string> const kNeeded{"--manifest", "m", "--state", "s", "--image", "i"};

std::vector<std::string> with(std::vector<std::string> const& more)
{
    auto words = kNeeded;
    words.insert(words.begin() + 2, more.begin(), more.end());
    return words;
}

TEST_CASE("run_options: given what is needed, when it is read, then nothing else is on", "[appliance]")
{
    auto const options = parse(kNeeded);
    REQUIRE(options);
    CHECK(options->state == "s");
    CHECK(options->service_address.empty());
    CHECK_FALSE(options->status_lines);
    CHECK(options->tpm == "auto");
}

TEST_CASE("run_options: given a switch without a value, when it stands between others, then those keep theirs", "[appliance]")
{
    auto const options = parse(with({"--status-lines", "--service-address", "192.0.2.7", "--trust", "t"}));
    REQUIRE(options);
    CHECK(options->status_lines);
    CHECK(options->service_address == "192.0.2.7");
    CHECK(options->trust == "t");
    CHECK(options->image == "i");
}

TEST_CASE("run_options: given something wrong, when it is read, then it is refused in words", "[appliance]")
{
    CHECK(parse({"--state", "s", "--image", "i"}).error() == "--manifest is required");
    CHECK(parse(with({"--nonsense", "x"})).error() == "unknown option --nonsense");
    auto dangling = kNeeded;
    dangling.emplace_back("--trust");
    CHECK(parse(dangling).error() == "--trust needs a value");
}

}  // namespace test_run_options
