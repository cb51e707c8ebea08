// SPDX-License-Identifier: GPL-3.0-or-later
// The engine within the system calls of a broker whose store is elsewhere, and with no other.
#include <seccomp.h>
#include <sys/wait.h>

#include "appliance/profiles/broker.h"
#include "s3_fixture.h"

namespace ocu::test_s3 {

namespace {

bool confine()
{
    auto* const filter = ::seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool good = filter != nullptr;
    for (int const each : profiles::kRemoteBrokerSystemCalls) good = good && ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, each, 0) == 0;
    return good && ::seccomp_load(filter) == 0;
}

[[noreturn]] void work_confined(Store& store)
{
    std::vector<UniqueFd> streams;  // the lane would hand them over
    for (int i = 0; i < 12; ++i) streams.push_back(std::move(*to_port(port_of("OCU_S3_PORT"))()));
    store.connect = [&streams]() -> Answer<UniqueFd> {
        if (streams.empty()) return refuse(EIO);
        auto last = std::move(streams.back());
        streams.pop_back();
        return last;
    };
    auto const engine = store.engine();  // locks memory for the credential, which cannot be had later
    auto const reader = store.engine();
    if (!confine()) ::_exit(1);
    auto const bytes = bytes_of(1, 12u << 20);
    if (!engine->make(1)) ::_exit(2);
    for (std::size_t at = 0; at < bytes.size(); at += 1u << 20)
        if (!engine->append(1, at, std::span(bytes).subspan(at, 1u << 20))) ::_exit(3);
    if (!engine->settle()) ::_exit(4);
    std::vector<std::byte> into(bytes.size());
    if (!reader->list() || reader->read(1, 0, into).value_or(0) != bytes.size() || into != bytes) ::_exit(5);
    ::_exit(0);
}

}  // namespace

TEST_CASE("s3: the engine works within the broker's system calls and those of a stream [SB-4]", "[SB-4][T-14]")
{
    Store store;
    auto const child = ::fork();
    if (child == 0) work_confined(store);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace ocu::test_s3
