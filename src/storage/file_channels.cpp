// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/file_channels.h"

#include <algorithm>
#include <format>

#include "storage/archive_kind.h"
#include "storage/limits.h"

namespace ocu::storage {

using proto::FileDeed;
using proto::Reason;

namespace {

constexpr std::size_t kChannelQueueBytesMax = 1u << 20;

template <class Message>
constexpr std::uint16_t number = static_cast<std::uint16_t>(Message::kType);

// What an auditor may want to know of an archive that was let in.
std::string noted(proto::ArchiveVerdict const& archive)
{
    if (archive.entries == 0) return {};
    auto out = std::format(" entries={} unpacked={}", archive.entries, archive.unpacked_bytes);
    if (archive.nested != 0) out += std::format(" archives_inside={}", archive.nested);
    if (archive.not_utf8 != 0) out += std::format(" names_not_utf8={}", archive.not_utf8);
    if (archive.repeated != 0) out += std::format(" names_repeated={}", archive.repeated);
    if (archive.case_twins != 0) out += std::format(" names_differing_by_case={}", archive.case_twins);
    return out;
}

std::string_view on_record(std::string_view path) { return path.substr(0, proto::kFilesPathOnRecordBytesMax); }

}  // namespace

struct FileChannels::Channel {
    Id id;
    proto::Intents intents = 0;
    std::uint64_t upload_bytes_max = 0;
    std::unique_ptr<wire::Link> link;
    std::optional<FileService::Reader> reader;
    std::optional<FileService::Upload> upload;
    std::string removing;         // waits for its record
    bool sealing = false;         // so does the upload, or for the parser's word
    bool checking = false;        // the latter
    std::unique_ptr<wire::Link> parser;  // which reads the upload here
    bool gone = false;            // the link has ended; the loop forgets it next
};

FileChannels::FileChannels(wire::Loop& loop, FileService& files, wire::Link& to_storage) : loop_(loop), files_(files), storage_(to_storage)
{}

FileChannels::~FileChannels()
{
    for (auto& [id, channel] : channels_) undo(*channel);
}

bool FileChannels::storage_said(wire::Link::Frame& frame)
{
    if (frame.type == number<proto::FilesChannel>) return opened(frame);
    if (frame.type == number<proto::FilesCheckSource>) {
        auto const source = wire::decode<proto::FilesCheckSource>(frame.body);
        if (source) check_source(source->channel, std::move(frame.descriptors.front()));
        return source.has_value();
    }
    if (frame.type == number<proto::FilesChecked>) {
        auto const verdict = wire::decode<proto::FilesChecked>(frame.body);
        if (verdict) checked(*verdict);
        return verdict.has_value();
    }
    auto const told = wire::decode<proto::FilesRecorded>(frame.body);
    if (!told) return false;
    recorded(*told);
    return true;
}

bool FileChannels::opened(wire::Link::Frame& frame)
{
    auto const told = wire::decode<proto::FilesChannel>(frame.body);
    if (!told || channels_.contains(told->channel) || channels_.size() >= 2 * kChannelsPerSessionMax) return false;
    auto channel = std::make_unique<Channel>();
    channel->id = told->channel;
    channel->intents = told->intents;
    channel->upload_bytes_max = told->upload_bytes_max;
    auto* const at = channel.get();
    channel->link = std::make_unique<wire::Link>(
        loop_, std::move(frame.descriptors.front()), wire::Link::Options{proto::kFrontMaySendFiles, kChannelQueueBytesMax},
        [this, at](wire::Link::Frame said) { front_said(*at, said); },
        [this, at](wire::Lost) {
            at->gone = true;
            undo(*at);
            loop_.post([this, id = at->id] { lost(id); });  // not from within the link's own call
        });
    channels_.emplace(told->channel, std::move(channel));
    return true;
}

void FileChannels::lost(Id id)
{
    if (channels_.erase(id) == 1) storage_.send(proto::FilesClosed{id});
}

// What was open is closed; an upload that nobody has been told is whole leaves nothing.
void FileChannels::undo(Channel& channel)
{
    if (channel.reader) files_.close(*channel.reader);
    channel.reader.reset();
    if (channel.upload) files_.abandon(*channel.upload);
    channel.upload.reset();
    // From the loop, since this may be a call of its own. The parser sees the end of what it was reading.
    if (channel.parser) loop_.post([link = std::shared_ptr<wire::Link>(std::move(channel.parser))] {});
    channel.sealing = channel.checking = false;
}

void FileChannels::note(
    Channel const& channel, FileDeed deed, std::string_view path, std::uint64_t bytes, Reason reason, std::string_view detail)
{
    storage_.send(proto::FilesNote{channel.id, deed, reason, on_record(path), bytes, wire::Text<96>::cut(detail)});
}

void FileChannels::fault(Channel& channel, Reason reason, std::string_view path, proto::ArchiveRule rule)
{
    std::string detail(rule == proto::ArchiveRule::none ? std::string_view() : proto::name_of(rule));
    if (reason == Reason::type_denied && channel.upload) detail = files_.media_type(*channel.upload);
    undo(channel);
    // Asking for what is not there is no refusal.
    if (reason != Reason::not_found) note(channel, FileDeed::refused, path, 0, reason, detail);
    channel.link->send(proto::FileFault{reason, rule});
}

void FileChannels::front_said(Channel& channel, wire::Link::Frame const& frame)
{
    auto const with = [&]<class Message>(void (FileChannels::*then)(Channel&, Message const&)) {
        auto const message = wire::decode<Message>(frame.body);
        if (!message) return channel.link->violation();
        (this->*then)(channel, *message);
    };
    if (channel.gone) return;
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::file_list: return with(&FileChannels::on_list);
    case proto::Type::file_open: return with(&FileChannels::on_open);
    case proto::Type::file_read: return with(&FileChannels::on_read);
    case proto::Type::file_begin: return with(&FileChannels::on_begin);
    case proto::Type::file_piece: return with(&FileChannels::on_piece);
    case proto::Type::file_end: return on_end(channel);
    case proto::Type::file_remove: return with(&FileChannels::on_remove);
    default: return channel.link->violation();
    }
}

void FileChannels::on_list(Channel& channel, proto::FileList const& wanted)
{
    auto const page = files_.list(channel.intents, wanted);
    if (!page) return fault(channel, page.error(), wanted.path.view());
    bool const archive = wanted.use == proto::FileUse::archive;
    if (wanted.after.empty()) note(channel, archive ? FileDeed::archive : FileDeed::list, wanted.path.view(), 0, Reason::none);
    channel.link->send(*page);
}

void FileChannels::on_open(Channel& channel, proto::FileOpen const& wanted)
{
    if (channel.upload || !channel.removing.empty()) return channel.link->violation();
    if (channel.reader) files_.close(*std::exchange(channel.reader, std::nullopt));
    auto reader = files_.open(channel.intents, wanted.path.str(), wanted.use);
    if (!reader) return fault(channel, reader.error(), wanted.path.view());
    // An archive is one deed, recorded when it was begun.
    bool const noted = wanted.silent || wanted.use == proto::FileUse::archive;
    auto const deed = wanted.use == proto::FileUse::preview ? FileDeed::preview : FileDeed::download;
    if (!noted) note(channel, deed, wanted.path.view(), reader->entry.size, Reason::none);
    channel.link->send(proto::FileOpened{reader->entry});
    if (wanted.silent) return files_.close(*reader);
    channel.reader = std::move(*reader);
}

void FileChannels::on_read(Channel& channel, proto::FileRead const& wanted)
{
    if (!channel.reader) return channel.link->violation();
    auto bytes = files_.read(*channel.reader, wanted.offset, wanted.bytes);
    if (!bytes) return fault(channel, bytes.error(), std::string(channel.reader->entry.path.view()));
    channel.link->send(proto::FileBytes{std::move(*bytes)});
}

void FileChannels::on_begin(Channel& channel, proto::FileBegin const& wanted)
{
    if (channel.reader || channel.upload || channel.sealing) return channel.link->violation();
    auto upload = files_.begin(channel.intents, wanted, channel.upload_bytes_max);
    if (!upload) return fault(channel, upload.error(), wanted.path.view());
    channel.upload = std::move(*upload);
    channel.link->send(proto::FileReady{});
}

void FileChannels::on_piece(Channel& channel, proto::FilePiece const& piece)
{
    // After a fault what was on its way already is let fall.
    if (!channel.upload) return;
    if (channel.sealing) return channel.link->violation();
    auto const written = files_.write(*channel.upload, piece.bytes.view());
    if (!written) return fault(channel, written.error(), std::string(channel.upload->path));
    channel.link->send(proto::FileTaken{static_cast<std::uint32_t>(piece.bytes.size())});
}

void FileChannels::on_end(Channel& channel)
{
    if (!channel.upload) return;
    if (std::exchange(channel.sealing, true)) return channel.link->violation();
    auto const sealed = files_.seal(*channel.upload);
    if (!sealed) {
        channel.sealing = false;
        return fault(channel, sealed.error(), std::string(channel.upload->path));
    }
    if (archive_kind_of(channel.upload->first) == ArchiveKind::none) return ask_record(channel);
    channel.checking = true;
    storage_.send(proto::FilesCheck{channel.id, channel.upload->bytes});
}

// The parser has opened what a stranger made: it may ask for ranges of this upload, while it is being looked into, and for nothing else (T-14).
void FileChannels::check_source(Id id, UniqueFd theirs)
{
    auto const found = channels_.find(id);
    if (found == channels_.end() || found->second->gone || !found->second->checking) return;
    auto* const channel = found->second.get();
    channel->parser = std::make_unique<wire::Link>(
        loop_, std::move(theirs), wire::Link::Options{proto::kParserMayAskBroker, kChannelQueueBytesMax},
        [this, channel](wire::Link::Frame const& said) { parser_said(*channel, said); }, [](wire::Lost) {});
}

void FileChannels::parser_said(Channel& channel, wire::Link::Frame const& frame)
{
    if (!channel.upload || !channel.checking) return;
    auto const wanted = wire::decode<proto::FileRead>(frame.body);
    if (!wanted || wanted->bytes > proto::kFilePieceBytesMax) return channel.parser->violation();
    auto bytes = files_.read(*channel.upload, wanted->offset, wanted->bytes);
    if (!bytes) return channel.parser->violation();
    channel.parser->send(proto::FileBytes{std::move(*bytes)});
}

void FileChannels::checked(proto::FilesChecked const& told)
{
    auto const found = channels_.find(told.channel);
    if (found == channels_.end() || found->second->gone || !found->second->upload || !found->second->checking) return;
    auto& channel = *found->second;
    channel.checking = false;
    if (channel.parser) loop_.post([link = std::shared_ptr<wire::Link>(std::move(channel.parser))] {});
    if (told.reason != Reason::none) return fault(channel, told.reason, std::string(channel.upload->path), told.verdict.rule);
    channel.upload->archive = told.verdict;
    ask_record(channel);
}

void FileChannels::ask_record(Channel& channel)
{
    auto const& upload = *channel.upload;
    auto const about = "sha256:" + upload.sha256 + " " + files_.media_type(upload) + noted(upload.archive);
    storage_.send(proto::FilesRecord{channel.id, FileDeed::upload, on_record(upload.path), upload.bytes, wire::Text<384>::cut(about)});
}

void FileChannels::on_remove(Channel& channel, proto::FileRemove const& wanted)
{
    if (channel.reader || channel.upload || !channel.removing.empty()) return channel.link->violation();
    if (auto const good = files_.removable(channel.intents, wanted.path.str()); !good)
        return fault(channel, good.error(), wanted.path.view());
    channel.removing = wanted.path.str();
    storage_.send(proto::FilesRecord{channel.id, FileDeed::remove, on_record(channel.removing), 0, {}});
}

// Invariant 7: what is not on record is not done.
void FileChannels::recorded(proto::FilesRecorded const& told)
{
    auto const found = channels_.find(told.channel);
    if (found == channels_.end() || found->second->gone) return;
    auto& channel = *found->second;
    if (!channel.removing.empty()) {
        auto const path = std::exchange(channel.removing, {});
        auto const removed = told.good ? files_.remove(path) : Served<void>(std::unexpected(Reason::audit_unavailable));
        if (!removed) return fault(channel, removed.error(), path);
        return channel.link->send(proto::FileRemoved{});
    }
    if (!channel.upload || channel.checking || !std::exchange(channel.sealing, false)) return;
    auto const path = channel.upload->path;
    auto const written =
        told.good ? files_.commit(*channel.upload) : Served<proto::FileWritten>(std::unexpected(Reason::audit_unavailable));
    if (!written) return fault(channel, written.error(), path);
    channel.upload.reset();
    channel.link->send(*written);
}

}  // namespace ocu::storage
