// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The storage thread's part of the file API (F11): judges who asks, has control say which session that is, and gives one end of a fresh channel to the
// front and the other to that session's broker. From there on bytes pass this thread by. It knows which caller each channel is, so what a
// broker reports of a channel is put on record under the caller's name, whatever that broker has become. Threading: the storage loop.
//
//   threats   T-01, T-14

#include <functional>
#include <memory>
#include <unordered_map>

#include "proto/any_to_audit.h"
#include "proto/broker_to_storage.h"
#include "proto/control_to_all.h"
#include "proto/storage_to_control.h"
#include "storage/files_access.h"
#include "wire/link.h"
#include "wire/loop.h"

namespace ocu::storage {

struct FilesDeskConfig {
    std::vector<helper::Caller> callers;
    std::vector<EmbedKey> embed_keys{};
    std::size_t requests_per_minute_max = 6'000;
    std::size_t transfers_per_caller_max = 16;
    std::uint64_t upload_bytes_max = 50ull << 20;
};

class FilesDesk {
public:
    struct Wires {
        proto::StorageToControl& control;
        proto::Recorder& recorder;
        std::function<wire::Link*(SessionId)> broker_of;  // null: none, or not ready
        std::function<void()> front_violated;
        std::function<void(SessionId, proto::FilesCheck const&)> check;  // answered by checked()
    };

    FilesDesk(wire::Loop& loop, Clock const& clock, FilesDeskConfig config, Wires wires);
    ~FilesDesk();

    void front_up(UniqueFd link);
    void front_down();
    void granted(proto::FilesSessionGranted const& granted);
    void refused(proto::FilesSessionRefused const& refused);
    // A frame of that session's broker other than its ready report. False: it broke the grammar.
    bool broker_said(SessionId session, wire::Link::Frame const& frame);
    void session_ended(SessionId session);
    // What became of an upload that was to be looked into.
    void checked(SessionId session, proto::FilesChannelId channel, proto::Reason reason, proto::ArchiveVerdict const& verdict);
    void callers_are(std::vector<helper::Caller> const& callers) { access_.callers_are(callers); }
    void stop() { stopping_ = true; }

private:
    struct Pending {
        RequestId front;
        FilesCaller who;
        proto::Intents intents = 0;
        std::string trace;
    };
    struct Channel {
        SessionId session;
        FilesCaller who;
        std::string trace;
        bool checking = false;  // an upload of it is being looked into
    };

    void front_said(wire::Link::Frame const& frame);
    void asked(proto::FilesAsk const& ask);
    void open_channel(proto::FilesAsk const& ask, FilesCaller who);
    void make_token(proto::FilesAsk const& ask, FilesCaller const& who);
    void begin_browser(proto::FilesAsk const& ask);
    void show_browser(proto::FilesAsk const& ask);
    void answer_recorded(proto::Event event, proto::FilesAnswer answer);
    void refuse(RequestId request, std::string_view trace, FilesRefused const& refused);
    void note_refusal(std::string_view name, std::string_view trace, proto::Reason reason, std::string_view code);
    void record(proto::FilesRecord const& wanted, Channel const& channel);
    void note(proto::FilesNote const& told, Channel const& channel);
    proto::Event event_of(Channel const& channel, proto::FileDeed deed, std::string_view path) const;
    std::size_t open_of(CallerId caller) const;
    std::size_t open_of(SessionId session) const;
    template <class Message>
    void send(Message const& message)
    {
        if (front_) front_->send(message);
    }

    wire::Loop& loop_;
    Clock const& clock_;
    FilesDeskConfig config_;
    Wires wires_;
    FilesAccess access_;
    std::unique_ptr<wire::Link> front_;
    std::unordered_map<RequestId, Pending> pending_;
    std::unordered_map<proto::FilesChannelId, Channel> channels_;
    std::unordered_map<SessionId, helper::Fold> lists_;
    std::map<std::string, helper::Fold, std::less<>> refusals_;  // by caller; bounded by the manifest's callers, and one for strangers
    std::uint64_t last_ = 0;
    bool stopping_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this and the records being written
};

}  // namespace ocu::storage
