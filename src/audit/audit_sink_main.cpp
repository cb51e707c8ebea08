// SPDX-License-Identifier: GPL-3.0-or-later
#include <cerrno>

#include "appliance/profiles/audit_sink.h"
#include "audit/helpers.h"
#include "audit/read_given.h"
#include "audit/sink_copier.h"
#include "audit/sink_file.h"
#include "audit/sink_lines.h"
#include "audit/sink_remote.h"
#include "base/crypto/crypto.h"
#include "base/log.h"
#include "helper/helper.h"

namespace ocu::audit {

namespace {

constexpr std::size_t kQueueBytesMax = 64u << 10;

// The same sink with another destination has delivered nothing there.
Digest place_of(proto::SinkConfig const& config)
{
    return crypto::sha256(std::string(name_of(config.kind)) + "\n" + config.host.str() + "\n" + std::to_string(config.port) + "\n" +
                          config.target.str() + "\n");
}

class FileCarrier final : public SinkCarrier {
public:
    FileCarrier(wire::Loop& loop, int folder, proto::SinkConfig const& config) : loop_(loop), file_(folder, config.file_bytes, config.files)
    {}

    bool wants_socket() const override { return false; }
    void when_lost(std::function<void()>) override {}
    void carry(SinkBatch const& batch, UniqueFd, Done done) override
    {
        SinkOutcome outcome;
        if (auto const added = file_.add(batch.bytes, batch.before); !added) {
            log::failure("a sink's file cannot be written", added.error());
            outcome = {proto::SinkHealth::failing, added.error().os_errno == ENOSPC ? "disk_full" : "disk"};
        }
        loop_.post([done = std::move(done), outcome] { done(outcome); });
    }

private:
    wire::Loop& loop_;
    SinkFile file_;
};

struct Given {
    UniqueFd folder;
    std::string roots;
    UniqueFd custody;  // none: it has no key
};

class Server {
public:
    Server(UniqueFd link, proto::SinkConfig config, Given given)
        : config_(std::move(config)), given_(std::move(given)), place_(place_of(config_)),
          custody_(given_.custody ? std::make_unique<SinkCustody>(loop_, std::move(given_.custody), [this] { loop_.stop(); }) : nullptr),
          carrier_(carrier()), copier_(copier()),
          link_(
              loop_, std::move(link), {proto::kAuditToSink, kQueueBytesMax}, [this](wire::Link::Frame frame) { serve(frame); },
              [this](wire::Lost) { loop_.stop(); })
    {}
    void run() { loop_.run(); }

private:
    std::unique_ptr<SinkCarrier> carrier()
    {
        SinkPeer const peer{config_, given_.roots, custody_.get()};
        switch (config_.kind) {
        case proto::SinkKind::file: return std::make_unique<FileCarrier>(loop_, given_.folder.get(), config_);
        case proto::SinkKind::syslog: return syslog_carrier(loop_, peer);
        case proto::SinkKind::https: return https_carrier(loop_, peer);
        }
        OCU_ASSERT(false);
    }

    SinkCopier copier()
    {
        auto const kept = load_position(given_.folder.get(), place_);
        if (!kept) log::failure("the position of a sink cannot be read", kept.error());
        auto const from = kept && *kept ? **kept : SinkPosition{};
        return SinkCopier(clock_, *carrier_, from, !kept,
            {[this](std::uint64_t number, std::string_view record) { return sink_bytes(config_, number, record); },
                [this](SinkPosition const& position) { keep(position); }, [] { return crypto::random_u64(); }});
    }

    // One that cannot be kept makes what follows be delivered twice, and nothing else.
    void keep(SinkPosition const& position)
    {
        auto const kept = store_position(given_.folder.get(), position, place_);
        if (!kept && !std::exchange(keeping_failed_, true)) log::failure("the position of a sink cannot be kept", kept.error());
        if (kept) keeping_failed_ = false;
    }

    proto::SinkReport tick(std::uint64_t size)
    {
        bool const waits = custody_ && !custody_->ready();
        return waits ? copier_.report() : copier_.tick(size);
    }

    void serve(wire::Link::Frame& frame)
    {
        switch (static_cast<proto::Type>(frame.type)) {
        case proto::Type::sink_tick:
            if (auto const told = wire::decode<proto::SinkTick>(frame.body)) return link_.send(tick(told->size));
            break;
        case proto::Type::sink_segment:
            if (auto const given = wire::decode<proto::SinkSegment>(frame.body))
                return copier_.segment(std::move(frame.descriptors.front()), given->segment);
            break;
        case proto::Type::sink_socket: return copier_.socket(std::move(frame.descriptors.front()));
        case proto::Type::sink_not_given:
            if (auto const why = wire::decode<proto::SinkNotGiven>(frame.body)) return copier_.not_given(*why);
            break;
        default: break;
        }
        link_.violation();
    }

    wire::Loop loop_;
    SystemClock clock_;
    proto::SinkConfig config_;
    Given given_;
    Digest place_;
    bool keeping_failed_ = false;
    std::unique_ptr<SinkCustody> custody_;
    std::unique_ptr<SinkCarrier> carrier_;
    SinkCopier copier_;
    wire::Link link_;
};

// The shared empty namespace stands before what is a sink's own.
Result<Given> take_given(proto::SinkConfig const& config, std::vector<UniqueFd>& descriptors)
{
    bool const elsewhere = config.kind != proto::SinkKind::file;
    if (descriptors.size() < (elsewhere ? 3u : 2u) || descriptors.size() > 4)
        return fail(Fault::malformed, "a sink wants its folder and roots");
    Given out;
    out.folder = std::move(descriptors[1]);
    if (elsewhere) out.roots = OCU_TRY(read_given(descriptors[2].get(), kRootsBytesMax));
    if (elsewhere && descriptors.size() == 4) out.custody = std::move(descriptors[3]);
    return out;
}

}  // namespace

Result<void> audit_sink_main(helper::Helper& helper)
{
    auto config = OCU_TRY(helper.receive_config<proto::SinkConfig>());
    auto given = OCU_TRY(take_given(config, helper.descriptors()));
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kAuditSink));
    int const allowed = given.folder.get();
    OCU_CHECK(helper.confine(profiles::kAuditSink, std::span(&allowed, 1)));
    helper.descriptors().clear();
    Server server(OCU_TRY(helper.report_ready()), std::move(config), std::move(given));
    server.run();
    return {};
}

}  // namespace ocu::audit
