// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Stands in for the broker: answers a FUSE connection with a root that has the empty directories `uploads` and `outputs`, until stopped.

#include <linux/fuse.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace ocu::process_test {

class FilesServer {
public:
    FilesServer(UniqueFd fuse, std::uint32_t owner) : fuse_(std::move(fuse)), owner_(owner), thread_([this] { serve(); }) {}
    ~FilesServer()
    {
        stop_ = true;
        thread_.join();
    }
    FilesServer(FilesServer const&) = delete;
    FilesServer& operator=(FilesServer const&) = delete;

private:
    void serve()
    {
        std::vector<char> buffer(1u << 20);
        while (!stop_) {
            pollfd entry{fuse_.get(), POLLIN, 0};
            if (::poll(&entry, 1, 20) <= 0) continue;
            ssize_t const got = ::read(fuse_.get(), buffer.data(), buffer.size());
            if (got < 0 && errno == ENODEV) return;  // unmounted
            if (got < static_cast<ssize_t>(sizeof(fuse_in_header))) continue;
            fuse_in_header head{};
            std::memcpy(&head, buffer.data(), sizeof head);
            answer(head, buffer.data() + sizeof head);
        }
    }

    fuse_attr attributes(std::uint64_t node) const
    {
        fuse_attr out{};
        out.ino = node;
        out.mode = S_IFDIR | 0755;
        out.nlink = 2;
        out.uid = out.gid = owner_;
        return out;
    }

    void answer(fuse_in_header const& head, char const* body)
    {
        switch (head.opcode) {
        case FUSE_INIT: {
            fuse_init_out out{};
            out.major = FUSE_KERNEL_VERSION;
            out.minor = FUSE_KERNEL_MINOR_VERSION;
            out.max_write = 1u << 16;
            return reply(head, 0, &out, sizeof out);
        }
        case FUSE_LOOKUP: {
            fuse_entry_out out{};
            out.nodeid = std::strcmp(body, "uploads") == 0 ? 2 : std::strcmp(body, "outputs") == 0 ? 3 : 0;
            if (out.nodeid == 0) return reply(head, -ENOENT, nullptr, 0);
            out.attr = attributes(out.nodeid);
            return reply(head, 0, &out, sizeof out);
        }
        case FUSE_GETATTR: {
            fuse_attr_out out{};
            out.attr = attributes(head.nodeid);
            return reply(head, 0, &out, sizeof out);
        }
        case FUSE_OPENDIR: {
            fuse_open_out out{};
            return reply(head, 0, &out, sizeof out);
        }
        case FUSE_STATFS: {  // gVisor's gofer asks it of every mount
            fuse_statfs_out out{};
            out.st.bsize = out.st.frsize = 4096;
            out.st.namelen = 255;
            return reply(head, 0, &out, sizeof out);
        }
        case FUSE_READDIR:
        case FUSE_RELEASEDIR: return reply(head, 0, nullptr, 0);
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT: return;
        default: return reply(head, -ENOSYS, nullptr, 0);
        }
    }

    void reply(fuse_in_header const& head, int error, void const* body, std::size_t size)
    {
        fuse_out_header out{static_cast<std::uint32_t>(sizeof out + size), error, head.unique};
        iovec const parts[] = {{&out, sizeof out}, {const_cast<void*>(body), size}};
        (void)!::writev(fuse_.get(), parts, size == 0 ? 1 : 2);
    }

    UniqueFd fuse_;
    std::uint32_t owner_;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

}  // namespace ocu::process_test
