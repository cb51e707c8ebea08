// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include "storage/files_text.h"

namespace ocu::storage {

namespace {

constexpr std::size_t kZipPieceBytes = 32u << 10;
constexpr int kNanosecondsPerSecond = 1'000'000'000;

struct EndArchive {
    void operator()(archive* writer) const { ::archive_write_free(writer); }
};
struct EndEntry {
    void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};

la_ssize_t append(archive*, void* out, void const* bytes, std::size_t size)
{
    static_cast<std::string*>(out)->append(static_cast<char const*>(bytes), size);
    return static_cast<la_ssize_t>(size);
}

}  // namespace

struct ZipStream::State {
    std::unique_ptr<archive, EndArchive> writer;
    bool good = false;
};

ZipStream::ZipStream() : state_(std::make_unique<State>())
{
    state_->writer.reset(::archive_write_new());
    auto* const writer = state_->writer.get();
    // No character set is converted (that would load modules from disk): names go out as the bytes that they are.
    state_->good = ::archive_write_set_format_zip(writer) == ARCHIVE_OK &&
                   ::archive_write_set_options(writer, "zip:compression=deflate") == ARCHIVE_OK &&
                   ::archive_write_set_bytes_per_block(writer, 0) == ARCHIVE_OK &&
                   ::archive_write_open2(writer, out_.get(), nullptr, append, nullptr, nullptr) == ARCHIVE_OK;
}

ZipStream::~ZipStream() = default;

Result<void> ZipStream::begin(std::string_view name, std::uint64_t size, std::int64_t modified_ns)
{
    std::unique_ptr<archive_entry, EndEntry> const entry(::archive_entry_new());
    if (!state_->good || !entry) return fail(Fault::os, "no archive can be made");
    ::archive_entry_set_pathname(entry.get(), std::string(name).c_str());
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), 0644);
    ::archive_entry_set_mtime(entry.get(), modified_ns / kNanosecondsPerSecond, 0);
    if (::archive_write_header(state_->writer.get(), entry.get()) < ARCHIVE_WARN) return fail(Fault::os, "archive entry");
    return {};
}

Result<void> ZipStream::data(std::string_view bytes)
{
    auto const put = ::archive_write_data(state_->writer.get(), bytes.data(), bytes.size());
    if (put != static_cast<la_ssize_t>(bytes.size())) return fail(Fault::os, "archive data");
    return {};
}

Result<void> ZipStream::end()
{
    if (!state_->good || ::archive_write_close(state_->writer.get()) < ARCHIVE_WARN) return fail(Fault::os, "end of archive");
    return {};
}

void ArchiveJob::ask_page()
{
    ask(proto::FileList{context_.request.path, last_, proto::FileTree::every_file, proto::FileUse::archive, proto::kFileEntriesMax});
}

bool ArchiveJob::said(wire::Link::Frame const& frame)
{
    if (is<proto::FileEntries>(frame)) {
        auto page = wire::decode<proto::FileEntries>(frame.body);
        if (!page) return false;
        if (!std::exchange(begun_, true))
            context_.reply->begin_stream(200, {{"Content-Type", "application/zip"}, {"Cache-Control", "no-store"},
                                                  {"Content-Disposition", disposition("attachment", context_.request.path + ".zip")},
                                                  {"X-Content-Type-Options", "nosniff"}, {"Cross-Origin-Resource-Policy", "same-origin"}});
        page_ = page->entries.items();
        at_ = 0;
        more_ = page->more && !page_.empty();
        if (!page_.empty()) last_ = page_.back().path.str();
        next();
        return true;
    }
    if (is<proto::FileOpened>(frame)) {
        auto const told = wire::decode<proto::FileOpened>(frame.body);
        if (!told) return false;
        left_ = told->entry.size;
        offset_ = 0;
        auto const below = context_.request.path.size() + 1;
        put(zip_.begin(told->entry.path.view().substr(std::min(below, told->entry.path.size())), left_, told->entry.modified_ns), false);
        return true;
    }
    if (!is<proto::FileBytes>(frame)) return false;
    auto const told = wire::decode<proto::FileBytes>(frame.body);
    if (!told) return false;
    auto const wanted = std::min<std::uint64_t>(left_, kZipPieceBytes);
    if (told->bytes.size() != wanted) {  // cut meanwhile: an archive that says so by its end is better than one that lies
        cut();
        return true;
    }
    left_ -= wanted;
    offset_ += wanted;
    put(zip_.data(told->bytes.view()), false);
    return true;
}

// What the archive has grown by goes out; when that is welcome, the next thing is read.
void ArchiveJob::put(Result<void> const& done, bool last)
{
    if (!done) return cut();
    if (auto bytes = zip_.take(); !bytes.empty()) context_.reply->write(std::move(bytes));
    if (last) {
        context_.reply->end();
        return finish();
    }
    context_.reply->on_writable([held = weak<ArchiveJob>()] {
        auto const self = held.lock();
        if (!self) return;
        self->patience();
        self->read_more();
    });
}

void ArchiveJob::read_more()
{
    if (left_ > 0) return ask(proto::FileRead{offset_, static_cast<std::uint32_t>(std::min<std::uint64_t>(left_, kZipPieceBytes))});
    next();
}

void ArchiveJob::next()
{
    while (at_ < page_.size() && page_[at_].withheld != proto::Reason::none) ++at_;
    if (at_ < page_.size()) return ask(proto::FileOpen{page_[at_++].path, proto::FileUse::archive, false});
    if (more_) return ask_page();
    put(zip_.end(), true);
}

}  // namespace ocu::storage
