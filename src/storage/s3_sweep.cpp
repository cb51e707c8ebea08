// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/s3_sweep.h"

#include <algorithm>

#include "storage/s3_answers.h"
#include "storage/s3_requests.h"
#include "wire/percent.h"

namespace ocu::storage {

namespace {

constexpr std::chrono::milliseconds kTurn{100};
constexpr std::size_t kRoundsMax = 100'000;  // of a page each: a store that lists for ever what it said was gone ends here

class Sweep {
public:
    explicit Sweep(S3Requests& requests) : requests_(requests) {}

    Answer<std::size_t> objects()
    {
        return pages("list-type=2&encoding-type=url&max-keys=1000&prefix=", [this](S3Answer const& answer) {
            std::optional<std::vector<S3Ask>> asks;
            auto const listing = read_s3_listing(answer.body);
            if (!listing) return asks;
            asks.emplace();
            for (auto const& each : listing->objects) {
                asks->push_back({.method = "DELETE", .key = each.key});
                bytes_ += each.bytes;
            }
            return asks;
        });
    }
    Answer<std::size_t> uploads()
    {
        return pages("uploads=&encoding-type=url&max-uploads=1000&prefix=", [](S3Answer const& answer) {
            std::optional<std::vector<S3Ask>> asks;
            auto const uploads = read_s3_uploads(answer.body);
            if (!uploads) return asks;
            asks.emplace();
            for (auto const& each : *uploads)
                asks->push_back({.method = "DELETE", .key = each.key, .query = "uploadId=" + wire::percent_encoded(each.upload_id)});
            return asks;
        });
    }

    // Of the objects that were listed.
    std::uint64_t bytes() const { return bytes_; }

private:
    Monotonic until() const { return requests_.now() + kS3OperationTime; }

    // The first page again and again: what was on it is gone.
    template <class Read>
    Answer<std::size_t> pages(std::string const& query, Read const& read)
    {
        auto const& prefix = requests_.place().prefix;
        std::size_t gone = 0;
        for (std::size_t round = 0; round < kRoundsMax; ++round) {
            S3Ask ask{.method = "GET", .query = query + wire::percent_encoded(prefix)};
            ask.answer_bytes_max = kS3ListBytesMax;
            auto const answer = requests_.ask(std::move(ask), until());
            if (answer.fault != 0) return refuse(answer.fault);
            auto asks = read(answer);
            // What a store lists that was not asked for is not ours to delete.
            if (!asks || !std::ranges::all_of(*asks, [&](S3Ask const& each) { return each.key.starts_with(prefix); })) return refuse(EIO);
            if (asks->empty()) return gone;
            if (auto const done = all(std::move(*asks), gone); !done) return refuse(done.error());
        }
        return refuse(EIO);
    }

    Answer<void> all(std::vector<S3Ask> asks, std::size_t& gone)
    {
        std::vector<S3Requests::Call> calls;
        std::size_t next = 0;
        int fault = 0;
        while (next < asks.size() || !calls.empty()) {
            while (next < asks.size() && calls.size() < kS3RequestsMax && fault == 0)
                calls.push_back(requests_.start(std::move(asks[next++]), until()));
            if (calls.empty()) break;
            requests_.work(kTurn);
            std::erase_if(calls, [&](S3Requests::Call call) {
                auto const answer = requests_.take(call);
                if (!answer) return false;
                if (answer->fault == 0) ++gone;
                if (answer->fault != 0 && answer->fault != ENOENT) fault = answer->fault;
                return true;
            });
        }
        return fault == 0 ? Answer<void>{} : refuse(fault);
    }

    S3Requests& requests_;
    std::uint64_t bytes_ = 0;
};

}  // namespace

Answer<Swept> sweep_s3(S3Place const& place, Secret credential, S3Connect connect)
{
    if (place.prefix.size() < 2 || !place.prefix.ends_with('/')) return refuse(EINVAL);
    SystemClock const clock;
    S3Requests requests(place, std::move(credential), std::move(connect), clock, {});
    Sweep sweep(requests);
    Swept swept;
    auto const uploads = sweep.uploads();
    if (!uploads) return refuse(uploads.error());
    swept.uploads_aborted = *uploads;
    auto const objects = sweep.objects();
    if (!objects) return refuse(objects.error());
    swept.objects = *objects;
    swept.bytes = sweep.bytes();
    return swept;
}

}  // namespace ocu::storage
