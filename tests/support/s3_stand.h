// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An S3 store in memory, over local sockets, that a test can look into and for which it can speak: what a real one (tests/process/s3) never says.
// Each connection is a thread's; the test's own words run under the stand's lock. Made before the engine that uses it.

#include <sys/socket.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/crypto/crypto.h"
#include "base/secret.h"
#include "storage/s3_segments.h"
#include "wire/percent.h"

namespace ocu::test {

struct S3Heard {
    std::string head;  // with its empty line
    std::string body;

    std::string method() const { return head.substr(0, head.find(' ')); }
    std::string target() const
    {
        auto const at = head.find(' ') + 1;
        return head.substr(at, head.find(' ', at) - at);
    }
    // Within the bucket.
    std::string key() const
    {
        auto const path = target().substr(0, target().find('?'));
        auto const at = path.find('/', 1);
        return at == std::string::npos ? "" : wire::percent_decoded(path.substr(at + 1)).value_or("");
    }
    std::string query(std::string const& name) const
    {
        auto const text = "&" + (target().contains('?') ? target().substr(target().find('?') + 1) : "") + "&";
        auto const at = text.find("&" + name + "=");
        if (at == std::string::npos) return "";
        auto const from = at + name.size() + 2;
        return wire::percent_decoded(text.substr(from, text.find('&', from) - from)).value_or("");
    }
    bool asks(std::string const& name) const { return (target() + "&").contains(name + "="); }
    std::string field(std::string const& name) const
    {
        auto const at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos) return "";
        auto const from = at + name.size() + 4;
        return head.substr(from, head.find("\r\n", from) - from);
    }
};

inline std::string s3_answer(int status, std::string_view body = {}, std::string_view fields = {})
{
    return "HTTP/1.1 " + std::to_string(status) + " Said\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(fields) +
           "\r\n" + std::string(body);
}

class S3Stand {
public:
    // The whole answer; none: the store's own; kHangUp, kCut (in the midst of its head), kSilence.
    using Say = std::function<std::optional<std::string>(S3Heard const&)>;
    static constexpr auto kHangUp = "";
    static constexpr auto kCut = "HTTP/1.1 200 Said\r\nContent-";
    static constexpr auto kSilence = "silence";

    S3Stand() { (void)wire::http_begin(); }
    ~S3Stand()
    {
        for (auto const& each : ends_) ::shutdown(each.get(), SHUT_RDWR);
        for (auto& each : threads_) each.join();
    }
    storage::S3Place place() const { return {"http://s3.test:9000", "eu-1", "b", "p/", true, {}}; }
    static Secret credential(std::string const& text = "tenant:id:hidden0hidden")
    {
        return std::move(*Secret::copy_of(crypto::as_bytes(text)));
    }
    storage::S3Connect connect()
    {
        return [this]() -> storage::Answer<UniqueFd> {
            int pair[2];
            if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return storage::refuse(EIO);
            std::lock_guard const held(lock);
            ends_.emplace_back(pair[0]);
            threads_.emplace_back([this, fd = pair[0]] { serve(fd); });
            return UniqueFd(pair[1]);
        };
    }
    storage::S3Segments engine(storage::S3Segments::Rules rules = {}) { return {place(), credential(), connect(), clock, rules}; }
    void say(Say words)
    {
        std::lock_guard const held(lock);
        say_ = std::move(words);
    }
    // The first `times` requests for which `which` is true are answered so; afterwards the store speaks for itself.
    void say(std::string answer, std::function<bool(S3Heard const&)> which, int times = 1'000'000)
    {
        say([answer = std::move(answer), which = std::move(which), times](S3Heard const& heard) mutable -> std::optional<std::string> {
            if (!which(heard) || times-- <= 0) return std::nullopt;
            return answer;
        });
    }
    // "PUT p/00000001/0000000000", in the order in which they came.
    std::vector<std::string> said_to_it()
    {
        std::lock_guard const held(lock);
        return std::exchange(log_, {});
    }
    std::string object(std::string const& key)
    {
        std::lock_guard const held(lock);
        return objects.contains(key) ? objects.at(key) : "none";
    }
    // The store's own answer; for a test's words, which hold the lock.
    std::string answer_to(S3Heard const& heard);

    std::mutex lock;
    std::map<std::string, std::string> objects;
    struct Upload {
        std::string key;
        std::map<std::size_t, std::string> parts;
    };
    std::map<std::string, Upload> uploads;
    std::size_t page = 1'000;
    std::string all_heads;  // everything that was ever said to it but the bodies
    SystemClock clock;

private:
    void serve(int fd);
    static bool hear(int fd, std::string& data, S3Heard& heard);
    std::string complete(S3Heard const& heard);
    std::string get(S3Heard const& heard) const;
    std::string list(S3Heard const& heard) const;

    Say say_;
    std::vector<UniqueFd> ends_;
    std::vector<std::thread> threads_;
    std::vector<std::string> log_;
};

inline bool S3Stand::hear(int fd, std::string& data, S3Heard& heard)
{
    std::size_t body = 0;
    std::string piece(64u << 10, '\0');
    for (;;) {
        auto const end = data.find("\r\n\r\n");
        if (end != std::string::npos) {
            heard.head = data.substr(0, end + 4);
            auto const length = heard.field("Content-Length");
            body = length.empty() ? 0 : std::stoul(length);
            if (data.size() >= end + 4 + body) {
                heard.body = data.substr(end + 4, body);
                data.erase(0, end + 4 + body);
                return true;
            }
        }
        auto const got = ::recv(fd, piece.data(), piece.size(), 0);
        if (got <= 0) return false;
        data.append(piece, 0, static_cast<std::size_t>(got));
    }
}

inline void S3Stand::serve(int fd)
{
    std::string data;
    S3Heard heard;
    while (hear(fd, data, heard)) {
        std::string answer;
        {
            std::lock_guard const held(lock);
            log_.push_back(heard.method() + " " + heard.key());
            all_heads += heard.head;
            auto const said = say_ ? say_(heard) : std::nullopt;
            answer = said ? *said : answer_to(heard);
        }
        if (answer == kSilence) continue;
        std::string_view left = answer;
        while (!left.empty()) {
            auto const sent = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
            if (sent <= 0) break;
            left.remove_prefix(static_cast<std::size_t>(sent));
        }
        if (answer == kCut || !answer.starts_with("HTTP/")) break;
    }
    ::shutdown(fd, SHUT_RDWR);
}

inline std::string S3Stand::complete(S3Heard const& heard)
{
    auto const found = uploads.find(heard.query("uploadId"));
    if (found == uploads.end()) return s3_answer(404, "<Error><Code>NoSuchUpload</Code></Error>");
    std::string whole;
    std::string words = "<CompleteMultipartUpload>";
    for (auto const& [number, part] : found->second.parts) {
        whole += part;
        words +=
            "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>&quot;of" + std::to_string(number) + "&quot;</ETag></Part>";
    }
    if (heard.body != words + "</CompleteMultipartUpload>") return s3_answer(400, "<Error><Code>InvalidPart</Code></Error>");
    objects[found->second.key] = whole;
    uploads.erase(found);
    return s3_answer(200, "<CompleteMultipartUploadResult/>");
}

inline std::string S3Stand::get(S3Heard const& heard) const
{
    if (!objects.contains(heard.key())) return s3_answer(404);
    auto const& whole = objects.at(heard.key());
    auto const range = heard.field("Range");
    if (range.empty()) return s3_answer(200, whole);
    auto const dash = range.find('-');
    auto const from = std::stoul(range.substr(6));
    return s3_answer(206, whole.substr(from, std::stoul(range.substr(dash + 1)) - from + 1));
}

inline std::string S3Stand::list(S3Heard const& heard) const
{
    std::string text = "<ListBucketResult>";
    std::size_t count = 0;
    for (auto const& [key, content] : objects) {
        if (!key.starts_with(heard.query("prefix")) || key <= heard.query("continuation-token")) continue;
        if (count++ == page) {
            text += "<IsTruncated>true</IsTruncated></ListBucketResult>";
            break;
        }
        text += "<NextContinuationToken>" + key + "</NextContinuationToken>";
        text += "<Contents><Key>" + key + "</Key><Size>" + std::to_string(content.size()) + "</Size></Contents>";
    }
    return s3_answer(200, text.ends_with("</ListBucketResult>") ? text : text + "</ListBucketResult>");
}

inline std::string S3Stand::answer_to(S3Heard const& heard)
{
    auto const method = heard.method();
    auto const key = heard.key();
    auto const upload = uploads.find(heard.query("uploadId"));
    if (method == "GET" && key.empty() && heard.asks("uploads")) {
        std::string text = "<ListMultipartUploadsResult>";
        for (auto const& [id, each] : uploads) text += "<Upload><Key>" + each.key + "</Key><UploadId>" + id + "</UploadId></Upload>";
        return s3_answer(200, text + "</ListMultipartUploadsResult>");
    }
    if (method == "GET") return key.empty() ? list(heard) : get(heard);
    if (method == "HEAD")
        return objects.contains(key) ? "HTTP/1.1 200 Said\r\nContent-Length: " + std::to_string(objects.at(key).size()) + "\r\n\r\n"
                                     : s3_answer(404);
    if (method == "DELETE" && heard.asks("uploadId")) return s3_answer(uploads.erase(heard.query("uploadId")) == 1 ? 204 : 404);
    if (method == "DELETE") return s3_answer(objects.erase(key) == 1 ? 204 : 404);
    if (method == "POST" && heard.asks("uploads")) {
        auto const id = "up" + std::to_string(uploads.size() + 1);
        uploads[id] = {key, {}};
        return s3_answer(200, "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>");
    }
    if (method == "POST") return complete(heard);
    if (heard.asks("partNumber")) {
        if (upload == uploads.end()) return s3_answer(404, "<Error><Code>NoSuchUpload</Code></Error>");
        upload->second.parts[std::stoul(heard.query("partNumber"))] = heard.body;
        return s3_answer(200, {}, "ETag: \"of" + heard.query("partNumber") + "\"\r\n");
    }
    if (heard.field("If-None-Match") == "*" && objects.contains(key)) return s3_answer(412);
    objects[key] = heard.body;
    return s3_answer(200, {}, "ETag: \"whole\"\r\n");
}

}  // namespace ocu::test
