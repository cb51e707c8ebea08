// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/file_channels over real links to a front, to the storage thread and to a parser that the test plays: an upload that begins as an
// archive has no name before the parser's word, and the parser reads that upload and nothing else.
#include "support/role_peer.h"

#include <catch2/generators/catch_generators.hpp>

#include "storage/file_channels.h"
#include "support/memory_chunk_store.h"

namespace test_file_channels {

using namespace ocu;
using namespace ocu::storage;
using proto::Reason;

constexpr proto::FilesChannelId kChannel{5};

struct FileChannelsTest {
    FileChannelsTest()
    {
        on_loop([this] {
            link = std::make_unique<wire::Link>(
                loop, storage.connect(), wire::Link::Options{proto::kStorageMaySendBroker},
                [this](wire::Link::Frame frame) { good = channels->storage_said(frame) && good; }, [](wire::Lost) {});
            channels.emplace(loop, files, *link);
        });
        int const theirs = front_end();
        storage.send_raw(static_cast<std::uint16_t>(proto::Type::files_channel),
            wire::encode(proto::FilesChannel{kChannel, proto::kAllIntents, 1u << 20}), std::array{theirs});
        passed.reset();
        loop.settle();
    }
    ~FileChannelsTest()
    {
        on_loop([this] {
            channels.reset();
            link.reset();
        });
        loop.finish();
    }
    void on_loop(std::function<void()> const& task)
    {
        std::promise<void> done;
        static_cast<wire::Loop&>(loop).post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
    int front_end()
    {
        passed = front.connect();
        return passed.get();
    }
    void upload(std::string const& bytes)
    {
        front.send(proto::FileBegin{"uploads/a.zip", bytes.size(), proto::Downloadable::yes});
        (void)front.take<proto::FileReady>();
        front.send(proto::FilePiece{bytes});
        (void)front.take<proto::FileTaken>();
        front.send(proto::FileEnd{});
    }
    void give_parser()
    {
        UniqueFd const end = parser.connect();
        storage.send_raw(static_cast<std::uint16_t>(proto::Type::files_check_source), wire::encode(proto::FilesCheckSource{kChannel}),
            std::array{end.get()});
        loop.settle();
    }
    bool is_there()
    {
        bool there = false;
        on_loop([&] { there = tree.lookup(kUploadsNode, "a.zip").has_value(); });
        return there;
    }
    // Uploads and what is staged of them.
    std::size_t in_uploads()
    {
        std::size_t count = 0;
        on_loop([&] {
            auto const handle = tree.open_directory(kUploadsNode).value();
            (void)tree.list(handle, 0, [&](SessionTree::Listed const& each) {
                count += each.name == "." || each.name == ".." ? 0 : 1;
                return true;
            });
            tree.release(handle);
        });
        return count;
    }

    test::MemoryChunkStore store;
    SessionTree tree{store, 1000, {8u << 20, 32u << 20, 1'000, 100}, [] { return timespec{1'790'000'000, 0}; }};
    ManualClock clock;
    Withholding withholding{tree, clock, {}};
    FileService files{tree, withholding};
    test::LoopThread loop;
    test::HelperPeer front, storage, parser;
    UniqueFd passed;
    std::unique_ptr<wire::Link> link;
    std::optional<FileChannels> channels;
    bool good = true;
};

std::string zip_like()
{
    std::string out("PK\x03\x04");
    return out.append(100, 'z');
}

TEST_CASE_METHOD(FileChannelsTest, "file_channels: given an upload that is no archive, when it ends, then nobody is asked to look into it",
    "[storage][SB-7]")
{
    upload("just text");
    CHECK(storage.take<proto::FilesRecord>().deed == proto::FileDeed::upload);
    storage.send(proto::FilesRecorded{kChannel, true});
    CHECK(front.take<proto::FileWritten>().entry.size == 9);
    CHECK(good);
}

TEST_CASE_METHOD(FileChannelsTest, "file_channels: given an archive, when the parser lets it in, then it goes on record and has its name",
    "[storage][T-32][SB-7]")
{
    upload(zip_like());
    CHECK(storage.take<proto::FilesCheck>().bytes == 104);
    // A record of it, that nobody asked for, brings it no name.
    storage.send(proto::FilesRecorded{kChannel, true});
    give_parser();
    CHECK_FALSE(is_there());
    parser.send(proto::FileRead{2, 5});
    CHECK(parser.take<proto::FileBytes>().bytes.view() == "\x03\x04zzz");
    parser.send(proto::FileRead{100, 50});
    CHECK(parser.take<proto::FileBytes>().bytes.view() == "zzzz");
    proto::ArchiveVerdict verdict;
    verdict.entries = 3;
    verdict.case_twins = 1;
    storage.send(proto::FilesChecked{kChannel, Reason::none, verdict});
    auto const record = storage.take<proto::FilesRecord>();
    CHECK(record.detail.view().contains("entries=3"));
    CHECK(record.detail.view().contains("names_differing_by_case=1"));
    CHECK_FALSE(is_there());
    storage.send(proto::FilesRecorded{kChannel, true});
    CHECK(front.take<proto::FileWritten>().entry.path.view() == "uploads/a.zip");
    CHECK(is_there());
    CHECK(good);
}

TEST_CASE_METHOD(FileChannelsTest, "file_channels: given an archive, when it is refused or nobody could look, then nothing of it is left",
    "[storage][T-32][SB-7]")
{
    auto const reason = GENERATE(Reason::archive_refused, Reason::role_unavailable);
    upload(zip_like());
    (void)storage.take<proto::FilesCheck>();
    give_parser();
    storage.send(proto::FilesChecked{kChannel, reason, {.rule = proto::ArchiveRule::overlap}});
    auto const note = storage.take<proto::FilesNote>();
    CHECK(note.deed == proto::FileDeed::refused);
    CHECK(note.reason == reason);
    CHECK(note.detail.view() == "overlap");
    auto const fault = front.take<proto::FileFault>();
    CHECK(fault.reason == reason);
    CHECK(fault.rule == proto::ArchiveRule::overlap);
    CHECK(in_uploads() == 0);
    // The channel goes on, as a form's does.
    upload("text");
    (void)storage.take<proto::FilesRecord>();
    CHECK(good);
}

TEST_CASE_METHOD(FileChannelsTest,
    "file_channels: given a parser, when it asks for what is not its own, then it loses the channel and nothing is told",
    "[storage][T-14][T-32]")
{
    upload(zip_like());
    (void)storage.take<proto::FilesCheck>();
    give_parser();
    SECTION("more than a piece") { parser.send(proto::FileRead{0, static_cast<std::uint32_t>(proto::kFilePieceBytesMax) + 1}); }
    SECTION("a file by its name") { parser.send(proto::FileOpen{"outputs/x", proto::FileUse::download, false}); }
    SECTION("a removal") { parser.send(proto::FileRemove{"uploads/a.zip"}); }
    SECTION("bytes") { parser.send(proto::FilePiece{"x"}); }
    loop.settle();
    CHECK(parser.has_nothing());
    CHECK_FALSE(is_there());
}

TEST_CASE_METHOD(FileChannelsTest,
    "file_channels: given an archive that is being looked into, when its client goes, then nothing of it is left", "[storage][T-14][T-32]")
{
    upload(zip_like());
    (void)storage.take<proto::FilesCheck>();
    give_parser();
    front.close();
    loop.settle();
    CHECK(storage.take<proto::FilesClosed>().channel == kChannel);
    CHECK(in_uploads() == 0);
    CHECK(parser.has_nothing());
    storage.send(proto::FilesChecked{kChannel, Reason::none, {}});
    loop.settle();
    CHECK(good);
}

}  // namespace test_file_channels
