// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_upload.h"

#include <charconv>

#include "storage/file_service.h"
#include "storage/files_text.h"

namespace ocu::storage {

using proto::Reason;
using Said = wire::Multipart::Said;

namespace {

constexpr std::size_t kFieldBytesMax = 4u << 10;

std::uint64_t length_told(wire::HttpRequest const& head)
{
    auto const text = head.header("content-length");
    std::uint64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

wire::Json written_json(proto::FileWritten const& written)
{
    auto out = entry_json(written.entry);
    out.set("sha256", written.sha256.view());
    return out;
}

}  // namespace

void UploadJob::begin()
{
    // Nobody's page puts a form's encoding into a raw body by accident: it is a client that took one call for the other.
    ask(proto::FileBegin{context_.request.path, length_told(context_.head), context_.request.downloadable});
}

bool UploadJob::said(wire::Link::Frame const& frame)
{
    if (is<proto::FileReady>(frame)) {
        read_on();
        return true;
    }
    if (is<proto::FileTaken>(frame)) {
        auto const taken = wire::decode<proto::FileTaken>(frame.body);
        if (!taken || taken->bytes > unanswered_) return false;
        unanswered_ -= taken->bytes;
        read_on();
        return true;
    }
    auto const written = is<proto::FileWritten>(frame) ? wire::decode<proto::FileWritten>(frame.body)
                                                       : Result<proto::FileWritten>(fail(Fault::malformed, "not asked for"));
    if (!written || !ended_) return false;
    auto response = files_json(written->replaced ? 200 : 201, written_json(*written));
    response.headers.push_back({"ETag", etag_of(written->entry)});
    answer(std::move(response));
    return true;
}

void UploadJob::read_on()
{
    if (reading_ || ended_ || unanswered_ + wire::kHttpPieceBytesMax > proto::kFileAheadBytes) return;
    reading_ = true;
    context_.reply->read_body([held = weak<UploadJob>()](wire::HttpPiece piece) {
        if (auto const self = held.lock()) self->took(std::move(piece));
    });
}

void UploadJob::took(wire::HttpPiece piece)
{
    reading_ = false;
    if (piece.kind == wire::HttpPiece::Kind::failed) return finish();
    patience();
    std::string_view rest = piece.bytes;
    while (!rest.empty()) {
        auto const now = rest.substr(0, proto::kFilePieceBytesMax);
        ask(proto::FilePiece{now});
        unanswered_ += now.size();
        rest.remove_prefix(now.size());
    }
    if (piece.kind == wire::HttpPiece::Kind::last) {
        ended_ = true;
        return ask(proto::FileEnd{});
    }
    read_on();
}

bool FormJob::said(wire::Link::Frame const& frame)
{
    if (is<proto::FileReady>(frame)) {
        waiting_ = false;
    } else if (is<proto::FileTaken>(frame)) {
        auto const taken = wire::decode<proto::FileTaken>(frame.body);
        if (!taken || taken->bytes > unanswered_) return false;
        unanswered_ -= taken->bytes;
    } else if (is<proto::FileWritten>(frame)) {
        auto const written = wire::decode<proto::FileWritten>(frame.body);
        if (!written) return false;
        files_.push(written_json(*written));
        ++count_;
        waiting_ = false;
    } else {
        return false;
    }
    go_on();
    return true;
}

// As far as it goes without the broker's word or the client's bytes.
void FormJob::go_on()
{
    while (!waiting_ && !reading_ && unanswered_ + wire::kHttpPieceBytesMax <= proto::kFileAheadBytes && step()) {
    }
}

// False: nothing further now, or ever.
bool FormJob::step()
{
    switch (form_.next()) {
    case Said::part: return take_part();
    case Said::data: return take_data();
    case Said::part_ends: return take_end();
    case Said::ended: return all_read();
    case Said::malformed: refuse(Reason::bad_request); return false;
    case Said::need_more: break;
    }
    if (last_read_) {
        refuse(Reason::bad_request);
        return false;
    }
    reading_ = true;
    context_.reply->read_body([held = weak<FormJob>()](wire::HttpPiece piece) {
        auto const self = held.lock();
        if (!self) return;
        self->reading_ = false;
        if (piece.kind == wire::HttpPiece::Kind::failed) return self->finish();
        self->patience();
        self->last_read_ = piece.kind == wire::HttpPiece::Kind::last;
        self->form_.feed(piece.bytes);
        self->go_on();
    });
    return false;
}

bool FormJob::take_part()
{
    if (form_.name() != "file") {
        part_ = Part::field;
        field_.clear();
        return true;
    }
    part_ = Part::file;
    auto const path = directory_ + "/" + form_.filename();
    if (form_.filename().empty() || !path_parts(path) || !proto::FilePath::fits(path)) {
        refuse(Reason::bad_request);
        return false;
    }
    waiting_ = true;
    ask(proto::FileBegin{path, 0, downloadable_});
    return true;
}

bool FormJob::take_data()
{
    if (part_ == Part::field) {
        field_ += form_.data();
        if (field_.size() <= kFieldBytesMax) return true;
        refuse(Reason::bad_request);
        return false;
    }
    std::string_view rest = form_.data();
    while (!rest.empty()) {
        auto const now = rest.substr(0, proto::kFilePieceBytesMax);
        ask(proto::FilePiece{now});
        unanswered_ += now.size();
        rest.remove_prefix(now.size());
    }
    return true;
}

bool FormJob::take_end()
{
    if (std::exchange(part_, Part::none) == Part::file) {
        waiting_ = true;
        ask(proto::FileEnd{});
        return true;
    }
    if (form_.name() == "path" && !field_.empty()) {
        bool const good = path_parts(field_) && (field_ == "uploads" || field_.starts_with("uploads/"));
        if (!good) {
            refuse(Reason::bad_request);
            return false;
        }
        directory_ = field_;
    }
    if (form_.name() == "downloadable" && field_ == "false") downloadable_ = proto::Downloadable::no;
    return true;
}

bool FormJob::all_read()
{
    if (last_read_) {
        if (count_ == 0) {
            refuse(Reason::bad_request);
            return false;
        }
        auto body = wire::Json::object();
        body.set("files", std::move(files_));
        answer(files_json(201, body));
        return false;
    }
    // What comes after the last boundary is nothing; it is read so that the connection can go on.
    reading_ = true;
    context_.reply->read_body([held = weak<FormJob>()](wire::HttpPiece piece) {
        auto const self = held.lock();
        if (!self) return;
        self->reading_ = false;
        if (piece.kind == wire::HttpPiece::Kind::failed) return self->finish();
        self->last_read_ = piece.kind == wire::HttpPiece::Kind::last;
        self->go_on();
    });
    return false;
}

}  // namespace ocu::storage
