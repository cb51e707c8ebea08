# SPDX-License-Identifier: GPL-3.0-or-later
"""AP-3: two builds are equal. The image is made a second time, from a copy of the tree in another directory, with the same keys; every byte
of it, of its bill of materials and of its list of files must be the same. (That the program and our kernel build equal twice is shown by
the suites `reproducible` and `image`.)"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest

from support import boot_image

ROOT = boot_image.ROOT
IMAGE_BYTES_MAX = 300_000_000


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class EqualBuilds(unittest.TestCase):
    def test_given_the_same_tree_elsewhere_when_built_again_then_the_image_is_equal(self):
        with tempfile.TemporaryDirectory(prefix="ocu-second-image.", dir="/var/tmp") as second:
            tree = f"{second}/a/longer/path"
            left_out = [os.path.join(ROOT, each) for each in ("build", ".git")]
            shutil.copytree(ROOT, tree, symlinks=True, ignore=lambda folder, names: [
                each for each in names if os.path.join(folder, each) in left_out or each in ("node_modules", "__pycache__")])
            done = subprocess.run([f"{tree}/scripts/iso", "--kernel", os.environ["OCU_BOOT_CHOSEN_KERNEL"], "--keys", os.environ["OCU_BOOT_KEYS"],
                                   "--out", f"{second}/out"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                                  env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C"})
            self.assertEqual(done.returncode, 0, done.stdout[-3000:])
            first, name = os.path.split(boot_image.image())
            for each in (name, name.replace(".iso", ".cdx.json"), "root.files", "cmdline"):
                self.assertEqual(digest(f"{first}/{each}"), digest(f"{second}/out/{each}"), each)

    def test_given_the_image_with_the_minimal_guest_then_it_is_small(self):
        self.assertLessEqual(os.path.getsize(boot_image.image()), IMAGE_BYTES_MAX)
