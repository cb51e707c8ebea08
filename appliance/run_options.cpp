// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/run_options.h"

#include <string_view>

namespace ocu::appliance {

char const kRunUsage[] =
    "usage: ocu-appliance run --manifest FILE [--trust PUBKEY] --state DIR --image FILE [--runc PATH] [--runsc PATH] [--readme FILE]\n"
    "                         [--mounts DIR] [--service-address ADDRESS] [--tpm auto|none|PATH] [--status-lines]\n"
    "\n"
    "  --manifest FILE  what to do; FILE.minisig beside it must be signed by the trusted key\n"
    "  --trust PUBKEY   the minisign public key file that manifests must be signed with;\n"
    "                   default: state/trust.pub in the state directory\n"
    "  --state DIR      audit/ state/ store/ callers/ run/ are made here\n"
    "  --image FILE     guest image: an EROFS file, or a directory with a root file system\n"
    "  --mounts DIR     where NAME.erofs of each `sandbox.mounts` is; default: mounts/ beside the manifest\n"
    "  --runc PATH      default /usr/sbin/runc\n"
    "  --runsc PATH     gVisor's runtime; without it the tier gvisor is refused\n"
    "  --readme FILE    text that guests find in /usr/share/ocu/README.md and agents get as instructions\n"
    "  --service-address ADDRESS\n"
    "                   listeners that the manifest does not place are ADDRESS:8443 (MCP) and ADDRESS:8444 (files), with TLS,\n"
    "                   instead of 127.0.0.1:8811 and :8812\n"
    "  --tpm PATH       the TPM 2.0 that the vault's key is sealed to: a device, or the socket of an emulated one. auto, the default:\n"
    "                   /dev/tpmrm0 where there is one; none: the key is a file in the state directory. What was sealed once\n"
    "                   stays sealed: it needs its TPM at each start\n"
    "  --status-lines   print `STATUS sessions=N helpers=UP/ALL frozen=yes|no vault-key=tpm|file` (and `webhook=...`) on stdout when it\n"
    "                   changes, at most once a second\n"
    "\n"
    "Prints `READY mcp=... ` on stdout when it serves. SIGTERM or SIGINT ends it in order.\n";

std::expected<RunOptions, std::string> parse_run_options(int argc, char** argv)
{
    RunOptions options;
    struct Option {
        std::string_view name;
        std::string* value;
    };
    Option const known[] = {{"--manifest", &options.manifest}, {"--trust", &options.trust}, {"--state", &options.state},
        {"--image", &options.image}, {"--runc", &options.runc}, {"--runsc", &options.runsc}, {"--readme", &options.guest_readme},
        {"--mounts", &options.mounts},
        {"--service-address", &options.service_address}, {"--tpm", &options.tpm}};
    for (int i = 1; i < argc; i += 2) {
        if (std::string_view(argv[i]) == "--status-lines") {
            options.status_lines = true;
            --i;  // it has no value
            continue;
        }
        std::string* value = nullptr;
        for (auto const& option : known)
            if (option.name == argv[i]) value = option.value;
        if (value == nullptr) return std::unexpected("unknown option " + std::string(argv[i]));
        if (i + 1 >= argc) return std::unexpected(std::string(argv[i]) + " needs a value");
        *value = argv[i + 1];
    }
    for (auto const& [name, value] :
        {std::pair("--manifest", &options.manifest), std::pair("--state", &options.state), std::pair("--image", &options.image)})
        if (value->empty()) return std::unexpected(std::string(name) + " is required");
    return options;
}

}  // namespace ocu::appliance
