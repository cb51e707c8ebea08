// SPDX-License-Identifier: GPL-3.0-or-later
// Hidden: tests/process/test_witness.py calls it by name. The real audit-witness, confined, shows the head of the log in OCU_LOG_DIRECTORY to whoever listens behind TLS on
// OCU_WITNESS_PORT of this machine, and what came of it is written to OCU_WITNESS_OUT: the answer, its status, the size it names, and the head as it is cosigned.

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <cstdlib>

#include "audit/head_proof.h"
#include "audit/helpers.h"
#include "audit/layout.h"
#include "proto/audit_to_witness.h"
#include "support/helper_process.h"
#include "unit/audit/support.h"

namespace {

using namespace audit_support;

std::string setting(char const* name)
{
    char const* const value = ::getenv(name);
    REQUIRE(value != nullptr);
    return value;
}

struct SlottedWitness {
    static void fields(auto& wire, auto& m) { wire(m.slot, m.config); }
    std::uint32_t slot = 0;
    proto::WitnessConfig config;
};

UniqueFd connected(std::uint16_t port)
{
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(port);
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) == 0);
    return socket;
}

TEST_CASE("audit-witness: a head is shown", "[.show]")
{
    std::filesystem::path const folder = setting("OCU_LOG_DIRECTORY");
    auto const note = read(folder / "checkpoint");
    auto const head = parse_note(note).value();
    auto const old = std::strtoull(setting("OCU_WITNESS_OLD").c_str(), nullptr, 10);
    auto const key = parse_key(setting("OCU_WITNESS_KEY"), KeyKind::witness).value();
    UniqueFd const roots(::open(setting("OCU_WITNESS_CA").c_str(), O_RDONLY | O_CLOEXEC));
    auto const space = test::empty_network();
    auto const socket = connected(static_cast<std::uint16_t>(std::atoi(setting("OCU_WITNESS_PORT").c_str())));
    test::HelperProcess helper("audit-witness", audit_witness_main);
    proto::WitnessConfig const config{"out", "127.0.0.1", "127.0.0.1", "/add-checkpoint", false, format_key(key), old, note};
    helper.configure(SlottedWitness{0, config}, {space.get(), roots.get()});
    (void)helper.ready();
    auto const places = tiles_of_proof(old, head.checkpoint.size).value();
    for (auto const& each : places) {
        auto path = folder / tile_path(each.level, each.index, each.width);
        if (!std::filesystem::exists(path)) path = folder / tile_path(each.level, each.index);
        UniqueFd const tile(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        REQUIRE(tile);
        helper.send(proto::HeadTile{}, {tile.get()});
    }
    helper.send(proto::HeadSocket{}, {socket.get()});
    auto const frame = helper.receive(std::chrono::seconds(20));
    REQUIRE(frame);
    auto const got = wire::decode<proto::HeadOutcome>(frame->body).value();
    auto out = std::string(name_of(got.answer)) + " " + std::to_string(got.status) + " " + std::to_string(got.size) + "\n";
    if (got.answer == proto::HeadAnswer::cosigned) {
        Cosignature const cosignature{got.time_s, got.signature};
        CHECK(verifies(cosignature, head.body, key));
        out += note + cosignature_line(key, cosignature);
    }
    write(setting("OCU_WITNESS_OUT"), out);
}

}  // namespace
