// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/resolver.h"

#include <ares.h>
#include <ares_dns_record.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "edge/first_look.h"
#include "edge/host_name.h"
#include "edge/limits.h"

namespace ocu::edge {

namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::uint8_t kIsAnswer = 0x80;  // in the third byte of a header

struct DestroyRecord {
    void operator()(ares_dns_record_t* record) const { ares_dns_record_destroy(record); }
};
using Record = std::unique_ptr<ares_dns_record_t, DestroyRecord>;

Record parse(std::span<std::uint8_t const> datagram)
{
    ares_dns_record_t* record = nullptr;
    if (ares_dns_parse(datagram.data(), datagram.size(), 0, &record) != ARES_SUCCESS) return {};
    return Record(record);
}

Record make_reply(std::uint16_t id, std::uint16_t flags, ares_dns_rcode_t code)
{
    ares_dns_record_t* record = nullptr;
    auto const all = static_cast<std::uint16_t>(flags | ARES_FLAG_QR | ARES_FLAG_RA);
    if (ares_dns_record_create(&record, id, all, ARES_OPCODE_QUERY, code) != ARES_SUCCESS) return {};
    return Record(record);
}

// With its question; nothing if the library reads the name but will not print it.
Record make_reply_to(DnsQuestion const& question, ares_dns_rcode_t code)
{
    auto reply = make_reply(question.id, question.flags, code);
    if (!reply || ares_dns_record_query_add(reply.get(), question.asked.c_str(), static_cast<ares_dns_rec_type_t>(question.type),
                      static_cast<ares_dns_class_t>(question.klass)) != ARES_SUCCESS)
        return {};
    return reply;
}

Result<std::vector<std::uint8_t>> print(ares_dns_record_t const* record)
{
    unsigned char* bytes = nullptr;
    std::size_t size = 0;
    if (record == nullptr || ares_dns_write(record, &bytes, &size) != ARES_SUCCESS)
        return fail(Fault::malformed, "a reply cannot be printed");
    std::vector<std::uint8_t> out(bytes, bytes + size);
    ares_free_string(bytes);
    return out;
}

std::string plain_name(std::string_view asked)
{
    if (asked.ends_with('.')) asked.remove_suffix(1);
    auto out = printable(asked, kHostNameBytesMax);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool add_address(ares_dns_record_t* reply, DnsQuestion const& question, NamePool::Addresses const& addresses)
{
    auto const type = static_cast<ares_dns_rec_type_t>(question.type);
    ares_dns_rr_t* record = nullptr;
    if (ares_dns_record_rr_add(
            &record, reply, ARES_SECTION_ANSWER, question.asked.c_str(), type, ARES_CLASS_IN, kDnsLifeSeconds) != ARES_SUCCESS)
        return false;
    if (type == ARES_REC_TYPE_A) {
        in_addr v4{};
        std::memcpy(&v4, &addresses.v4[12], sizeof v4);
        return ares_dns_rr_set_addr(record, ARES_RR_A_ADDR, &v4) == ARES_SUCCESS;
    }
    ares_in6_addr v6{};
    std::memcpy(&v6, addresses.v6.data(), sizeof v6);
    return ares_dns_rr_set_addr6(record, ARES_RR_AAAA_ADDR, &v6) == ARES_SUCCESS;
}

}  // namespace

Result<DnsQuestion> read_question(std::span<std::uint8_t const> datagram)
{
    if (datagram.size() < kHeaderBytes || datagram.size() > kDnsDatagramBytesMax || (datagram[2] & kIsAnswer) != 0)
        return fail(Fault::malformed, "not a query");
    DnsQuestion out;
    out.id = static_cast<std::uint16_t>(datagram[0] << 8 | datagram[1]);
    auto const query = parse(datagram);
    char const* name = nullptr;
    ares_dns_rec_type_t type{};
    ares_dns_class_t klass{};
    if (!query || ares_dns_record_get_opcode(query.get()) != ARES_OPCODE_QUERY || ares_dns_record_query_cnt(query.get()) != 1 ||
        ares_dns_record_query_get(query.get(), 0, &name, &type, &klass) != ARES_SUCCESS || name == nullptr)
        return out;
    out.flags = static_cast<std::uint16_t>(ares_dns_record_get_flags(query.get()) & ARES_FLAG_RD);
    out.asked = name;
    out.type = static_cast<std::uint16_t>(type);
    out.klass = static_cast<std::uint16_t>(klass);
    out.name = plain_name(out.asked);
    out.understood = true;
    return out;
}

Result<std::vector<std::uint8_t>> refuse_name(DnsQuestion const& question)
{
    if (question.understood) {
        auto bytes = print(make_reply_to(question, ARES_RCODE_NXDOMAIN).get());
        if (bytes) return bytes;
    }
    return print(make_reply(question.id, 0, ARES_RCODE_FORMERR).get());
}

Result<std::vector<std::uint8_t>> answer_name(DnsQuestion const& question, NamePool::Addresses const& addresses)
{
    auto const reply = make_reply_to(question, ARES_RCODE_NOERROR);
    bool const has_address = question.klass == ARES_CLASS_IN && (question.type == ARES_REC_TYPE_A || question.type == ARES_REC_TYPE_AAAA);
    if (reply && has_address && !add_address(reply.get(), question, addresses)) return fail(Fault::malformed, "an answer cannot be made");
    return print(reply.get());
}

}  // namespace ocu::edge
