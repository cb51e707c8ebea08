// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_job.h"

#include "storage/files_archive.h"
#include "storage/files_download.h"
#include "storage/files_listing.h"
#include "storage/files_text.h"
#include "storage/files_upload.h"
#include "storage/limits.h"

namespace ocu::storage {

using proto::Reason;

void FilesJob::start(UniqueFd channel)
{
    auto const held = weak_from_this();
    link_ = std::make_unique<wire::Link>(
        context_.loop, std::move(channel), wire::Link::Options{proto::kBrokerMaySendFiles, 1u << 20},
        [held](wire::Link::Frame frame) {
            auto const self = held.lock();
            if (!self || self->over_) return;
            self->patience();
            if (is<proto::FileFault>(frame)) {
                auto const fault = wire::decode<proto::FileFault>(frame.body);
                if (fault && fault->reason == Reason::archive_refused && !self->begun_)
                    return self->answer(archive_error(fault->rule, self->context_.trace));
                return self->refuse(fault ? fault->reason : Reason::internal);
            }
            if (!self->said(frame)) self->refuse(Reason::internal);
        },
        [held](wire::Lost) {
            if (auto const self = held.lock()) self->refuse(Reason::session_ended);
        });
    context_.reply->on_disconnect([held] {
        if (auto const self = held.lock()) self->finish();
    });
    patience();
    begin();
}

void FilesJob::patience()
{
    patience_ = context_.loop.after(kFilesPatience, [held = weak_from_this()] {
        if (auto const self = held.lock()) self->refuse(Reason::role_unavailable);
    });
}

void FilesJob::answer(wire::HttpResponse response)
{
    if (over_) return;
    context_.reply->send(std::move(response));
    finish();
}

void FilesJob::refuse(Reason reason)
{
    if (over_) return;
    if (begun_) return cut();
    answer(files_error(reason, context_.trace));
}

// The link goes later, from the loop: this may be a call of its own.
void FilesJob::finish()
{
    if (std::exchange(over_, true)) return;
    patience_.reset();
    context_.loop.post([self = shared_from_this()] {
        self->link_.reset();
        self->context_.reply.reset();
        if (auto const over = std::exchange(self->context_.over, nullptr)) over();
    });
}

std::shared_ptr<FilesJob> make_files_job(FilesJob::Context context)
{
    switch (context.request.operation) {
    case FilesOperation::list:
    case FilesOperation::manifest: return std::make_shared<ListingJob>(std::move(context));
    case FilesOperation::download:
    case FilesOperation::preview: return std::make_shared<DownloadJob>(std::move(context));
    case FilesOperation::upload: return std::make_shared<UploadJob>(std::move(context));
    case FilesOperation::form: return std::make_shared<FormJob>(std::move(context));
    case FilesOperation::archive: return std::make_shared<ArchiveJob>(std::move(context));
    default: return std::make_shared<RemovalJob>(std::move(context));
    }
}

}  // namespace ocu::storage
