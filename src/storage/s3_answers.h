// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What an S3 server's answers say, and what the words of ours are that are XML. Pure. What does not parse is nothing: it is a foreign server's.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ocu::storage {

struct S3Object {
    std::string key;
    std::uint64_t bytes = 0;
};
struct S3Listing {
    std::vector<S3Object> objects;
    std::string next;  // the continuation token; empty: this is the last page
};
struct S3Unfinished {
    std::string key;
    std::string upload_id;
};

// ListObjectsV2 and ListMultipartUploads, asked for with encoding-type=url.
std::optional<S3Listing> read_s3_listing(std::span<std::byte const> body);
std::optional<std::vector<S3Unfinished>> read_s3_uploads(std::span<std::byte const> body);
std::optional<std::string> read_s3_upload_id(std::span<std::byte const> body);
// A CompleteMultipartUpload may be answered with 200 and an error.
bool is_s3_completion(std::span<std::byte const> body);
// <Error><Code>; empty if there is none.
std::string read_s3_error(std::span<std::byte const> body);

// Of the parts 1, 2, …; nothing if one of the tags is none.
std::optional<std::string> write_s3_completion(std::span<std::string const> etags);

}  // namespace ocu::storage
