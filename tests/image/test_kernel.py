# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel of the image: what was asked for is there, what is not followed has its reason, Debian's has what a boot needs (AP-3, T-22)."""

import functools
import glob
import lzma
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNEL = f"{ROOT}/iso/kernel"
COMMAND_LINE_BYTES_MAX = 2047  # what this architecture keeps
HASHES_BYTES = 180  # "ocu.guest.standard=" blocks, hash, salt
ROOTS_MAX = 4  # the root, and the three guests that there are

# What the product stops working without, and the part of it that would.
NEEDED = {
    "sandboxes": "USER_NS PID_NS NET_NS UTS_NS IPC_NS MEMCG CGROUP_PIDS CPUSETS CFS_BANDWIDTH BLK_CGROUP BLK_DEV_THROTTLING CGROUP_BPF OVERLAY_FS "
                 "SECCOMP_FILTER SYSVIPC KEYS",
    "helpers": "SECURITY_LANDLOCK SECURITY_YAMA MULTIUSER MEMFD_CREATE SECRETMEM",
    "lanes": "VETH BPF_SYSCALL IP_MULTIPLE_TABLES IPV6 PACKET",
    "files": "FUSE_FS EXT4_FS TMPFS_XATTR TMPFS_POSIX_ACL DM_CRYPT DM_INTEGRITY",
    "the signed root": "BLK_DEV_INITRD RD_ZSTD BLK_DEV_LOOP DM_VERITY EROFS_FS EROFS_FS_ZIP ISO9660_FS JOLIET BLK_DEV_SR CRYPTO_SHA256",
    "sticks": "VFAT_FS NLS_CODEPAGE_437 NLS_ISO8859_1 USB_STORAGE USB_UAS USB_XHCI_PCI USB_EHCI_PCI USB_OHCI_HCD_PCI MSDOS_PARTITION EFI_PARTITION",
    "network": "BONDING VLAN_8021Q E1000E IGB IGC IXGBE I40E ICE TIGON3 BNXT MLX4_EN MLX5_CORE_EN BE2NET ENIC R8169 VIRTIO_NET VMXNET3 HYPERV_NET ENA_ETHERNET",
    "disks": "BLK_DEV_NVME SATA_AHCI VMD MEGARAID_SAS SCSI_MPT3SAS SCSI_MPI3MR SCSI_SMARTPQI SCSI_HPSA SCSI_AACRAID VIRTIO_BLK SCSI_VIRTIO VMWARE_PVSCSI",
    "the console": "DRM_SIMPLEDRM SYSFB_SIMPLEFB FRAMEBUFFER_CONSOLE VT_CONSOLE SERIAL_8250_CONSOLE SERIAL_8250_PCI SERIAL_8250_PNP HID_GENERIC "
                   "KEYBOARD_ATKBD INPUT_EVDEV ACPI_BUTTON",
    "the clock": "RTC_DRV_CMOS RTC_HCTOSYS RTC_INTF_DEV RTC_SYSTOHC",
    "the watchdog": "I6300ESB_WDT ITCO_WDT LPC_ICH I2C_I801 SP5100_TCO WDAT_WDT IPMI_WATCHDOG HP_WATCHDOG SOFT_WATCHDOG",
    "the boot chain": "EFI_STUB EFIVAR_FS SECURITY_LOCKDOWN_LSM_EARLY LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY TCG_TIS TCG_CRB PANIC_ON_OOPS",
}
# Doors that are not there (T-22, and the escape of a guest: less kernel, fewer ways).
ABSENT = ("MODULES KEXEC KEXEC_FILE HIBERNATION DEVMEM NETFILTER KVM VSOCKETS BT WIRELESS SOUND IO_URING AIO USERFAULTFD BINFMT_MISC DEBUG_FS KPROBES "
          "FTRACE MAGIC_SYSRQ IA32_EMULATION X86_X32_ABI MODIFY_LDT_SYSCALL COREDUMP STAGING TUN BRIDGE CHR_DEV_SG BLK_DEV_BSG HIDRAW SERIO_RAW "
          "I2C_CHARDEV IPMI_DEVICE_INTERFACE X86_MSR NETWORK_FILESYSTEMS HOTPLUG_PCI SYSTEM_TRUSTED_KEYRING CRYPTO_USER_API_SKCIPHER").split()
WEAKENING = re.compile(r"^(nokaslr|nopti|mitigations=off|.*=off,?$|init=|rdinit=|single|debug|systemd\.|nosmep|nosmap|noexec|selinux=|enforcing=)")
# Modules without which Debian's kernel finds no medium, no stick or no network in the machines that it is offered for.
BOOT_MODULES = ("loop dm-mod dm-verity erofs isofs sr_mod sd_mod ahci virtio_pci virtio_blk virtio_scsi virtio_net e1000e e1000 xhci-pci usb-storage uas vfat "
                "nls_cp437 nls_iso8859-1 overlay fuse ext4 efivarfs veth 8021q bonding evdev button i6300esb tpm_crb tpm_tis dm-crypt nvme usbhid").split()


def run(*words):
    done = subprocess.run([f"{ROOT}/iso/{words[0]}", *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)} failed: {done.stderr[-2000:]}")
    return done.stdout


def options(text):
    return {name: value or "n" for name, value in re.findall(r"(?m)^(?:# )?CONFIG_(\w+)(?:=(.*)| is not set)$", text)}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


@functools.cache
def own_config():
    return options(read(run("10-kernel", "config").strip()))


@functools.cache
def debian_folder():
    return run("10-kernel", "debian").strip()


class Configuration(unittest.TestCase):
    def test_given_the_fragments_when_configured_then_every_line_is_honoured(self):
        asked = {}
        for name in sorted(glob.glob(f"{KERNEL}/*.config")):
            for option, value in options(read(name)).items():
                self.assertNotIn(option, asked, f"{name} says {option} a second time")
                asked[option] = value
        self.assertGreater(len(asked), 400)
        have = own_config()
        missed = {each: (value, have.get(each, "n")) for each, value in asked.items()
                  if have.get(each, "n") != value and not (value == '""' and each not in have)}
        self.assertEqual(missed, {})

    def test_given_the_configuration_then_every_part_of_the_product_has_what_it_needs(self):
        have = own_config()
        missing = {part: [each for each in names.split() if have.get(each) != "y"] for part, names in NEEDED.items()}
        self.assertEqual({part: names for part, names in missing.items() if names}, {})

    def test_given_the_configuration_then_the_closed_doors_are_closed(self):
        self.assertEqual([each for each in ABSENT if own_config().get(each, "n") != "n"], [])
        self.assertEqual([each for each, value in own_config().items() if value == "m"], [], "nothing is a module")


class Hardening(unittest.TestCase):
    def test_given_the_public_checker_when_it_disagrees_then_the_reason_is_written_down(self):
        failed = {line.split("\t")[0] for line in run("kernel/hardening", "--failed", "own").splitlines()}
        self.assertTrue(failed, "the checker knows nothing to say: it did not run")
        text = read(f"{ROOT}/docs/kernel.md")
        table = text.split("## Recommendations that are not followed", 1)[1].split("\n## ", 1)[0]
        reasons = dict(re.findall(r"(?m)^\| `([^`]+)` \| ([^|]+?) *\|$", table))
        self.assertEqual(failed - set(reasons), set(), "no reason in docs/kernel.md")
        self.assertEqual(set(reasons) - failed, set(), "docs/kernel.md excuses what the kernel has by now")
        self.assertEqual([each for each, reason in reasons.items() if len(reason) < 20], [], "too short to be a reason")


class CommandLine(unittest.TestCase):
    def setUp(self):
        lines = [re.sub(r"[ \t]*#.*", "", line) for line in read(f"{KERNEL}/cmdline").splitlines()]
        self.words = [line for line in lines if line]

    def test_given_the_list_then_each_line_is_one_option_and_none_weakens(self):
        self.assertEqual([each for each in self.words if re.search(r"\s", each)], [])
        names = [each.split("=")[0] for each in self.words if not each.startswith("console=")]
        self.assertEqual(sorted(names), sorted(set(names)))
        meant = {"debugfs=off", "random.trust_bootloader=off"}
        self.assertEqual([each for each in self.words if WEAKENING.match(each) and each not in meant], [])

    def test_given_the_list_then_the_options_that_hold_the_boot_chain_are_there(self):
        needed = {"lockdown=confidentiality", "module.sig_enforce=1", "lsm=lockdown,yama,landlock", "oops=panic", "panic=10", "init_on_alloc=1",
                  "init_on_free=1", "cgroup_no_v1=all", "mitigations=auto,nosmt", "iommu.strict=1", "console=tty1", "console=ttyS0,115200"}
        self.assertEqual(needed - set(self.words), set())

    def test_given_all_roots_then_the_whole_line_is_shorter_than_what_the_kernel_keeps(self):
        self.assertLessEqual(len(" ".join(self.words)) + ROOTS_MAX * HASHES_BYTES, COMMAND_LINE_BYTES_MAX)


class DebianModules(unittest.TestCase):
    """Debian's signed kernel brings its drivers as modules; the first process loads them in the order of the list."""

    @classmethod
    def setUpClass(cls):
        cls.folder = debian_folder()
        cls.order = read(f"{cls.folder}/modules/order").split("\n")[:-1]
        cls.data = {}
        for each in cls.order:
            with open(f"{cls.folder}/modules/{each}", "rb") as file:
                cls.data[each] = file.read()

    @staticmethod
    def name(file):
        return file.removesuffix(".ko").replace("-", "_")

    def test_given_the_order_then_it_names_exactly_the_files_and_no_path(self):
        self.assertEqual(sorted(self.order), sorted(each for each in os.listdir(f"{self.folder}/modules") if each != "order"))
        self.assertEqual([each for each in self.order if "/" in each or not each.endswith(".ko")], [])
        self.assertEqual(options(read(f"{self.folder}/config"))["MODULE_DECOMPRESS"], "y", "the kernel unpacks them itself")

    def test_given_a_module_then_everything_that_it_needs_comes_before_it(self):
        loaded = set()
        for each in self.order:
            needs = re.search(rb"\0depends=([^\0]*)", self.data[each])
            needed = {word.replace("-", "_") for word in needs[1].decode().split(",") if word}
            self.assertLessEqual(needed, loaded, f"{each} is before what it needs")
            loaded.add(self.name(each))

    def test_given_a_module_that_asks_for_another_by_name_then_that_one_is_before_it(self):
        # Nobody answers such a request in the first root; erofs, the root's file system, is lost with it.
        self.assertLess(self.order.index("crc32c_generic.ko"), self.order.index("libcrc32c.ko"))
        self.assertLess(self.order.index("libcrc32c.ko"), self.order.index("erofs.ko"))

    def test_given_a_module_then_it_carries_its_maker_s_signature(self):
        self.assertEqual([each for each, data in self.data.items() if not data.endswith(b"~Module signature appended~\n")], [])

    def test_given_what_a_boot_needs_then_each_is_loaded_or_built_in(self):
        have = {self.name(each) for each in self.order} | {each.replace("-", "_") for each in read(f"{self.folder}/built-in").split()}
        self.assertEqual([each for each in BOOT_MODULES if each.replace("-", "_") not in have], [])


class ModuleOrder(unittest.TestCase):
    """The recipe itself, on a kernel that was made up."""

    MODULES = {"top": "middle,base-part", "middle": "base-part", "base-part": ""}

    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)
        os.makedirs(f"{self.work.name}/in/kernel/drivers")
        with open(f"{self.work.name}/in/modules.builtin", "w", encoding="utf-8") as file:
            file.write("kernel/fs/inside.ko\n")
        for name, needs in self.MODULES.items():
            with lzma.open(f"{self.work.name}/in/kernel/drivers/{name}.ko.xz", "wb") as file:
                file.write(b"\x7fELF\0depends=" + needs.encode() + b"\0name=" + name.encode() + b"\0")

    def order(self, words):
        with open(f"{self.work.name}/list", "w", encoding="utf-8") as file:
            file.write(f"# a reason\n{words} # another\n")
        out = f"{self.work.name}/out/modules"
        done = subprocess.run(["python3", "-B", f"{KERNEL}/modules", f"{self.work.name}/in", f"{self.work.name}/list", out],
                              stderr=subprocess.PIPE, text=True, check=False)
        return read(f"{out}/order").split() if done.returncode == 0 else done.stderr

    def test_given_a_module_when_ordered_then_what_it_needs_is_first_and_what_is_built_in_is_left_out(self):
        self.assertEqual(self.order("top inside"), ["base-part.ko", "middle.ko", "top.ko"])

    def test_given_a_name_that_the_kernel_does_not_know_then_the_build_ends(self):
        self.assertIn("no module nosuch", self.order("top nosuch"))


class TwoBuilds(unittest.TestCase):
    @unittest.skipUnless(os.environ.get("OCU_LONG"), "a kernel is built twice in the long form only")
    def test_given_the_same_source_when_built_twice_then_the_kernels_are_equal(self):
        run("10-kernel", "own", "--again")
