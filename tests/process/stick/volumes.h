// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Block devices for tests: a loop device over an image, and one over a file that a FUSE server of ours serves, so that it can fail or
// fall silent for ever when told to.

#include <catch2/catch_test_macros.hpp>

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/unique_fd.h"

namespace ocu::test {

inline bool have_loop_devices() { return ::access("/dev/loop-control", R_OK | W_OK) == 0; }

inline bool kernel_knows(std::string const& format)
{
    std::ifstream file("/proc/filesystems");
    std::string const all{std::istreambuf_iterator<char>(file), {}};
    return all.find("\t" + format + "\n") != std::string::npos;
}

inline std::string content_of(std::filesystem::path const& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The images of make_images.py, made once; OCU_STICK_IMAGES names a folder that has them already.
inline std::filesystem::path images()
{
    if (auto const* const given = std::getenv("OCU_STICK_IMAGES")) return given;
    static std::filesystem::path const made = [] {
        auto const folder = "/var/tmp/ocu-sticks." + std::to_string(::getpid());
        std::filesystem::path const here = std::filesystem::path(__FILE__).parent_path();
        std::string const local = here.is_absolute() && std::filesystem::exists(here) ? here.string() : "tests/process/stick";
        auto const command =
            "bash -c '. scripts/lib.sh; need mkfs.vfat dosfstools; need mcopy mtools; need mkfs.ext4 e2fsprogs; need xorriso xorriso' && "
            "python3 " +
            local + "/make_images.py " + folder;
        REQUIRE(std::system(command.c_str()) == 0);
        return std::filesystem::path(folder);
    }();
    return made;
}

class LoopDevice {
public:
    enum class Access { read_only, read_write };

    LoopDevice() = default;
    LoopDevice(std::filesystem::path const& file, Access access)
    {
        bool const read_only = access == Access::read_only;
        UniqueFd const backing(::open(file.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
        REQUIRE(backing);
        UniqueFd const control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
        REQUIRE(control);
        // Others take loop devices too, and one that was let go is cleared a moment later: what was free may not be.
        for (int attempt = 0; attempt < 200 && !configured_; ++attempt) {
            if (attempt > 0) ::usleep(50'000);
            int const number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
            REQUIRE(number >= 0);
            device_.reset(::open(("/dev/loop" + std::to_string(number)).c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
            REQUIRE(device_);
            loop_config config{};
            config.fd = static_cast<__u32>(backing.get());
            config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0);
            configured_ = ::ioctl(device_.get(), LOOP_CONFIGURE, &config) == 0;
        }
        REQUIRE(configured_);
    }
    LoopDevice(LoopDevice&&) = default;
    LoopDevice& operator=(LoopDevice&&) = default;
    ~LoopDevice() { detach(); }

    void detach()
    {
        if (device_) (void)::ioctl(device_.get(), LOOP_CLR_FD);
        device_.reset();
    }
    dev_t number() const
    {
        struct stat status{};
        REQUIRE(::fstat(device_.get(), &status) == 0);
        return status.st_rdev;
    }

private:
    UniqueFd device_;
    bool configured_ = false;
};

// One file, `stick`, in a FUSE mount; its server is a process of ours.
class FickleFile {
public:
    enum class Mode : int { serve, fail, hang };
    struct Control {
        std::atomic<Mode> mode;
        std::atomic<off_t> from;  // reads at or beyond it are the ones that fail or hang
        int file;
        off_t size;
    };

    FickleFile(std::filesystem::path const& image, std::filesystem::path folder) : folder_(std::move(folder))
    {
        std::filesystem::create_directories(folder_);
        void* const shared = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        REQUIRE(shared != MAP_FAILED);
        control_ = static_cast<Control*>(shared);
        UniqueFd const file(::open(image.c_str(), O_RDONLY | O_CLOEXEC));
        REQUIRE(file);
        control_->file = file.get();
        control_->size = static_cast<off_t>(std::filesystem::file_size(image));
        server_ = ::fork();
        REQUIRE(server_ >= 0);
        if (server_ == 0) serve();
        for (int i = 0; i < 500 && !std::filesystem::exists(path()); ++i) ::usleep(10'000);
        REQUIRE(std::filesystem::exists(path()));
    }
    FickleFile(FickleFile const&) = delete;
    FickleFile& operator=(FickleFile const&) = delete;
    ~FickleFile()
    {
        end();
        ::umount2(folder_.c_str(), MNT_DETACH);
        ::munmap(control_, sizeof(Control));
    }

    std::filesystem::path path() const { return folder_ / "stick"; }
    void set(Mode mode, off_t from = 0)
    {
        control_->from = from;
        control_->mode = mode;
    }
    // Everything that waits in it gets an error.
    void end()
    {
        if (server_ <= 0) return;
        ::kill(server_, SIGKILL);
        ::waitpid(server_, nullptr, 0);
        server_ = -1;
    }

private:
    static Control& of(fuse_req_t request) { return *static_cast<Control*>(fuse_req_userdata(request)); }
    static struct stat status_of(fuse_req_t request, fuse_ino_t node)
    {
        struct stat status{};
        status.st_ino = node;
        status.st_mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0444;
        status.st_nlink = 1;
        status.st_size = node == FUSE_ROOT_ID ? 0 : of(request).size;
        return status;
    }
    static void lookup(fuse_req_t request, fuse_ino_t, char const* name)
    {
        if (std::string_view(name) != "stick") {
            fuse_reply_err(request, ENOENT);
            return;
        }
        fuse_entry_param entry{};
        entry.ino = 2;
        entry.attr = status_of(request, 2);
        entry.attr_timeout = entry.entry_timeout = 3600;
        fuse_reply_entry(request, &entry);
    }
    static void getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*)
    {
        auto const status = status_of(request, node);
        fuse_reply_attr(request, &status, 3600);
    }
    static void open(fuse_req_t request, fuse_ino_t, fuse_file_info* info)
    {
        info->direct_io = 1;
        fuse_reply_open(request, info);
    }
    static void read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info*)
    {
        auto& control = of(request);
        bool const hit = offset + static_cast<off_t>(size) > control.from;
        if (hit && control.mode == Mode::hang) return;  // never answered
        if (hit && control.mode == Mode::fail) {
            fuse_reply_err(request, EIO);
            return;
        }
        std::string buffer(size, '\0');
        auto const got = ::pread(control.file, buffer.data(), size, offset);
        fuse_reply_buf(request, buffer.data(), got < 0 ? 0 : static_cast<size_t>(got));
    }
    [[noreturn]] void serve()
    {
        fuse_lowlevel_ops operations{};
        operations.lookup = lookup;
        operations.getattr = getattr;
        operations.open = open;
        operations.read = read;
        char name[] = "fickle";
        char* arguments[] = {name, nullptr};
        fuse_args given = FUSE_ARGS_INIT(1, arguments);
        fuse_session* const session = fuse_session_new(&given, &operations, sizeof operations, control_);
        if (session != nullptr && fuse_session_mount(session, folder_.c_str()) == 0) (void)fuse_session_loop(session);
        ::_exit(0);
    }

    std::filesystem::path folder_;
    Control* control_ = nullptr;
    pid_t server_ = -1;
};

}  // namespace ocu::test
