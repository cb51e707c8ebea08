// SPDX-License-Identifier: GPL-3.0-or-later

// `ocu-appliance vault`: what a person decides about a vault that does not open. The program never does it on its own.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "appliance/commands.h"
#include "appliance/machine_key.h"
#include "base/unique_fd.h"
#include "custody/vault.h"

namespace ocu::appliance {

namespace {

constexpr char kUsage[] =
    "usage: ocu-appliance vault start-anew --state DIR\n"
    "\n"
    "Sets a vault aside that does not open any more (another TPM, a cleared one, a lost key file); the next start makes new keys.\n"
    "Nothing is deleted: the files get a suffix, and taking it off again brings them back.\n"
    "What is given up, unless they are brought back:\n"
    "  - the key that signs the audit log's checkpoints: what it signed stays verifiable with its public key, keep that\n"
    "  - the key that secrets of the manifest are sealed to: seal each again to the new appliance.pub, raise the serial, sign\n"
    "  - the service's own certificate: clients that pin it need the new mcp.crt\n"
    "  - the authority that sandboxes trust, and every token that was given out\n";

int refuse(char const* what)
{
    std::fprintf(stderr, "error: vault: %s: %s\n", what, std::strerror(errno));
    return 1;
}

int start_anew(char const* state)
{
    UniqueFd const root(::open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return refuse("cannot open the state directory");
    UniqueFd const lock(::openat(root.get(), "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        std::fputs("error: vault: an appliance runs on this state directory: end it first\n", stderr);
        return 1;
    }
    UniqueFd const keys(::openat(root.get(), "state", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!keys) return refuse("there are no keys in this state directory");
    std::string const suffix = ".set-aside-" + std::to_string(::time(nullptr));
    bool any = false;
    // The vault first: a key without its vault would be taken for a new machine's, a vault without its key for a lost one's.
    for (char const* const name : {custody::kVaultFile, kSealedKeyFile, kKeyFile}) {
        if (::renameat(keys.get(), name, keys.get(), (name + suffix).c_str()) == 0) {
            std::printf("set aside: %s/state/%s%s\n", state, name, suffix.c_str());
            any = true;
        } else if (errno != ENOENT) {
            return refuse("cannot set a file aside");
        }
    }
    if (::fsync(keys.get()) != 0) return refuse("cannot bring it to disk");
    std::puts(any ? "The next start makes new keys. Secrets of the manifest must be sealed again to the new appliance.pub."
                  : "There was nothing to set aside: the next start makes new keys anyway.");
    return 0;
}

}  // namespace

int vault_main(int argc, char** argv)
{
    bool const help = argc == 2 && std::string_view(argv[1]) == "--help";
    if (argc == 4 && std::string_view(argv[1]) == "start-anew" && std::string_view(argv[2]) == "--state") return start_anew(argv[3]);
    std::fputs(kUsage, help ? stdout : stderr);
    return help ? 0 : 2;
}

}  // namespace ocu::appliance
