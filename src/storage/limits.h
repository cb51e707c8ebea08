// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every bound of the storage role, by name.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ocu::storage {

// A mount, as its guest sees it.
inline constexpr std::size_t kNameBytesMax = 255;
inline constexpr std::size_t kLinkTargetBytesMax = 4095;
inline constexpr std::uint64_t kEntriesMax = 262'144;           // files, directories and links of one session
inline constexpr std::uint32_t kOpenFilesMax = 3'900;           // of one session
inline constexpr std::uint32_t kHardLinksMax = 65'000;          // names of one file, as on ext4
inline constexpr std::size_t kAttributeNameBytesMax = 255;      // extended attributes: XATTR_NAME_MAX
inline constexpr std::size_t kAttributeValueBytesMax = 64u << 10;
inline constexpr std::size_t kAttributeBytesMax = 128u << 10;   // names and values of one file
// The tree lies in memory: what a guest can make it remember is bounded apart from the bytes of its files (T-06).
inline constexpr std::uint64_t kTreeTextBytesMax = 96ull << 20;  // names, link targets, extended attributes
inline constexpr std::uint64_t kTreeChunksMax = 4ull << 20;      // 64 GiB of files
inline constexpr std::size_t kCachedChunksMax = 512;             // 8 MiB, written and not yet appended or lately read
inline constexpr std::size_t kAppendChunksMax = 64;              // in one run
inline constexpr std::chrono::milliseconds kSettleTime{2'000};   // what nobody asked to be kept is appended after this
inline constexpr std::chrono::milliseconds kHousePause{20};      // between two steps of housekeeping: requests come first
inline constexpr std::chrono::milliseconds kDamageReportsApart{1'000};
inline constexpr std::uint64_t kHouseEveryBytes = 64ull << 20;   // appended: then the store's house is kept though requests wait
inline constexpr std::size_t kMountWriteBytesMax = 1u << 20;    // one FUSE request
inline constexpr std::size_t kMountRequestsPerTurn = 64;        // then the link is heard
static_assert(kTreeTextBytesMax >= kEntriesMax * kNameBytesMax, "names alone never reach the bound of text");

// A path of the file API or of MCP, and so of what it lists.
inline constexpr std::size_t kFilesPathBytesMax = 4000;

// Contents that may not leave (T-33). What is shorter is that of many files; what is longer is withheld by its name alone.
inline constexpr std::uint64_t kWithheldBytesLeast = 16;
inline constexpr std::uint64_t kWithheldBytesMost = 1ull << 30;
inline constexpr std::uint64_t kWithheldGuestBytesMost = 64ull << 20;  // of a file that the guest wrote where a rule withholds
inline constexpr std::size_t kWithheldGuestsMax = 1'024;               // such files
inline constexpr std::uint64_t kLookBytesPerSecond = 128ull << 20;     // read to compare; a file that was begun is read to its end
inline constexpr std::size_t kSaidMax = 4'096;                         // files that operators have spoken about
inline constexpr std::size_t kLookPieceBytes = 256u << 10;
inline constexpr std::size_t kLookedMax = 16'384;                      // files whose digest is remembered
inline constexpr std::chrono::milliseconds kLookPause{20};             // between two files of a guest's
static_assert(kWithheldGuestBytesMost <= kWithheldBytesMost);

// The sealed log of one session.
inline constexpr std::uint32_t kSegmentBytesMax = 64u << 20;
inline constexpr std::uint32_t kSegmentsMax = 32'768;           // of one log, at one time
inline constexpr std::size_t kSegmentFilesOpenMax = 128;
inline constexpr std::uint64_t kSpareBytes = 4u << 20;          // given up when the disk is full
inline constexpr std::uint64_t kDeadBytesSlack = 64ull << 20;   // dead bytes beyond those alive before anything is moved
inline constexpr std::uint64_t kJournalBytesLeast = 4ull << 20; // before a snapshot is worth it
inline constexpr std::size_t kMovedPerStep = 64;                // chunks, a mebibyte

// The sealed log as objects of an S3 store. Memory of one broker: buffers and windows, 39 MiB, and eight bytes for each object.
inline constexpr std::size_t kS3PartBytes = 5u << 20;            // the least that S3 takes as a part that is not the last
inline constexpr std::size_t kS3RequestsMax = 4;                 // at once, for writing; as many again for reading
inline constexpr std::size_t kS3BufferBytesMax = (kS3RequestsMax + 1) * kS3PartBytes;  // given and not yet stored
inline constexpr std::size_t kS3UploadsMax = 64;                 // objects that wait to be stored
inline constexpr std::size_t kS3WindowBytes = 2u << 20;          // one range that is read, in order
inline constexpr std::size_t kS3LeapBytes = 256u << 10;          // one that is read out of order
inline constexpr std::size_t kS3WindowBytesMax = 14u << 20;      // all of them
inline constexpr std::size_t kS3WindowsMax = 512;
inline constexpr std::size_t kS3PiecesMax = 1u << 20;            // objects of one session
inline constexpr std::size_t kS3ListBytesMax = 4u << 20;         // one page of a listing
inline constexpr std::size_t kS3AnswerBytesMax = 64u << 10;      // any other answer
// A guest waits for one append and one settle at most.
inline constexpr std::chrono::milliseconds kS3AppendTime{8'000};
inline constexpr std::chrono::milliseconds kS3OperationTime{20'000};
inline constexpr std::chrono::milliseconds kS3DownTime{3'000};   // while the store did not answer the last time
inline constexpr std::chrono::milliseconds kS3AttemptTime{10'000};
inline constexpr std::chrono::milliseconds kS3ConnectTime{5'000};
inline constexpr std::chrono::seconds kS3StallTime{5};           // with less than kS3StallBytesPerSecond
inline constexpr long kS3StallBytesPerSecond = 1'024;
inline constexpr std::chrono::milliseconds kS3RetryFirst{100};
inline constexpr std::chrono::milliseconds kS3RetryMost{3'000};
static_assert(kS3AppendTime + kS3OperationTime < std::chrono::seconds(30));
static_assert(kS3AttemptTime < kS3OperationTime, "an attempt that hangs leaves time for another");

// The role's thread.
inline constexpr std::size_t kSessionsMax = 1024;  // as many as a manifest may ask for
inline constexpr std::size_t kRemovalsPerTurn = 128;            // directory entries removed before other work gets its turn
inline constexpr std::size_t kInspectionsWaitingMax = 16;       // times 4 MiB
inline constexpr std::chrono::milliseconds kInspectionTime{5'000};
inline constexpr std::chrono::milliseconds kInspectionWait{15'000};  // in the queue, while the parser is busy or restarts
inline constexpr std::chrono::milliseconds kBrokerStartTime{5'000};
inline constexpr std::chrono::milliseconds kTellMeterEvery{10'000};  // what mounts have carried
inline constexpr std::chrono::milliseconds kResourceWait{10'000};   // a broker that does not answer a caller's question
static_assert(kInspectionTime < kInspectionWait);

// A store elsewhere.
inline constexpr std::chrono::milliseconds kLanePatience{12'000};   // one connection to it may be waited for
inline constexpr std::chrono::milliseconds kRemoteBrokerStartTime{15'000};  // credential, connection and a first listing
inline constexpr std::size_t kSweepsWaitingMax = 4'096;
inline constexpr std::chrono::milliseconds kSweepAfter{2'000};      // the end of a session
inline constexpr std::chrono::milliseconds kSweepAgainFirst{1'000};  // after a failure, doubled with each
inline constexpr std::chrono::milliseconds kSweepAgainMax{300'000};
inline constexpr std::chrono::milliseconds kSweepTime{600'000};     // one sweeper; what it removed by then is gone
static_assert(kLanePatience < kRemoteBrokerStartTime);

// The file API (F11).
inline constexpr std::chrono::seconds kEmbedTokenLife{120};
inline constexpr std::chrono::seconds kBrowserLife{8 * 3600};
inline constexpr std::size_t kEmbedTokensPerCallerMax = 64;
inline constexpr std::size_t kBrowsersPerCallerMax = 256;
inline constexpr std::uint32_t kRetryAfterSeconds = 1;
inline constexpr std::size_t kFilesAsksWaitingMax = 2'048;      // for control's word
inline constexpr std::size_t kChannelsPerSessionMax = 32;       // requests of the file API at once, in one session
inline constexpr std::size_t kPathDepthMax = 64;
inline constexpr std::size_t kFilesPerListMax = 1'000;          // on one page of a listing
inline constexpr std::size_t kSniffedMax = 16'384;              // files whose media type is remembered
inline constexpr std::size_t kSniffBytes = 512;
inline constexpr std::chrono::milliseconds kFilesPatience{60'000};   // for a broker that says nothing
inline constexpr std::chrono::milliseconds kFilesFoldTime{1'000};    // refusals of one kind: one record in this time, counted
inline constexpr std::chrono::milliseconds kListFoldTime{60'000};    // a page asks every two seconds

// Archives: what a header may claim before the archive is called dangerous, and how much of it is shown.
inline constexpr std::size_t kArchiveEntriesShown = 1'000;
inline constexpr std::size_t kArchiveEntriesMax = 100'000;
inline constexpr std::uint64_t kArchiveUnpackedBytesMax = 1ull << 30;
inline constexpr std::uint64_t kArchiveRatioMax = 100;          // unpacked to packed
inline constexpr std::uint64_t kArchiveRatioFromBytes = 10ull << 20;  // below this a ratio harms nobody
inline constexpr std::uint64_t kArchiveDecodedBytesMax = 256ull << 20;  // bytes that inspection itself may decompress
inline constexpr std::size_t kArchiveNameCharsShown = 200;
static_assert(kArchiveEntriesShown <= kArchiveEntriesMax);

// An upload that is an archive is read whole before it has its name (T-32). What its layers unpack to is counted together.
inline constexpr std::size_t kArchiveLayersMax = 5;             // a tar in a gzip in a zip: three
inline constexpr std::uint64_t kArchiveHeldBytesMax = 64ull << 20;  // an archive inside that is read from its end: kept in memory meanwhile
inline constexpr std::size_t kArchiveNameBytesMax = 4'096;
inline constexpr std::size_t kArchiveDirectoriesMax = 1'000'000;
inline constexpr std::size_t kChecksWaitingMax = 64;
inline constexpr std::chrono::milliseconds kCheckTimeLeast{5'000};  // and one second for each kCheckBytesPerSecond
inline constexpr std::uint64_t kCheckBytesPerSecond = 8ull << 20;
inline constexpr std::chrono::milliseconds kCheckTimeMost{40'000};
static_assert(kInspectionWait + kCheckTimeMost < kFilesPatience, "a front that still waits hears why");
static_assert(kArchiveHeldBytesMax * kArchiveLayersMax < (1ull << 30), "the parser's memory");

// Images.
inline constexpr int kImageSidePxMax = 20'000;
inline constexpr std::uint64_t kImagePixelsMax = 50'000'000;
inline constexpr int kImageSidePxShown = 1'280;
inline constexpr int kJpegQuality = 85;

}  // namespace ocu::storage
