// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One side of a relay: a transport, the bytes that came from it and the bytes that wait for it. Reads only when told to, writes what there is.
// Threading: the loop's thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "wire/http_transport.h"

namespace ocu::wire {

class RelaySide {
public:
    static constexpr std::size_t kReadBytes = 16u << 10;

    RelaySide(std::unique_ptr<Transport> transport, std::string already);

    // Operations hold `keep` until they are over; `moved` runs after each one.
    void read(std::shared_ptr<void> const& keep, std::function<void()> const& moved);
    void write(std::shared_ptr<void> const& keep, std::function<void()> const& moved);

    std::string_view in() const { return std::string_view(in_).substr(in_start_); }
    void take(std::size_t size);
    void put(std::string_view bytes);
    // Bytes put from now until the buffer has been empty are wiped when they have been written.
    void wipe_written() { wiping_ = true; }

    bool ended() const { return ended_; }  // no more will come
    bool ended_cleanly() const { return ended_ && transport_ && transport_->ended_cleanly(); }
    bool deaf() const { return deaf_; }  // what is put is dropped: it can no longer be written
    bool writing() const { return writing_; }
    bool reading() const { return reading_; }
    std::size_t waiting() const { return out_.size() + flight_.size() - sent_; }
    std::uint64_t bytes_read() const { return bytes_read_; }
    std::uint64_t bytes_written() const { return bytes_written_; }
    std::uint64_t progress() const { return bytes_read_ + bytes_written_; }

    void end_writing();
    void close();
    void abort();

private:
    void send(std::shared_ptr<void> const& keep, std::function<void()> const& moved);
    void forget_flight();

    std::unique_ptr<Transport> transport_;
    std::unique_ptr<char[]> chunk_;
    std::string in_;
    std::size_t in_start_ = 0;
    std::string out_;
    std::string flight_;  // what is being written
    std::size_t sent_ = 0;
    std::uint64_t bytes_read_ = 0;
    std::uint64_t bytes_written_ = 0;
    bool reading_ = false;
    bool writing_ = false;
    bool ended_ = false;
    bool deaf_ = false;
    bool wiping_ = false;
};

}  // namespace ocu::wire
