// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The log: the only code that writes it. append() returns after the records are on disk. The first write or sync that fails ends the
// log for this process: what a failed sync left in memory cannot be known, so nothing is acknowledged after it (T-10).
// Threading: one thread.

#include <span>

#include "audit/derived.h"
#include "audit/event.h"
#include "audit/recover.h"
#include "audit/removal.h"
#include "proto/audit_to_writer.h"

namespace ocu::audit {

struct Entry {
    proto::Source source{};
    WallTime time{};
    proto::Event event;
};

class Log {
public:
    struct Options {
        std::string origin;  // is_origin()
        std::size_t segment_bytes = kSegmentBytes;
    };

    // Recovers, then records log_repaired if something was cut, and log_opened. `disk` and `clock` outlive the log.
    // Errors: malformed (damaged: nothing was changed), os.
    static Result<Log> open(Disk& disk, UniqueFd directory, Options options, Clock const& clock);

    // Durable when it returns. The index of the first of them. Errors: os.
    Result<std::uint64_t> append(std::span<Entry const> entries);

    std::uint64_t size() const { return derived_.tree().size(); }
    Digest root() const { return derived_.tree().root(); }
    std::uint64_t checkpoint_size() const { return checkpoint_size_; }
    std::uint64_t repaired_bytes() const { return repair_.bytes; }
    std::size_t untiled() const { return derived_.untiled(); }

    // Writes the derived files for the present size; the checkpoint that is now to be signed (note.h: format_body).
    Result<Checkpoint> derive();
    // Errors: denied (the signature is not one of this key over this checkpoint), os.
    Result<void> write_checkpoint(Checkpoint const& checkpoint, crypto::PublicKey const& key, crypto::Signature const& signature);

    // The note of a head with a witness's cosignature, in place of the one before it, and the key that it verifies with. Durable when it returns.
    // Errors: malformed (no such key or note: nothing was written), os.
    Result<void> keep_head(std::string_view witness, std::string_view key, std::string_view note);
    // What keep_head() has left, as far as it can be read.
    std::vector<proto::KeptHead> kept_heads() const;

    // How far the cold tier is, kept for the next start. Errors: malformed (the log does not bear it out: nothing was written), os.
    Result<void> keep_cold(proto::ColdPosition const& position);
    // What keep_cold() has left; nothing of use: {}.
    proto::ColdPosition cold_position() const;

    // Removal by age (AU-7), in this order: what could go; the text that lets it go, to be signed; and then it goes. What fails here harms
    // no record and does not end the log. Errors: as Removal's, and denied (the signature is not one of this key over this text).
    Removal const& removal() const { return removal_; }
    Result<RemovalPlan> plan_removal(RemovalPolicy const& policy);
    Result<RetentionNote> word_removal(RemovalPlan const& plan, std::uint64_t event, RemovalPolicy const& policy);
    Result<void> remove(RetentionNote const& note, crypto::PublicKey const& key, crypto::Signature const& signature);
    // What an earlier process was killed in.
    Result<void> finish_removal() { return removal_.carry_out(); }

private:
    Log(Disk& disk, UniqueFd directory, Options options, Clock const& clock);
    Result<void> start(Recovered recovered);
    Result<void> begin_segment();
    Result<void> flush();
    Result<void> append_all(std::span<Entry const> entries);
    Result<void> write_key(VerifierKey const& key);
    Result<void> bears_out(proto::ColdPosition const& position) const;
    Entry own(proto::What what, std::string_view resource, std::string detail, std::uint64_t bytes) const;

    Disk* disk_;
    UniqueFd directory_;
    Options options_;
    Clock const* clock_;
    Derived derived_;
    Chains chains_;
    Repair repair_;
    std::uint64_t checkpoint_size_ = 0;
    std::optional<VerifierKey> key_;
    Removal removal_;

    UniqueFd segment_;
    std::uint64_t segments_ = 0;
    std::size_t segment_size_ = 0;
    std::size_t offset_ = 0;     // of the first byte that is not on disk

    // A batch on its way.
    std::string pending_;
    std::vector<std::pair<std::string, Digest>> pending_records_;
    bool failed_ = false;
};

}  // namespace ocu::audit
