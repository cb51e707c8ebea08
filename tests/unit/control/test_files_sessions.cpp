// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/lifecycle, what storage asks for files (F11): whose session it is, made only to be written to, kept alive by no look.

#include "unit/control/control_fixture.h"

namespace test_control {

struct FilesSessionsTest : ControlTest {
    using ControlTest::ControlTest;
    void want_files(std::uint64_t request, proto::IfMissing if_missing, std::uint64_t caller = 1)
    {
        storage_in.send(proto::FilesSessionWanted{RequestId{request}, CallerId{caller}, "dev", "default", "trace", if_missing});
        loop.settle();
    }
    Reason files_reason() const
    {
        auto const* const refused = to_storage.empty() ? nullptr : std::get_if<proto::FilesSessionRefused>(&to_storage.back());
        return refused == nullptr ? Reason::none : refused->reason;
    }
    SessionId files_session() const
    {
        auto const* const granted = to_storage.empty() ? nullptr : std::get_if<proto::FilesSessionGranted>(&to_storage.back());
        return granted == nullptr ? SessionId{} : granted->session;
    }
};

TEST_CASE_METHOD(FilesSessionsTest, "control: given no session, when files are looked at, then none is made; when they are written, one is",
    "[control][SB-6]")
{
    want_files(1, proto::IfMissing::refuse);
    CHECK(files_reason() == Reason::unknown_session);
    CHECK(creates() == 0);
    want_files(2, proto::IfMissing::make);
    REQUIRE(creates() == 1);
    CHECK(to_storage.size() == 1);
    sandbox_in.send(proto::SessionUp{created()});
    loop.settle();
    CHECK(files_session() == created());
    CHECK(to_gateway.empty());  // the answer goes to who asked
}

TEST_CASE_METHOD(FilesSessionsTest,
    "control: given a caller's session, when files are asked for, then that one, and another caller's never", "[control][T-01][GW-5]")
{
    auto const session = bring_up();
    want_files(1, proto::IfMissing::refuse);
    CHECK(files_session() == session);
    want_files(2, proto::IfMissing::refuse, 2);
    CHECK(files_reason() == Reason::unknown_session);
    ControlTest::connect_front();
    (void)ask(OperatorAction::kill, session);
    want_files(3, proto::IfMissing::refuse);
    CHECK(files_reason() == Reason::unknown_session);
}

TEST_CASE_METHOD(FilesSessionsTest,
    "control: given the gateway's question about files, when there is no session, then none is made and nothing is on record; else it is told",
    "[control][GW-10]")
{
    auto const ask = [this](std::uint64_t request) {
        gateway_in.send(proto::SessionWanted{RequestId{request}, CallerId{1}, "dev", "default", "trace", true});
        loop.settle();
    };
    ask(1);
    CHECK(creates() == 0);
    REQUIRE(to_gateway.size() == 1);
    CHECK(std::get<proto::SessionRefused>(to_gateway.back()).reason == Reason::unknown_session);
    CHECK(recorder.count(proto::What::session_refused) == 0);
    auto const session = bring_up();
    ask(2);
    CHECK(std::get<proto::SessionGranted>(to_gateway.back()).session == session);
}

}  // namespace test_control
