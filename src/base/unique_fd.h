// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A file descriptor with one owner. Every descriptor of ours is created close-on-exec in the same call.

#include <utility>

#include "base/result.h"

namespace ocu {

class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept
    {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    UniqueFd(UniqueFd const&) = delete;
    UniqueFd& operator=(UniqueFd const&) = delete;
    ~UniqueFd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1);

private:
    int fd_ = -1;
};

struct SocketPair {
    UniqueFd ours;
    UniqueFd theirs;
};

// AF_UNIX, SOCK_STREAM, close-on-exec, both ends non-blocking.
Result<SocketPair> make_socket_pair();
// A second descriptor of the same open file, close-on-exec.
Result<UniqueFd> duplicate(int fd);

}  // namespace ocu
