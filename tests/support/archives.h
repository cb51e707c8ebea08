// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Archives made by hand, so that each of their fields can lie; and ordinary ones made by the library.

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ocu::archives {

inline std::string little(std::uint64_t value, std::size_t bytes)
{
    std::string out;
    for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
    return out;
}

inline std::uint32_t crc32(std::string_view bytes)
{
    std::uint32_t crc = ~0u;
    for (char const c : bytes) {
        crc ^= static_cast<unsigned char>(c);
        for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

// A zip of stored entries. What is not set is as it should be.
struct Zip {
    struct Entry {
        std::string name{};
        std::string data{};
        std::string local_name{};  // empty: the same
        std::uint32_t mode = 0;    // of Unix
        std::uint16_t flags = 0;
        std::uint16_t method = 0;
        std::int64_t offset = -1;  // in the directory; -1: its own
        std::string extra{};       // in the directory
        std::uint64_t claimed = ~0ull;  // unpacked bytes
        bool hidden = false;       // not in the directory
        std::uint8_t system = 3;
    };

    Zip& add(Entry entry)
    {
        auto const& local = entry.local_name.empty() ? entry.name : entry.local_name;
        auto const claimed = entry.claimed == ~0ull ? entry.data.size() : entry.claimed;
        auto const middle = little(entry.flags, 2) + little(entry.method, 2) + little(0, 4) + little(crc32(entry.data), 4) +
                            little(entry.data.size(), 4) + little(claimed, 4);
        auto const at = entry.offset < 0 ? body.size() : static_cast<std::size_t>(entry.offset);
        if (entry.offset < 0) body += "PK\x03\x04" + little(20, 2) + middle + little(local.size(), 2) + little(0, 2) + local + entry.data;
        if (entry.hidden) return *this;
        directory += "PK\x01\x02" + little(20, 1) + little(entry.system, 1) + little(20, 2) + middle + little(entry.name.size(), 2) +
                     little(entry.extra.size(), 2) + little(0, 6) + little(std::uint64_t{entry.mode} << 16, 4) + little(at, 4) +
                     entry.name + entry.extra;
        ++count;
        return *this;
    }
    Zip& add(std::string name, std::string data = {}) { return add(Entry{.name = std::move(name), .data = std::move(data)}); }

    std::string finish(std::string comment = {}, std::int64_t told = -1) const
    {
        auto const entries = told < 0 ? count : static_cast<std::uint64_t>(told);
        return body + gap + directory + "PK\x05\x06" + little(0, 4) + little(entries, 2) + little(entries, 2) +
               little(directory.size(), 4) + little(body.size() + gap.size(), 4) + little(comment.size(), 2) + comment;
    }

    std::string body{};
    std::string directory{};
    std::string gap{};
    std::uint64_t count = 0;
};

// Ordinary ones: "tar", "zip", "7z", or "raw" with a filter.
class Maker {
public:
    explicit Maker(std::string_view format, int filter = ARCHIVE_FILTER_NONE)
    {
        if (format == "zip") ::archive_write_set_format_zip(a_);
        if (format == "7z") ::archive_write_set_format_7zip(a_);
        if (format == "raw") ::archive_write_set_format_raw(a_);
        if (format == "tar") {
            ::archive_write_set_format_pax_restricted(a_);
            ::archive_write_set_options(a_, "hdrcharset=BINARY");
        }
        ::archive_write_add_filter(a_, filter);
        ::archive_write_set_bytes_in_last_block(a_, 1);
        ::archive_write_open(a_, this, nullptr, put, nullptr);
    }
    Maker(Maker const&) = delete;
    Maker& operator=(Maker const&) = delete;
    ~Maker() { ::archive_write_free(a_); }

    Maker& add(std::string const& name, std::string_view data = {}, unsigned kind = S_IFREG, char const* target = nullptr)
    {
        auto* const entry = ::archive_entry_new();
        ::archive_entry_set_pathname(entry, name.c_str());
        ::archive_entry_set_filetype(entry, kind);
        ::archive_entry_set_perm(entry, 0644);
        if (kind == S_IFREG) ::archive_entry_set_size(entry, static_cast<la_int64_t>(data.size()));
        if (kind == S_IFLNK) ::archive_entry_set_symlink(entry, target);
        if (kind == S_IFREG && target != nullptr) ::archive_entry_set_hardlink(entry, target);
        good_ = ::archive_write_header(a_, entry) >= ARCHIVE_WARN && good_;
        ::archive_entry_free(entry);
        if (kind == S_IFREG && target == nullptr)
            good_ = ::archive_write_data(a_, data.data(), data.size()) == static_cast<la_ssize_t>(data.size()) && good_;
        return *this;
    }
    // Empty if anything went wrong.
    std::string finish()
    {
        good_ = ::archive_write_close(a_) == ARCHIVE_OK && good_;
        return good_ ? std::move(out_) : std::string();
    }

private:
    static la_ssize_t put(archive*, void* self, void const* bytes, std::size_t size)
    {
        static_cast<Maker*>(self)->out_.append(static_cast<char const*>(bytes), size);
        return static_cast<la_ssize_t>(size);
    }

    archive* a_ = ::archive_write_new();
    std::string out_;
    bool good_ = true;
};

inline std::string compressed(std::string_view bytes, int filter) { return Maker("raw", filter).add("data", bytes).finish(); }

}  // namespace ocu::archives
