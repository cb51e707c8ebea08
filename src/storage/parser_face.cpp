// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/parser_face.h"

#include <format>

#include "storage/archive_guard.h"
#include "storage/archive_inspect.h"
#include "storage/image_scale.h"
#include "storage/staged_source.h"

namespace ocu::storage {

namespace {

proto::Inspected text_answer(RequestId request, bool good, std::string text)
{
    proto::Inspected answer;
    answer.request = request;
    answer.good = good;
    answer.content = proto::Content::text;
    answer.mime = "text/plain";
    answer.body = std::move(text);
    return answer;
}

proto::Inspected inspect_image(proto::Inspect const& request, int side_px_max)
{
    auto const bytes = std::as_bytes(std::span(request.body.str()));
    auto scaled = scale_image(bytes, side_px_max, proto::kAnswerBytesMax);
    if (scaled) {
        proto::Inspected answer;
        answer.request = request.request;
        answer.good = true;
        answer.content = proto::Content::image;
        answer.mime = scaled->mime;
        answer.body = std::move(scaled->bytes);
        return answer;
    }
    if (auto const kind = unopened_kind(bytes); !kind.empty())
        return text_answer(request.request, true,
            std::format("{} image, {} bytes. This kind is not shown directly: convert it to PNG in the sandbox and view the result.", kind,
                bytes.size()));
    return text_answer(
        request.request, true, std::format("An image of {} bytes that cannot be shown: {}.", bytes.size(), scaled.error().what.view()));
}

proto::Inspected inspect_archive_body(proto::Inspect const& request)
{
    auto const bytes = std::as_bytes(std::span(request.body.str()));
    auto const report = inspect_archive(bytes);
    if (!report)
        return text_answer(
            request.request, true, std::format("{} bytes that are no archive of a known kind, or one that is corrupt.", bytes.size()));
    return text_answer(request.request, true, describe(*report, bytes.size(), proto::kAnswerTextCharsMax));
}

}  // namespace

proto::Inspected inspect(proto::Inspect const& request, proto::ParserConfig const& config)
{
    switch (request.content) {
    case proto::Content::image: return inspect_image(request, config.image_side_px_max);
    case proto::Content::archive: return inspect_archive_body(request);
    case proto::Content::text: break;
    }
    return text_answer(request.request, false, {});
}

proto::ArchiveChecked check(proto::CheckArchive const& request, UniqueFd channel)
{
    StagedSource upload(std::move(channel), request.bytes);
    return {request.request, check_archive(upload)};
}

}  // namespace ocu::storage
