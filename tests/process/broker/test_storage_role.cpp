// SPDX-License-Identifier: GPL-3.0-or-later
// The storage role with real brokers: attach, serve, sever, and what is left afterwards: nothing.

#include "process/broker/broker_fixture.h"

#include <optional>

#include "storage/storage.h"

namespace {

using namespace broker_test;

class ForkingSpawner final : public helper::Spawner {
public:
    Result<helper::Spawned> spawn(helper::Kind kind, Slot slot, wire::Bytes config, std::vector<UniqueFd> descriptors) override
    {
        if (refuses || kind != helper::Kind::broker) return fail(Fault::unavailable, "refused by the test");
        auto pair = OCU_TRY(make_socket_pair());
        pid = ::fork();
        if (pid == 0) BrokerTest::serve(pair.theirs.get());
        UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        std::vector<int> numbers{empty_namespace};
        for (auto const& each : descriptors) numbers.push_back(each.get());
        wire::Bytes body = wire::encode(SlotOnly{static_cast<std::uint32_t>(slot.value)});
        std::ranges::copy(config, std::back_inserter(body));
        OCU_CHECK(helper::write_frame(pair.ours.get(), helper::kConfigureType, body, numbers));
        return helper::Spawned{helper::Child(pid, std::move(pidfd)), std::move(pair.ours)};
    }
    void report_violation(helper::Kind) override {}

    struct SlotOnly {
        std::uint32_t slot = 0;
        static void fields(auto& wire, auto& m) { wire(m.slot); }
    };
    bool refuses = false;
    int empty_namespace = -1;
    pid_t pid = -1;
};

class Remembering final : public proto::Recorder {
public:
    void record(proto::Event event, Done done) override
    {
        events.push_back(std::move(event));
        done(EventNumber{events.size()});
    }
    std::vector<proto::Event> events;
};

struct StorageRoleTest {
    StorageRoleTest()
    {
        REQUIRE(::unshare(CLONE_NEWNS) == 0);
        REQUIRE(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
        char name[] = "/tmp/ocu-storage-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        base = name;
        REQUIRE(::mkdir((base + "/mnt").c_str(), 0755) == 0);
        REQUIRE(::mkdir((base + "/store").c_str(), 0700) == 0);
        UniqueFd const own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        empty = UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        REQUIRE(::setns(own.get(), CLONE_NEWNET) == 0);
        spawner.empty_namespace = empty.get();
        to_sandbox.on_message([this](proto::StorageToSandbox::Message message) {
            if (std::holds_alternative<proto::MountReady>(message)) ++ready;
            if (std::holds_alternative<proto::MountLost>(message)) ++lost;
            told = true;
        });
        to_gateway.on_message([](proto::StorageToGateway::Message) {});
        to_control.on_message([this](proto::StorageToControl::Message message) {
            if (auto const* const told_of = std::get_if<proto::SessionMounted>(&message)) mounted.push_back(*told_of);
        });
        to_edge.on_message([](proto::StorageToEdge::Message) {});
        to_custody.on_message([](proto::StorageToCustody::Message) {});
        role.emplace(loop, clock, storage::Config{}, UniqueFd(::open((base + "/store").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
            storage::Storage::Wires{core, sandbox, gateway, control, to_sandbox, to_gateway, to_control, edge_in, to_edge, to_custody,
                recorder, spawner, [this] {
                    stopped = true;
                    told = true;
                }});
    }
    StorageRoleTest(StorageRoleTest const&) = delete;
    StorageRoleTest& operator=(StorageRoleTest const&) = delete;
    ~StorageRoleTest()
    {
        role.reset();
        while (::umount2((base + "/mnt").c_str(), MNT_DETACH) == 0) {
        }  // one test mounts twice
        std::error_code ignored;
        std::filesystem::remove_all(base, ignored);
    }
    void attach(std::uint64_t id = 0xabc)
    {
        UniqueFd fuse(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
        auto const options = "fd=" + std::to_string(fuse.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions";
        REQUIRE(::mount("ocu-storage", (base + "/mnt").c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0);
        sandbox.send(proto::MountAttach{SessionId{id}, Slot{3}, std::move(fuse), kGuest});
    }
    // Until the role says something to the sandbox, or says that it has stopped.
    void run();
    void stop()
    {
        core.send(proto::StopRole{});
        run();
        REQUIRE(stopped);
    }
    bool store_is_empty() const { return std::filesystem::is_empty(base + "/store"); }

    wire::Loop loop;
    SystemClock clock;
    proto::CoreToRole core{loop};
    proto::SandboxToStorage sandbox{loop};
    proto::GatewayToStorage gateway{loop};
    proto::ControlToStorage control{loop};
    proto::StorageToSandbox to_sandbox{loop};
    proto::StorageToGateway to_gateway{loop};
    proto::StorageToControl to_control{loop};
    proto::EdgeToStorage edge_in{loop};
    proto::StorageToEdge to_edge{loop};
    proto::StorageToCustody to_custody{loop};
    Remembering recorder;
    ForkingSpawner spawner;
    UniqueFd empty;
    std::string base;
    std::vector<proto::SessionMounted> mounted;
    int ready = 0;
    int lost = 0;
    bool stopped = false;
    bool told = false;
    std::optional<storage::Storage> role;
};

void StorageRoleTest::run()
{
    told = false;
    bool late = false;
    auto const guard = loop.after(std::chrono::seconds(10), [&late] { late = true; });
    while (!told && !late) loop.run_one();
    REQUIRE_FALSE(late);
}

}  // namespace

TEST_CASE_METHOD(StorageRoleTest,
    "storage: given a mount, when it is attached and detached, then it serves, both are recorded and nothing is left",
    "[storage][T-13][SB-1][SB-3]")
{
    attach();
    run();
    REQUIRE(ready == 1);
    CHECK(::mkdir((base + "/mnt/outputs/d").c_str(), 0755) == 0);
    UniqueFd const file(::open((base + "/mnt/outputs/d/f").c_str(), O_WRONLY | O_CREAT, 0644));
    CHECK(::write(file.get(), "12345", 5) == 5);
    CHECK(::fsync(file.get()) == 0);
    sandbox.send(proto::MountDetach{SessionId{0xabc}});
    stop();
    CHECK(::write(file.get(), "6", 1) == -1);
    CHECK(store_is_empty());
    REQUIRE(recorder.events.size() == 3);
    CHECK(recorder.events[0].what == proto::What::mount_attach);
    CHECK(recorder.events[1].what == proto::What::data_key_destroyed);
    CHECK(recorder.events[1].session == SessionId{0xabc});
    CHECK(recorder.events[2].what == proto::What::mount_detach);
    CHECK(recorder.events[2].bytes > 5);
    CHECK(recorder.events[2].session == SessionId{0xabc});
    CHECK(lost == 0);
    REQUIRE(mounted.size() == 1);
    CHECK(mounted[0].session == SessionId{0xabc});
    CHECK(mounted[0].written == 5);
    CHECK(mounted[0].read == 0);
    CHECK(mounted[0].telling == proto::Telling::last);
}

TEST_CASE_METHOD(
    StorageRoleTest, "storage: given a mount, when control severs its session, then operations fail at once", "[storage][T-17][CT-2]")
{
    attach();
    run();
    REQUIRE(ready == 1);
    control.send(proto::SessionSever{SessionId{0xabc}});
    stop();
    CHECK(::mkdir((base + "/mnt/outputs/d").c_str(), 0755) == -1);
    CHECK(errno == ENOTCONN);
    CHECK(store_is_empty());
}

TEST_CASE_METHOD(StorageRoleTest, "storage: given a store whose bytes were changed, when a guest reads them, then it is on record",
    "[storage][T-28][SB-3]")
{
    attach();
    run();
    REQUIRE(ready == 1);
    std::string const path = base + "/mnt/outputs/f";
    {
        UniqueFd const file(::open(path.c_str(), O_WRONLY | O_CREAT, 0644));
        std::string const bytes(1u << 20, 'x');
        pid_t const writer = ::fork();
        if (writer == 0) ::_exit(::write(file.get(), bytes.data(), bytes.size()) == 1 << 20 && ::fsync(file.get()) == 0 ? 0 : 1);
        int status = 0;
        REQUIRE(::waitpid(writer, &status, 0) == writer);
        REQUIRE(status == 0);
        ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    }
    for (auto const& entry : std::filesystem::recursive_directory_iterator(base + "/store")) {
        if (entry.path().extension() != ".seg") continue;
        UniqueFd const segment(::open(entry.path().c_str(), O_WRONLY));
        for (int at = 100'000; at < 1'000'000; at += 1'000) CHECK(::pwrite(segment.get(), "?", 1, at) == 1);
    }
    pid_t const reader = ::fork();
    if (reader == 0) {
        char byte = 0;
        UniqueFd const file(::open(path.c_str(), O_RDONLY));
        ::_exit(::pread(file.get(), &byte, 1, 500'000) == -1 && errno == EIO ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(reader, &status, 0) == reader);
    CHECK(status == 0);
    while (recorder.events.back().what != proto::What::store_damaged) loop.run_one();
    CHECK(recorder.events.back().session == SessionId{0xabc});
    sandbox.send(proto::MountDetach{SessionId{0xabc}});
    stop();
}

TEST_CASE_METHOD(StorageRoleTest, "storage: given a guest that writes and reads, when its broker is killed, then all that it carried is told",
    "[storage][AU-1][T-37]")
{
    attach();
    run();
    REQUIRE(ready == 1);
    pid_t const guest = ::fork();
    if (guest == 0) {
        UniqueFd const file(::open((base + "/mnt/outputs/f").c_str(), O_RDWR | O_CREAT | O_DIRECT, 0644));
        alignas(4096) static char bytes[8192];
        ::_exit(::pwrite(file.get(), bytes, 8192, 0) == 8192 && ::pread(file.get(), bytes, 4096, 4096) == 4096 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(guest, &status, 0) == guest);
    REQUIRE(status == 0);
    ::kill(spawner.pid, SIGKILL);
    run();
    stop();
    REQUIRE(mounted.size() == 1);
    CHECK(mounted[0].written == 8'192);
    CHECK(mounted[0].read >= 4'096);
    CHECK(mounted[0].telling == proto::Telling::last);
}

TEST_CASE_METHOD(StorageRoleTest,
    "storage: given a broker that dies unasked, when its role learns of it, then the mount is lost and recorded as failed",
    "[storage][T-14][CT-1]")
{
    attach();
    run();
    ::kill(spawner.pid, SIGKILL);
    run();
    CHECK(lost == 1);
    stop();
    CHECK(recorder.events.back().what == proto::What::mount_detach);
    CHECK(recorder.events.back().outcome == proto::Outcome::failure);
    CHECK(store_is_empty());
}

TEST_CASE_METHOD(StorageRoleTest,
    "storage: given no broker can start or the session is there already, when attach is asked, then it is lost and nothing is left",
    "[storage][T-13]")
{
    SECTION("no broker")
    {
        spawner.refuses = true;
        attach();
        run();
        CHECK(lost == 1);
    }
    SECTION("the same session twice")
    {
        attach();
        run();
        attach();
        run();
        CHECK(ready == 1);
        CHECK(lost == 1);
    }
    stop();
    CHECK(store_is_empty());
}

TEST_CASE_METHOD(StorageRoleTest,
    "storage: given a request to look inside, when no parser is up at the end, then it is answered all the same", "[storage][T-16]")
{
    bool good = true;
    to_gateway.on_message([&good](proto::StorageToGateway::Message message) { good = std::get<proto::BodyInspected>(message).good; });
    gateway.send(proto::InspectBody{CallId{1}, proto::Content::archive, "x"});
    core.send(proto::StopRole{});
    while (!stopped || good) loop.run_one();
    CHECK_FALSE(good);
}
