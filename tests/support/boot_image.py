# SPDX-License-Identifier: GPL-3.0-or-later
"""What the boot suite boots: images made by scripts/iso, once for each content of the tree, and the keys that belong to them."""

import os
import subprocess

from support.sticks import Signer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def shell(text):
    done = subprocess.run(["bash", "-c", f". {ROOT}/iso/lib.sh; {text}"], text=True, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError(f"{text}: exit code {done.returncode}")
    return done.stdout.strip()


def kernel():
    """Our own kernel where it is in the cache already; else Debian's, and that is said."""
    chosen = os.environ.get("OCU_BOOT_KERNEL")
    if not chosen:
        chosen = shell("$ISO/10-kernel --which")
    if chosen == "debian":
        print("  NOTE: our own kernel is not in the cache; the image boots with Debian's signed one (docs/kernel.md; long form: scripts/iso)", flush=True)
    return chosen


def prepare():
    """Sets OCU_BOOT_*: the image with a manifest key built in, one without, keys, tools."""
    folder = os.path.join(os.environ.get("OCU_BUILDS", f"{ROOT}/build"), "iso")
    keys = f"{folder}/keys"
    os.makedirs(folder, exist_ok=True)
    os.environ["OCU_BOOT_TOOLS"] = shell("boot_tools")
    if not os.path.exists(f"{keys}/PK.key"):
        shell(f"$ISO/keys {keys}")
    if not os.path.exists(f"{keys}/manifest.key"):
        Signer(keys)
    chosen = kernel()
    # The key is built in by its file beside the others; the second image is told of none.
    shell(f"$OCU_ROOT/scripts/iso --kernel {chosen} --keys {keys} --out {folder}")
    shell(f"$OCU_ROOT/scripts/iso --kernel {chosen} --keys {keys} --trust none --out {folder}-enrol")
    version = shell("echo $VERSION")
    os.environ.update(OCU_BOOT_ISO=f"{folder}/ocu-appliance-{version}-amd64.iso", OCU_BOOT_KEYS=keys, OCU_BOOT_CHOSEN_KERNEL=chosen,
                      OCU_BOOT_ENROL_ISO=f"{folder}-enrol/ocu-appliance-{version}-amd64.iso")


def image():
    return os.environ["OCU_BOOT_ISO"]


def image_without_key():
    return os.environ["OCU_BOOT_ENROL_ISO"]


def variables():
    return os.path.join(os.environ["OCU_BOOT_KEYS"], "vars.fd")


def signer():
    made = Signer.__new__(Signer)
    made.secret, made.public = (os.path.join(os.environ["OCU_BOOT_KEYS"], f"manifest.{each}") for each in ("key", "pub"))
    return made
