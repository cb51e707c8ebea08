// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_download.h"

#include <expected>
#include <format>

#include "storage/files_text.h"

namespace ocu::storage {

namespace {

constexpr std::uint64_t kAheadOfClientBytes = 2 * proto::kFilePieceBytesMax;

}  // namespace

proto::FileUse DownloadJob::use() const
{
    return context_.request.operation == FilesOperation::preview ? proto::FileUse::preview : proto::FileUse::download;
}

// Where perhaps no byte will be wanted, the entry is looked at first: what was not fetched is not on record as fetched.
void DownloadJob::begin()
{
    looked_ = context_.head.method == "HEAD" || context_.head.count("if-none-match") != 0;
    ask(proto::FileOpen{context_.request.path, use(), looked_});
}

bool DownloadJob::said(wire::Link::Frame const& frame)
{
    if (is<proto::FileOpened>(frame) && !begun_) {
        auto const told = wire::decode<proto::FileOpened>(frame.body);
        return told && opened(told->entry);
    }
    if (!is<proto::FileBytes>(frame) || !begun_) return false;
    auto told = wire::decode<proto::FileBytes>(frame.body);
    return told && take(std::move(told->bytes).take());
}

bool DownloadJob::opened(proto::FileEntry const& entry)
{
    etag_ = etag_of(entry);
    if (std::exchange(looked_, false)) {
        if (names_etag(context_.head.header("if-none-match"), etag_)) {
            answer({304, {{"ETag", etag_}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}}});
            return true;
        }
        if (context_.head.method != "HEAD") {
            ask(proto::FileOpen{context_.request.path, use(), false});
            return true;
        }
    }
    send_head(entry);
    return true;
}

void DownloadJob::send_head(proto::FileEntry const& entry)
{
    bool const preview = use() == proto::FileUse::preview;
    std::vector<wire::HttpHeader> headers{{"Content-Type", entry.media_type.str()}, {"ETag", etag_}, {"Accept-Ranges", "bytes"},
        {"Content-Disposition", disposition(preview ? "inline" : "attachment", entry.path.view())}, {"Cache-Control", "no-store"},
        // Whoever opens it as a page of its own gets one without scripts, origin or anything from anywhere (SB-6).
        {"Content-Security-Policy", "sandbox; default-src 'none'"}, {"X-Content-Type-Options", "nosniff"},
        {"Cross-Origin-Resource-Policy", "same-origin"}, {"Referrer-Policy", "no-referrer"}};
    auto const if_range = context_.head.header("if-range");
    bool const ranged = context_.head.count("range") == 1 && (if_range.empty() || if_range == etag_);
    auto const range = ranged ? range_of(context_.head.header("range"), entry.size) : std::unexpected(NoRange::whole);
    if (!range && range.error() == NoRange::unsatisfiable) {
        auto response = files_error(416, "range_not_satisfiable", context_.trace);
        response.headers.push_back({"Content-Range", std::format("bytes */{}", entry.size)});
        return answer(std::move(response));
    }
    asked_ = sent_ = range ? range->first : 0;
    end_ = range ? range->first + range->bytes : entry.size;
    if (range) headers.push_back({"Content-Range", std::format("bytes {}-{}/{}", sent_, end_ - 1, entry.size)});
    begun_ = true;
    context_.reply->begin_body(range ? 206 : 200, std::move(headers), end_ - sent_);
    if (context_.head.method == "HEAD") return finish();
    if (sent_ == end_) {
        context_.reply->end();
        return finish();
    }
    pump();
}

void DownloadJob::pump()
{
    while (welcome_ && asked_ < end_ && asked_ - sent_ < kAheadOfClientBytes) {
        auto const now = std::min<std::uint64_t>(end_ - asked_, proto::kFilePieceBytesMax);
        ask(proto::FileRead{asked_, static_cast<std::uint32_t>(now)});
        asked_ += now;
    }
}

bool DownloadJob::take(std::string bytes)
{
    auto const wanted = std::min<std::uint64_t>(end_ - sent_, proto::kFilePieceBytesMax);
    if (bytes.size() != wanted) {  // the file has been cut meanwhile: so is the answer
        cut();
        return true;
    }
    sent_ += bytes.size();
    context_.reply->write(std::move(bytes));
    if (sent_ == end_) {
        context_.reply->end();
        finish();
        return true;
    }
    welcome_ = false;
    context_.reply->on_writable([held = weak<DownloadJob>()] {
        auto const self = held.lock();
        if (!self) return;
        self->patience();
        self->welcome_ = true;
        self->pump();
    });
    return true;
}

}  // namespace ocu::storage
