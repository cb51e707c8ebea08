// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The broker's ends of the file API's channels (F11): one for each request, with what that request may do. Frames in, operations of FileService, frames
// out; what changes files waits for the storage thread's word that it is on record. An upload that begins as an archive waits before that for the parser's
// word, which reads it from here by a channel of its own (SB-7). Threading: the broker's loop.
//
//   threats   T-14 a front that breaks the grammar loses that channel, and its upload is undone   T-32 an archive that harms whoever unpacks it

#include <functional>
#include <memory>
#include <unordered_map>

#include "proto/broker_to_storage.h"
#include "proto/files_front_to_broker.h"
#include "proto/parser_to_broker.h"
#include "storage/file_service.h"
#include "wire/link.h"
#include "wire/loop.h"

namespace ocu::storage {

class FileChannels {
public:
    // `to_storage` outlives it.
    FileChannels(wire::Loop& loop, FileService& files, wire::Link& to_storage);
    ~FileChannels();

    // A frame of the storage thread's. False: it broke the grammar.
    bool storage_said(wire::Link::Frame& frame);

private:
    struct Channel;
    using Id = proto::FilesChannelId;

    bool opened(wire::Link::Frame& frame);
    void recorded(proto::FilesRecorded const& told);
    void front_said(Channel& channel, wire::Link::Frame const& frame);
    void on_list(Channel& channel, proto::FileList const& wanted);
    void on_open(Channel& channel, proto::FileOpen const& wanted);
    void on_read(Channel& channel, proto::FileRead const& wanted);
    void on_begin(Channel& channel, proto::FileBegin const& wanted);
    void on_piece(Channel& channel, proto::FilePiece const& piece);
    void on_end(Channel& channel);
    void check_source(Id id, UniqueFd theirs);
    void parser_said(Channel& channel, wire::Link::Frame const& frame);
    void checked(proto::FilesChecked const& told);
    void ask_record(Channel& channel);
    void on_remove(Channel& channel, proto::FileRemove const& wanted);
    void fault(Channel& channel, proto::Reason reason, std::string_view path, proto::ArchiveRule rule = {});
    void note(Channel const& channel, proto::FileDeed deed, std::string_view path, std::uint64_t bytes, proto::Reason reason,
        std::string_view detail = {});
    void undo(Channel& channel);
    void lost(Id id);

    wire::Loop& loop_;
    FileService& files_;
    wire::Link& storage_;
    std::unordered_map<Id, std::unique_ptr<Channel>> channels_;
};

}  // namespace ocu::storage
