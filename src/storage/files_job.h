// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One request of the file API under way in files-front: an HTTP answer on one side, that request's channel to a session's broker on the other. It
// ends with the first of: its answer is complete, the client has gone, the channel has closed (the session ended), nothing moved for kFilesPatience.
// Threading: the front's loop. A job lives in the front's table until it says that it is over.

#include <functional>
#include <memory>

#include "proto/files_front_to_broker.h"
#include "storage/files_face.h"
#include "wire/link.h"
#include "wire/loop.h"

namespace ocu::storage {

class FilesJob : public std::enable_shared_from_this<FilesJob> {
public:
    struct Context {
        wire::Loop& loop;
        FilesRules const& rules;
        std::shared_ptr<wire::HttpReply> reply;
        wire::HttpRequest head;
        FilesRequest request;
        std::string trace;
        std::function<void()> over;
    };

    explicit FilesJob(Context context) : context_(std::move(context)) {}
    virtual ~FilesJob() = default;
    FilesJob(FilesJob const&) = delete;
    FilesJob& operator=(FilesJob const&) = delete;

    void start(UniqueFd channel);

protected:
    virtual void begin() = 0;
    // Any frame but a fault. False: not one that was waited for.
    virtual bool said(wire::Link::Frame const& frame) = 0;

    template <class Message>
    void ask(Message const& message)
    {
        if (link_) link_->send(message);
    }
    template <class Message>
    static constexpr bool is(wire::Link::Frame const& frame)
    {
        return frame.type == static_cast<std::uint16_t>(Message::kType);
    }
    // Sends the answer and ends.
    void answer(wire::HttpResponse response);
    void refuse(proto::Reason reason);
    // Once an answer has been begun, an error can only be shown by an end too soon.
    void cut() { finish(); }
    void finish();
    void patience();
    template <class Job>
    std::weak_ptr<Job> weak()
    {
        return std::static_pointer_cast<Job>(shared_from_this());
    }

    Context context_;
    bool begun_ = false;  // the answer's head is out

private:
    std::unique_ptr<wire::Link> link_;
    wire::Watch patience_;
    bool over_ = false;
};

// The job for that request.
std::shared_ptr<FilesJob> make_files_job(FilesJob::Context context);

}  // namespace ocu::storage
