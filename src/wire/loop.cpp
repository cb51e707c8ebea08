// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/descriptor_base.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

#include "base/assert.h"
#include "base/unique_fd.h"

namespace ocu::wire {

namespace asio = boost::asio;

struct Loop::State {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
};

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() = default;

void Loop::run() { state_->context.run(); }
void Loop::run_one() { (void)state_->context.run_one(); }
void Loop::stop() { state_->context.stop(); }
void Loop::post(std::function<void()> task) { asio::post(state_->context, std::move(task)); }
asio::io_context& Loop::context() { return state_->context; }

Watch Loop::after(std::chrono::milliseconds delay, std::function<void()> task)
{
    struct Timer {
        explicit Timer(asio::io_context& context) : timer(context) {}
        asio::steady_timer timer;
    };
    auto state = std::make_shared<Timer>(state_->context);
    state->timer.expires_after(delay);
    // Destroying the timer cancels the wait; a completion that is already queued finds the weak pointer empty.
    state->timer.async_wait([weak = std::weak_ptr(state), task = std::move(task)](boost::system::error_code error) {
        if (error || weak.expired()) return;
        task();
    });
    return Watch(state);
}

namespace {

struct DescriptorWatch : std::enable_shared_from_this<DescriptorWatch> {
    DescriptorWatch(asio::io_context& context, int fd, asio::posix::descriptor_base::wait_type wanted, std::function<void()> call)
        : descriptor(context, fd), type(wanted), task(std::move(call))
    {}
    void wait()
    {
        descriptor.async_wait(type, [weak = weak_from_this()](boost::system::error_code error) {
            auto const self = weak.lock();
            if (error || !self) return;
            self->task();
            if (self.use_count() > 1) self->wait();  // else the task gave the watch up
        });
    }

    asio::posix::stream_descriptor descriptor;
    asio::posix::descriptor_base::wait_type type;
    std::function<void()> task;
};

UniqueFd copy_of(int fd)
{
    auto copy = duplicate(fd);
    OCU_ASSERT(copy.has_value());
    return std::move(*copy);
}

Watch watch(asio::io_context& context, int fd, asio::posix::descriptor_base::wait_type type, std::function<void()> task)
{
    // The reactor knows a descriptor once; a duplicate lets one open file be watched for reading and for writing.
    auto state = std::make_shared<DescriptorWatch>(context, copy_of(fd).release(), type, std::move(task));
    state->wait();
    return Watch(state);
}

}  // namespace

Watch Loop::on_readable(int fd, std::function<void()> task)
{
    return watch(state_->context, fd, asio::posix::descriptor_base::wait_read, std::move(task));
}

Watch Loop::on_writable(int fd, std::function<void()> task)
{
    return watch(state_->context, fd, asio::posix::descriptor_base::wait_write, std::move(task));
}

struct Readiness::State : std::enable_shared_from_this<State> {
    struct Side {
        std::function<void()> call;
        bool wanted = false;
    };

    State(asio::io_context& context, int fd, std::function<void()> on_read, std::function<void()> on_write)
        : descriptor(context, fd), read{std::move(on_read)}, write{std::move(on_write)}
    {}

    void want(Side State::* which, asio::posix::descriptor_base::wait_type type)
    {
        if (std::exchange((this->*which).wanted, true)) return;
        descriptor.async_wait(type, [weak = weak_from_this(), which](boost::system::error_code error) {
            auto const self = weak.lock();
            if (error || !self) return;
            ((*self).*which).wanted = false;
            ((*self).*which).call();
        });
    }

    asio::posix::stream_descriptor descriptor;
    Side read;
    Side write;
};

Readiness::Readiness(Loop& loop, int fd, std::function<void()> readable, std::function<void()> writable)
    : state_(std::make_shared<State>(loop.context(), copy_of(fd).release(), std::move(readable), std::move(writable)))
{}

void Readiness::want_read() { state_->want(&State::read, asio::posix::descriptor_base::wait_read); }
void Readiness::want_write() { state_->want(&State::write, asio::posix::descriptor_base::wait_write); }

}  // namespace ocu::wire
