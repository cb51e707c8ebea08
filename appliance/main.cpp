// SPDX-License-Identifier: GPL-3.0-or-later

// One program, many calls. Everything that it can be asked to do stands in this table.

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "appliance/commands.h"
#include "appliance/completion.h"
#include "base/log.h"

namespace {

using Command = int (*)(int argc, char** argv);

struct Entry {
    std::string_view name;
    Command run;
    std::string_view what;
};

int completion_main(int argc, char** argv);

constexpr Entry kCommands[] = {
    {"run", ocu::appliance::run_main, "serve, as a signed manifest says"},
    {"ctl", ocu::appliance::ctl_main, "ask or tell a running appliance (operators)"},
    {"manifest", ocu::appliance::manifest_main, "keygen, sign, verify, explain, schema"},
    {"audit", ocu::appliance::audit_main, "verify, prove, tail, replay, metering, head, export, witness-request, import-check"},
    {"vault", ocu::appliance::vault_main, "start-anew: give up a vault that does not open any more"},
    {"doctor", ocu::appliance::doctor_main, "what this machine lacks, and what to do about it"},
    {"completion", completion_main, "bash: for a shell, so that it completes these words"},
    {"version", ocu::appliance::version_main, "name and version"},
    {"boot", ocu::appliance::boot_main, ""},      // by the kernel, as the first process of a machine
    {"helper", ocu::appliance::helper_main, ""},  // re-execution by the core; not for people
};

int completion_main(int argc, char** argv)
{
    if (argc != 2 || std::string_view(argv[1]) != "bash") {
        std::fputs("usage: ocu-appliance completion bash      as in: eval \"$(ocu-appliance completion bash)\"\n", stderr);
        return 2;
    }
    std::vector<std::string_view> names;
    for (auto const& entry : kCommands)
        if (!entry.what.empty()) names.push_back(entry.name);
    std::fputs(ocu::appliance::bash_completion(names).c_str(), stdout);
    return 0;
}

int usage(std::FILE* out, int code)
{
    std::fputs("usage: ocu-appliance COMMAND [OPTION...]\n\n", out);
    for (auto const& entry : kCommands)
        if (!entry.what.empty())
            std::fprintf(out, "  %-10.*s %.*s\n", static_cast<int>(entry.name.size()), entry.name.data(),
                static_cast<int>(entry.what.size()), entry.what.data());
    std::fputs("\n`ocu-appliance COMMAND --help` says more. Exit codes: 0 done, 1 refused or failed, 2 usage.\n", out);
    return code;
}

}  // namespace

int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN);
    // From the initramfs the kernel gives no command, and words of its own command line that it did not know.
    if (::getpid() == 1 && argc > 0 && std::string_view(argv[0]) == "/init") return ocu::appliance::boot_main(argc, argv);
    if (argc < 2) return usage(stderr, 2);
    std::string_view const wanted = argv[1];
    if (wanted == "--help" || wanted == "help") return usage(stdout, 0);
    try {
        for (auto const& entry : kCommands)
            if (wanted == entry.name) return entry.run(argc - 1, argv + 1);
    } catch (std::bad_alloc const&) {
        ocu::log::error("out of memory");
        return 1;
    }
    return usage(stderr, 2);
}
