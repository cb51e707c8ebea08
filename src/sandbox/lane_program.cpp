// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/lane_program.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace ocu::sandbox {

namespace {

constexpr std::uint32_t kTcpKey = 0;
constexpr std::uint32_t kDnsKey = 1;
constexpr int kDnsPort = 53;
constexpr std::int16_t kKeyOffset = -4;  // on the program's stack

int bpf_call(int command, bpf_attr& attributes) { return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes)); }

template <class Pointer>
std::uint64_t address_of(Pointer const* pointer)
{
    return reinterpret_cast<std::uint64_t>(pointer);
}

Result<UniqueFd> make_socket_map(int tcp_listener, int dns_socket)
{
    bpf_attr attributes{};
    attributes.map_type = BPF_MAP_TYPE_SOCKMAP;
    attributes.key_size = sizeof(std::uint32_t);
    attributes.value_size = sizeof(std::uint64_t);
    attributes.max_entries = 2;
    UniqueFd map(bpf_call(BPF_MAP_CREATE, attributes));
    if (!map) return fail_os("make socket map");
    for (auto const& [key, socket] : {std::pair(kTcpKey, tcp_listener), std::pair(kDnsKey, dns_socket)}) {
        std::uint32_t const slot = key;
        std::uint64_t const value = static_cast<std::uint64_t>(socket);
        bpf_attr update{};
        update.map_fd = static_cast<std::uint32_t>(map.get());
        update.key = address_of(&slot);
        update.value = address_of(&value);
        update.flags = BPF_ANY;
        if (bpf_call(BPF_MAP_UPDATE_ELEM, update) != 0) return fail_os("put socket into map");
    }
    return map;
}

constexpr bpf_insn instruction(int code, int to, int from, int offset, std::int32_t value)
{
    bpf_insn out{};
    out.code = static_cast<std::uint8_t>(code);
    out.dst_reg = static_cast<std::uint8_t>(to & 0xf);
    out.src_reg = static_cast<std::uint8_t>(from & 0xf);
    out.off = static_cast<std::int16_t>(offset);
    out.imm = value;
    return out;
}
constexpr bpf_insn move(int to, int from) { return instruction(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
constexpr bpf_insn set(int to, std::int32_t value) { return instruction(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value); }
constexpr bpf_insn add(int to, std::int32_t value) { return instruction(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value); }
constexpr bpf_insn store_key(std::uint32_t key)
{
    return instruction(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, kKeyOffset, static_cast<std::int32_t>(key));
}
constexpr bpf_insn load(int to, int from, std::size_t offset)
{
    return instruction(BPF_LDX | BPF_MEM | BPF_W, to, from, static_cast<int>(offset), 0);
}
constexpr bpf_insn call(std::int32_t function) { return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, function); }
// A jump at `here` to `target`, both counted in instructions from the start.
constexpr bpf_insn if_equal(int here, int target, int reg, std::int32_t value)
{
    return instruction(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, target - here - 1, value);
}
constexpr bpf_insn if_not_equal(int here, int target, int reg, std::int32_t value)
{
    return instruction(BPF_JMP | BPF_JNE | BPF_K, reg, 0, target - here - 1, value);
}

constexpr int kSelect = 8;
constexpr int kPass = 21;
constexpr std::size_t kInstructions = 23;

// r6: what is looked up; r7: the socket that gets it. A wide load of the map's address takes two places (8 and 9).
constexpr std::array<bpf_insn, kInstructions> program_with(int map)
{
    return {
        move(BPF_REG_6, BPF_REG_1),
        store_key(kTcpKey),
        load(BPF_REG_2, BPF_REG_6, offsetof(bpf_sk_lookup, protocol)),
        if_equal(3, kSelect, BPF_REG_2, IPPROTO_TCP),
        if_not_equal(4, kPass, BPF_REG_2, IPPROTO_UDP),
        load(BPF_REG_2, BPF_REG_6, offsetof(bpf_sk_lookup, local_port)),
        if_not_equal(6, kPass, BPF_REG_2, kDnsPort),
        store_key(kDnsKey),
        // kSelect
        instruction(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map),
        instruction(0, 0, 0, 0, 0),
        move(BPF_REG_2, BPF_REG_10),
        add(BPF_REG_2, kKeyOffset),
        call(BPF_FUNC_map_lookup_elem),
        if_equal(13, kPass, BPF_REG_0, 0),
        move(BPF_REG_7, BPF_REG_0),
        move(BPF_REG_1, BPF_REG_6),
        move(BPF_REG_2, BPF_REG_7),
        set(BPF_REG_3, 0),
        call(BPF_FUNC_sk_assign),
        move(BPF_REG_1, BPF_REG_7),
        call(BPF_FUNC_sk_release),
        // kPass: the ordinary lookup goes on, with the socket above or to a refusal
        set(BPF_REG_0, SK_PASS),
        instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
}

}  // namespace

Result<UniqueFd> attach_lane_program(int lane_namespace, int tcp_listener, int dns_socket)
{
    UniqueFd const map = OCU_TRY(make_socket_map(tcp_listener, dns_socket));
    auto const program = program_with(map.get());
    constexpr char kLicense[] = "GPL";  // the kernel gives sk_assign to programs that say so
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
    attributes.expected_attach_type = BPF_SK_LOOKUP;
    attributes.insns = address_of(program.data());
    attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
    attributes.license = address_of(&kLicense[0]);
    UniqueFd const loaded(bpf_call(BPF_PROG_LOAD, attributes));
    if (!loaded) return fail_os("load lane program");
    bpf_attr attach{};
    attach.link_create.prog_fd = static_cast<std::uint32_t>(loaded.get());
    attach.link_create.target_fd = static_cast<std::uint32_t>(lane_namespace);
    attach.link_create.attach_type = BPF_SK_LOOKUP;
    UniqueFd link(bpf_call(BPF_LINK_CREATE, attach));
    if (!link) return fail_os("attach lane program");
    return link;
}

}  // namespace ocu::sandbox
