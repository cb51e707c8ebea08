# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the numbered steps share: where the tools are, where results go. Sourced, never run.
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"
ISO=$OCU_ROOT/iso
KERNEL_SERIES=6.12
VERSION=$(sed -n 's/^project(ocu-appliance VERSION \([0-9.]*\).*/\1/p' "$OCU_ROOT/CMakeLists.txt")
export ISO KERNEL_SERIES VERSION

# The tools that make, sign and boot images: a Debian 13 root, whatever this host is.
boot_tools() {
  "$OCU_ROOT/scripts/toolchain/debian-root" boot-tools systemd-ukify systemd-boot-efi sbsigntool efitools python3-virt-firmware openssl \
    cryptsetup-bin xorriso mtools dosfstools e2fsprogs erofs-utils minisign cpio zstd kmod faketime ovmf qemu-system-x86 \
    qemu-utils swtpm netpbm ca-certificates runc runsc
}

# in_tools WORK COMMAND...: runs in the tools' root without network, with WORK at /mnt and the tree read-only at /src.
in_tools() {
  local tools work=$1
  shift
  tools=$(boot_tools)
  bwrap --ro-bind "$tools" / --bind "$work" /mnt --ro-bind "$OCU_ROOT" /src --dev /dev --proc /proc --tmpfs /tmp --unshare-net \
    --unshare-pid --die-with-parent --chdir /mnt --clearenv --setenv PATH /usr/bin:/usr/sbin:/bin:/sbin --setenv LC_ALL C.UTF-8 \
    --setenv TZ UTC --setenv SOURCE_DATE_EPOCH "$SOURCE_DATE_EPOCH" -- "$@"
}
