// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/verify_witnessed.h"

#include <algorithm>

#include "audit/layout.h"
#include "audit/recover.h"

namespace ocu::audit {

namespace {

constexpr std::size_t kKeyBytesMax = 1024;

class Reader {
public:
    Reader(Disk& disk, int directory, std::optional<VerifierKey> const& log_key, std::vector<VerifierKey> const& trusted, AddFinding const& add)
        : disk_(disk), directory_(directory), log_key_(log_key), trusted_(trusted), add_(add), seen_(trusted.size())
    {}

    std::vector<WitnessedHead> run()
    {
        auto const names = disk_.list(directory_, std::string(kWitnessedFolder));
        for (auto const& name : names ? *names : std::vector<std::string>{}) one(name);
        for (std::size_t i = 0; i < trusted_.size(); ++i)
            if (!seen_[i]) add_(Problem::cosignature_missing, 0, trusted_[i].name);
        std::ranges::sort(heads_, {}, [](auto const& head) { return head.checkpoint.size; });
        return std::move(heads_);
    }

private:
    void one(std::string const& name)
    {
        auto const path = witnessed_path(name);
        auto const text = disk_.read_file(directory_, path, kNoteBytesMax);
        auto const note = text ? parse_note(*text) : fail(Fault::malformed, "unreadable");
        auto const keys = keys_of(name);
        // The first one that was to be kept here, when the machine stopped; whoever brings the witness's key misses one that was removed.
        if (!text && text.error().fault == Fault::not_found) return;
        if (!note) return add_(Problem::witnessed_malformed, 0, path);
        bool const ours = log_key_ ? check_note(*note, *log_key_).has_value() : check_with_any_key(disk_, directory_, *note).has_value();
        if (!ours) return add_(Problem::signature_bad, note->checkpoint.size, path);
        std::optional<std::uint64_t> time;
        bool given = false;
        for (std::size_t i = 0; i < trusted_.size(); ++i) {
            auto const seen = check_cosignature(*note, trusted_[i]);
            if (!seen) continue;
            seen_[i] = given = true;
            time = std::max(time.value_or(0), *seen);
        }
        for (auto const& key : keys)
            if (auto const seen = check_cosignature(*note, key); seen && !given) time = std::max(time.value_or(0), *seen);
        if (!time) return add_(Problem::cosignature_bad, note->checkpoint.size, path);
        heads_.push_back({name, note->checkpoint, *time, given});
    }

    std::vector<VerifierKey> keys_of(std::string const& name)
    {
        std::vector<VerifierKey> out;
        auto const folder = std::string(kWitnessedFolder) + "/" + name;
        auto const files = disk_.list(directory_, folder);
        for (auto const& file : files ? *files : std::vector<std::string>{}) {
            if (file == "head") continue;
            auto const text = disk_.read_file(directory_, folder + "/" + file, kKeyBytesMax);
            auto const key = text ? parse_key(*text, KeyKind::witness) : fail(Fault::malformed, "unreadable");
            if (key && witness_key_path(name, key->id) == folder + "/" + file)
                out.push_back(*key);
            else
                add_(Problem::stray_file, 0, folder + "/" + file);
        }
        return out;
    }

    Disk& disk_;
    int directory_;
    std::optional<VerifierKey> const& log_key_;
    std::vector<VerifierKey> const& trusted_;
    AddFinding const& add_;
    std::vector<bool> seen_;
    std::vector<WitnessedHead> heads_;
};

}  // namespace

std::vector<WitnessedHead> read_witnessed(
    Disk& disk, int directory, std::optional<VerifierKey> const& log_key, std::vector<VerifierKey> const& trusted, AddFinding const& add)
{
    return Reader(disk, directory, log_key, trusted, add).run();
}

}  // namespace ocu::audit
