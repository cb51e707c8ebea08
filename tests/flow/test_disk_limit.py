# SPDX-License-Identifier: GPL-3.0-or-later
"""SX-2, T-06: what a guest reads from the machine's disk is limited, on both tiers, and a manifest that demands it is refused where it cannot be."""

import os
import time
import unittest

from support.appliance import setting
from support.case import ApplianceCase, on_gvisor

MIB = 1 << 20
READ_MIB = 8
LIMIT_MIB = 2


def disk_is_limited_here():
    """Whether this machine has the controller, and its guest image is on a disk."""
    major, minor = os.major(os.stat(setting("OCU_IMAGE")).st_dev), os.minor(os.stat(setting("OCU_IMAGE")).st_dev)
    controlled = os.path.exists("/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device")
    try:
        with open("/sys/fs/cgroup/cgroup.controllers", encoding="utf-8") as file:
            controlled = controlled or "io" in file.read().split()
    except OSError:
        pass
    return controlled and os.path.exists(f"/sys/dev/block/{major}:{minor}")


@unittest.skipUnless(disk_is_limited_here(), "SKIPPED LOUDLY: no cgroup controller of disks here, or no disk under the image")
class DiskLimit(ApplianceCase):
    changes = {"sandbox": {"limits": {"disk_mib_per_s": LIMIT_MIB}}}

    def forget(self):
        """The image's pages are not in the host's cache any more: what a guest has not read yet comes from the disk."""
        image = os.open(setting("OCU_IMAGE"), os.O_RDONLY)
        try:
            os.posix_fadvise(image, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(image)

    def test_reading_the_image_takes_the_time_that_the_limit_says(self):
        # Files that nobody has read yet in this boot of the image, as many as are needed.
        files = self.client.bash("find /usr/lib /usr/share -xdev -type f -size +100k 2>/dev/null | sort -r | head -400").split()
        self.forget()
        listed = "\\n".join(files)
        began = time.monotonic()
        got = self.client.bash(f"printf '{listed}' | xargs cat 2>/dev/null | head -c {READ_MIB * MIB} | wc -c", timeout_s=120)
        took = time.monotonic() - began
        self.assertEqual(int(got.split()[0]), READ_MIB * MIB)
        # A second's worth may pass at once.
        self.assertGreater(took, READ_MIB / LIMIT_MIB - 1, f"{READ_MIB} MiB in {took:.2f} s at {LIMIT_MIB} MiB a second")


DiskLimitOnGvisor = on_gvisor(DiskLimit)
