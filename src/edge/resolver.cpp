// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/resolver.h"

#include <ares.h>
#include <ares_dns_record.h>

#include <memory>

#include "edge/first_look.h"

namespace ocu::edge {

namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kNameBytesMax = 253;
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

Record make_reply(std::uint16_t id, std::uint16_t flags, ares_dns_opcode_t opcode, ares_dns_rcode_t code)
{
    ares_dns_record_t* record = nullptr;
    if (ares_dns_record_create(&record, id, static_cast<std::uint16_t>(flags | ARES_FLAG_QR | ARES_FLAG_RA), opcode, code) != ARES_SUCCESS)
        return {};
    return Record(record);
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

}  // namespace

Result<DnsRefusal> refuse_query(std::span<std::uint8_t const> datagram)
{
    if (datagram.size() < kHeaderBytes || datagram.size() > kDnsDatagramBytesMax || (datagram[2] & kIsAnswer) != 0)
        return fail(Fault::malformed, "not a query");
    auto const id = static_cast<std::uint16_t>(datagram[0] << 8 | datagram[1]);
    auto const query = parse(datagram);
    char const* name = nullptr;
    ares_dns_rec_type_t type{};
    ares_dns_class_t klass{};
    bool const understood = query && ares_dns_record_get_opcode(query.get()) == ARES_OPCODE_QUERY &&
                            ares_dns_record_query_cnt(query.get()) == 1 &&
                            ares_dns_record_query_get(query.get(), 0, &name, &type, &klass) == ARES_SUCCESS && name != nullptr;
    DnsRefusal refusal;
    if (understood) {
        refusal.name = printable(name, kNameBytesMax);
        refusal.type = ares_dns_rec_type_tostr(type);
        auto const flags = static_cast<std::uint16_t>(ares_dns_record_get_flags(query.get()) & ARES_FLAG_RD);
        auto const reply = make_reply(id, flags, ARES_OPCODE_QUERY, ARES_RCODE_NXDOMAIN);
        if (reply && ares_dns_record_query_add(reply.get(), name, type, klass) == ARES_SUCCESS) {
            if (auto bytes = print(reply.get())) {
                refusal.reply = *std::move(bytes);
                return refusal;
            }
        }
    }
    // Not understood, or a name that the library reads but will not print.
    auto const reply = make_reply(id, 0, ARES_OPCODE_QUERY, ARES_RCODE_FORMERR);
    refusal.reply = OCU_TRY(print(reply.get()));
    return refusal;
}

}  // namespace ocu::edge
