// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/s3_answers.h"

#include <algorithm>
#include <charconv>

#include "storage/limits.h"
#include "wire/percent.h"
#include "wire/xml.h"

namespace ocu::storage {

namespace {

constexpr std::size_t kEtagBytesMax = 128;
constexpr std::size_t kUploadIdBytesMax = 1'024;
constexpr wire::XmlLimits kXml{.bytes_max = kS3ListBytesMax};

std::string_view text_of(std::span<std::byte const> body) { return {reinterpret_cast<char const*>(body.data()), body.size()}; }

// encoding-type=url, where a space may be a plus sign.
std::optional<std::string> decoded_key(std::string_view text)
{
    std::string spaced(text);
    std::ranges::replace(spaced, '+', ' ');
    return wire::percent_decoded(spaced);
}

bool is_upload_id(std::string_view text)
{
    return !text.empty() && text.size() <= kUploadIdBytesMax && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

std::optional<S3Listing> read_s3_listing(std::span<std::byte const> body)
{
    S3Listing listing;
    S3Object object;
    bool whole = true;
    bool more = false;
    bool root = false;
    auto const read = wire::read_xml(text_of(body), kXml, [&](std::string_view path, std::string_view text) {
        if (path == "/ListBucketResult/Contents/Key") {
            auto key = decoded_key(text);
            whole = whole && key.has_value();
            object.key = key.value_or("");
        } else if (path == "/ListBucketResult/Contents/Size") {
            auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), object.bytes);
            whole = whole && fault == std::errc{} && end == text.data() + text.size();
        } else if (path == "/ListBucketResult/Contents") {
            whole = whole && !object.key.empty();
            listing.objects.push_back(std::exchange(object, {}));
        } else if (path == "/ListBucketResult/NextContinuationToken") {
            listing.next = text;
        } else if (path == "/ListBucketResult/IsTruncated") {
            more = text == "true";
        }
        root = path == "/ListBucketResult";
    });
    if (!read || !whole || !root || (more && listing.next.empty())) return std::nullopt;
    if (!more) listing.next.clear();
    return listing;
}

std::optional<std::vector<S3Unfinished>> read_s3_uploads(std::span<std::byte const> body)
{
    std::vector<S3Unfinished> uploads;
    S3Unfinished upload;
    bool whole = true;
    bool root = false;
    auto const read = wire::read_xml(text_of(body), kXml, [&](std::string_view path, std::string_view text) {
        if (path == "/ListMultipartUploadsResult/Upload/Key") {
            auto key = decoded_key(text);
            whole = whole && key.has_value();
            upload.key = key.value_or("");
        } else if (path == "/ListMultipartUploadsResult/Upload/UploadId") {
            upload.upload_id = text;
        } else if (path == "/ListMultipartUploadsResult/Upload") {
            whole = whole && !upload.key.empty() && is_upload_id(upload.upload_id);
            uploads.push_back(std::exchange(upload, {}));
        }
        root = path == "/ListMultipartUploadsResult";
    });
    if (!read || !whole || !root) return std::nullopt;
    return uploads;
}

std::optional<std::string> read_s3_upload_id(std::span<std::byte const> body)
{
    std::string id;
    auto const read = wire::read_xml(text_of(body), kXml, [&id](std::string_view path, std::string_view text) {
        if (path == "/InitiateMultipartUploadResult/UploadId") id = text;
    });
    if (!read || !is_upload_id(id)) return std::nullopt;
    return id;
}

bool is_s3_completion(std::span<std::byte const> body)
{
    bool root = false;
    auto const read = wire::read_xml(
        text_of(body), kXml, [&root](std::string_view path, std::string_view) { root = path == "/CompleteMultipartUploadResult"; });
    return read.has_value() && root;
}

std::string read_s3_error(std::span<std::byte const> body)
{
    std::string code;
    auto const read = wire::read_xml(text_of(body), kXml, [&code](std::string_view path, std::string_view text) {
        if (path == "/Error/Code") code = text;
    });
    return read ? code : std::string();
}

std::optional<std::string> write_s3_completion(std::span<std::string const> etags)
{
    auto const plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'; };
    std::string text = "<CompleteMultipartUpload>";
    std::size_t number = 0;
    for (std::string_view etag : etags) {
        if (etag.starts_with('"') && etag.ends_with('"') && etag.size() >= 2) etag = etag.substr(1, etag.size() - 2);
        if (etag.empty() || etag.size() > kEtagBytesMax || !std::ranges::all_of(etag, plain)) return std::nullopt;
        text += "<Part><PartNumber>" + std::to_string(++number) + "</PartNumber><ETag>&quot;";
        text.append(etag).append("&quot;</ETag></Part>");
    }
    return text + "</CompleteMultipartUpload>";
}

}  // namespace ocu::storage
