// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A resolver that lies, as a process: what it answers depends on the first label of the name that is asked.

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ocu::test {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint8_t kA = 1, kCname = 5, kAaaa = 28;

inline Bytes four(char const* text)
{
    Bytes out(4);
    ::inet_pton(AF_INET, text, out.data());
    return out;
}
inline Bytes six(char const* text)
{
    Bytes out(16);
    ::inet_pton(AF_INET6, text, out.data());
    return out;
}

class HostileResolver {
public:
    // The answer's bytes; empty: silence.
    Bytes answer(Bytes const& query)
    {
        if (query.size() < 17) return {};
        std::string label;
        for (std::size_t i = 0; i < query[12] && 13 + i < query.size(); ++i) label += static_cast<char>(query[13 + i] | 0x20);
        std::size_t end = 12;
        while (end < query.size() && query[end] != 0) end += query[end] + 1u;
        end += 5;
        if (end > query.size()) return {};
        question_.assign(query.begin() + 12, query.begin() + static_cast<std::ptrdiff_t>(end));
        type_ = question_[question_.size() - 3];
        id_ = {query[0], query[1]};
        return of(label);
    }

private:
    struct Record {
        std::uint8_t type;
        Bytes data;
    };

    Bytes reply(std::uint8_t code, std::vector<Record> const& records) const
    {
        Bytes out{
            id_[0], id_[1], 0x81, static_cast<std::uint8_t>(0x80 | code), 0, 1, 0, static_cast<std::uint8_t>(records.size()), 0, 0, 0, 0};
        out.insert(out.end(), question_.begin(), question_.end());
        for (auto const& record : records) {
            Bytes const head{0xc0, 12, 0, record.type, 0, 1, 0, 0, 0, 1, 0, static_cast<std::uint8_t>(record.data.size())};
            out.insert(out.end(), head.begin(), head.end());
            out.insert(out.end(), record.data.begin(), record.data.end());
        }
        return out;
    }
    // Only to questions for that type; the other one has no record.
    Bytes only(std::uint8_t type, std::vector<Bytes> const& data) const
    {
        std::vector<Record> records;
        for (auto const& each : data)
            if (type_ == type) records.push_back({type, each});
        return reply(0, records);
    }
    Bytes chain() const
    {
        Bytes target{7, 'p', 'r', 'i', 'v', 'a', 't', 'e', 0};
        auto out = reply(0, {{kCname, target}});
        if (type_ != kA) return out;
        out[7] = 2;
        out.insert(out.end(), target.begin(), target.end());
        Bytes const rest{0, kA, 0, 1, 0, 0, 0, 1, 0, 4, 10, 9, 9, 9};
        out.insert(out.end(), rest.begin(), rest.end());
        return out;
    }
    Bytes of(std::string const& label)
    {
        if (label == "public") return only(kA, {four("11.1.1.1")});
        if (label == "six") return only(kAaaa, {six("2a00:2::1")});
        if (label == "private") return only(kA, {four("10.9.9.9")});
        if (label == "metadata") return only(kA, {four("169.254.169.254")});
        if (label == "zero") return only(kA, {four("0.0.0.0")});
        if (label == "mapped") return only(kAaaa, {six("::ffff:10.9.9.9")});
        if (label == "translated") return only(kAaaa, {six("64:ff9b::a9fe:a9fe")});
        if (label == "mixed") return only(kA, {four("10.9.9.9"), four("169.254.169.254"), four("127.0.0.1"), four("11.1.1.1")});
        if (label == "fallback") return only(kA, {four("11.1.1.1"), four("11.1.1.2")});
        if (label == "own") return only(kA, {four("11.0.0.1")});
        if (label == "rebind") return only(kA, {four(type_ == kA && asked_++ > 0 ? "10.9.9.9" : "11.1.1.1")});
        if (label == "many") {
            std::vector<Bytes> all(59, four("10.9.9.9"));
            all.push_back(four("11.1.1.1"));
            return only(kA, all);
        }
        if (label == "empty") return reply(0, {});
        if (label == "missing") return reply(3, {});
        if (label == "failing") return reply(2, {});
        if (label == "refusing") return reply(5, {});
        if (label == "chain") return chain();
        if (label == "loop") return reply(0, {{kCname, {0xc0, 12}}});
        if (label == "garbage") return Bytes(97, 0xa5);
        if (label == "short") return {id_[0], id_[1], 0x81, 0x80, 0};
        if (label == "cut") {
            auto out = only(type_, {four("11.1.1.1")});
            out.resize(out.size() - 2);
            return out;
        }
        if (label == "bomb") {
            auto out = only(type_, {four("11.1.1.1")});
            out[12 + question_.size() + 1] = static_cast<std::uint8_t>(12 + question_.size());  // a name that is itself
            return out;
        }
        if (label == "stranger") {
            auto out = only(kA, {four("11.1.1.1")});
            out[13] ^= 3;  // another name's answer
            return out;
        }
        return {};
    }

    Bytes question_;
    std::uint8_t type_ = 0;
    std::array<std::uint8_t, 2> id_{};
    int asked_ = 0;
};

// Until it is killed.
[[noreturn]] inline void serve_lies(int socket)
{
    HostileResolver resolver;
    for (;;) {
        Bytes query(4096);
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        auto const got = ::recvfrom(socket, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got <= 0) ::_exit(0);
        query.resize(static_cast<std::size_t>(got));
        auto const answer = resolver.answer(query);
        if (!answer.empty()) (void)::sendto(socket, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
}

}  // namespace ocu::test
