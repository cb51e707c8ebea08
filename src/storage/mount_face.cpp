// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/mount_face.h"

#include <fcntl.h>

#include <cstdlib>

#include "storage/limits.h"
#include "storage/mount_operations.h"

namespace ocu::storage {

namespace {

struct EndSession {
    void operator()(fuse_session* session) const { ::fuse_session_destroy(session); }
};

struct Arguments {
    ~Arguments() { ::fuse_opt_free_args(&list); }
    std::array<char, 7> program{"broker"};
    std::array<char*, 2> values{program.data(), nullptr};
    fuse_args list{1, values.data(), 0};
};

}  // namespace

struct MountFace::State {
    Mounted mounted;  // the session's user data leads here
    std::unique_ptr<fuse_session, EndSession> session;
    fuse_buf buffer{};
    std::function<void()> ended;
    wire::Watch readable;

    ~State() { std::free(buffer.mem); }  // libfuse allocated it

    // Requests one after the other until none is waiting; not without end, so that the loop hears its other descriptors.
    void take_requests()
    {
        for (std::size_t i = 0; i < kMountRequestsPerTurn; ++i) {
            int const got = ::fuse_session_receive_buf(session.get(), &buffer);
            if (got == -EAGAIN || got == -EINTR) return;
            if (got <= 0 || ::fuse_session_exited(session.get()) != 0) {
                readable.reset();
                ended();
                return;
            }
            ::fuse_session_process_buf(session.get(), &buffer);
        }
    }
};

MountFace::MountFace(std::unique_ptr<State> state) : state_(std::move(state)) {}
MountFace::~MountFace() = default;

Result<std::unique_ptr<MountFace>> MountFace::attach(UniqueFd connection, MountMeter meter)
{
    // libfuse writes text of its own to stderr, paths and all: the log has its own rules.
    ::fuse_set_log_func([](fuse_log_level, char const*, va_list) {});
    if (::fcntl(connection.get(), F_SETFL, O_NONBLOCK) != 0) return fail_os("fuse connection");
    Arguments arguments;
    auto state = std::make_unique<State>();
    state->mounted.meter = std::move(meter);
    auto const& operations = mount_operations();
    state->session.reset(fuse_session_new(&arguments.list, &operations, sizeof operations, &state->mounted));
    if (!state->session) return fail(Fault::os, "fuse session");
    auto const at = "/dev/fd/" + std::to_string(connection.get());  // a form that libfuse takes as a descriptor, not as a path
    if (::fuse_session_mount(state->session.get(), at.c_str()) != 0) return fail(Fault::os, "fuse session takes no descriptor");
    (void)connection.release();  // the session closes it
    return std::unique_ptr<MountFace>(new MountFace(std::move(state)));
}

void MountFace::changed(NodeId node)
{
    constexpr off_t kAttributesAlone = -1;
    // ENOENT: the kernel does not remember it.
    (void)::fuse_lowlevel_notify_inval_inode(state_->session.get(), node, kAttributesAlone, 0);
}

void MountFace::serve(wire::Loop& loop, SessionTree& tree, std::function<void()> ended)
{
    state_->mounted.tree = &tree;
    state_->ended = std::move(ended);
    auto* const state = state_.get();
    state->readable = loop.on_readable(::fuse_session_fd(state->session.get()), [state] { state->take_requests(); });
}

}  // namespace ocu::storage
