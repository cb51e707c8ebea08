// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One end of a socket pair between two of our own processes. Frames: u32 length of body, u16 type, u16 count of descriptors, body.
// Descriptors ride as SCM_RIGHTS with the first byte of their frame.
//
//      0       4      6       8
//      +-------+------+-------+------ ... ------+
//      | size  | type | fds   | body (size)     |      little-endian
//      +-------+------+-------+------ ... ------+
//
// Each end states what it accepts (`permits`) and how large. A frame that is unlisted, too large, or whose descriptor count is wrong
// ends the link with Lost::violation: a peer that breaks the grammar is taken to be compromised, and its owner ends it.
// Threading: the loop's thread only.

#include <deque>
#include <functional>
#include <span>

#include "base/unique_fd.h"
#include "wire/codec.h"
#include "wire/loop.h"

namespace ocu::wire {

enum class Lost { closed, violation, overflow };  // peer went away; peer broke the grammar; peer does not read

struct Permit {
    std::uint16_t type;
    std::uint16_t descriptors = 0;  // how many ride along, exactly
    std::uint32_t body_bytes_max = 4096;
};

inline constexpr std::size_t kLinkDescriptorsMax = 8;

// What carries secrets leaves none in memory that is freed: each frame is wiped once it is sent, or given up.
enum class WipeSent : std::uint8_t { no, yes };

class Link {
public:
    struct Frame {
        std::uint16_t type;
        std::span<std::byte const> body;  // valid during the call
        std::vector<UniqueFd> descriptors;
    };
    struct Options {
        std::span<Permit const> permits;                 // must outlive the link (a constexpr table)
        std::size_t queue_bytes_max = 16u << 20;         // unsent bytes before Lost::overflow
        WipeSent wipe_sent = WipeSent::no;
    };

    Link(Loop& loop, UniqueFd fd, Options options, std::function<void(Frame)> on_frame, std::function<void(Lost)> on_lost);
    ~Link();
    Link(Link const&) = delete;
    Link& operator=(Link const&) = delete;

    // Queues a frame; never blocks. After the link is lost, does nothing.
    template <class Message>
    void send(Message const& message, std::vector<UniqueFd> descriptors = {})
    {
        send_frame(static_cast<std::uint16_t>(Message::kType), encode(message), std::move(descriptors));
    }
    void send_frame(std::uint16_t type, Bytes body, std::vector<UniqueFd> descriptors = {});

    // Stop and start reading: back-pressure towards the peer.
    void pause_reading();
    void resume_reading();
    std::size_t queued_bytes() const { return queued_bytes_; }
    // Ends the link from a frame handler that found the body malformed.
    void violation();

private:
    void readable();
    void writable();
    void lose(Lost why);
    bool take_frames();
    bool read_some();
    ssize_t send_head(std::size_t offset);
    void forget(Bytes& bytes) const;
    void forget_queue();

    struct Outgoing {
        Bytes bytes;
        std::size_t sent = 0;
        std::vector<UniqueFd> descriptors;
    };

    Loop& loop_;
    UniqueFd fd_;
    Options options_;
    std::function<void(Frame)> on_frame_;
    std::function<void(Lost)> on_lost_;
    Bytes in_;
    std::size_t in_start_ = 0;
    std::deque<UniqueFd> in_descriptors_;
    std::deque<Outgoing> out_;
    std::size_t queued_bytes_ = 0;
    Watch read_watch_;
    Watch write_watch_;
    bool lost_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this link and the frame being delivered
};

}  // namespace ocu::wire
