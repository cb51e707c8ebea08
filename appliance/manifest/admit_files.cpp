// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_files.h"

#include <algorithm>
#include <format>
#include <set>

#include "base/crypto/crypto.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

// Apart from all callers' numbers, which count from one.
constexpr std::uint64_t kEmbedKeyIdsFrom = 1ull << 32;

bool is_of(std::vector<helper::Caller> const& callers, std::string_view name)
{
    return std::ranges::any_of(callers, [name](helper::Caller const& each) { return each.name == name; });
}

Admission<void> admit_list(JsonView list, std::string const& place, proto::TypeLists::List& out)
{
    std::set<std::string_view> seen;
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        auto const pattern = list.at(i).string().value_or("");
        if (!seen.insert(pattern).second) return refuse(place + "[" + std::to_string(i) + "]", "is there twice");
        out.push(wire::Text<96>(std::string(pattern)));
    }
    return {};
}

Admission<void> admit_lists(JsonView lists, std::string const& place, proto::TypeLists& out)
{
    if (auto verdict = admit_list(lists["allow"], place + ".allow", out.allow); !verdict) return verdict;
    if (auto verdict = admit_list(lists["deny"], place + ".deny", out.deny); !verdict) return verdict;
    // A list of exceptions that nothing is an exception of is a mistake, and would let in less than somebody meant.
    for (std::size_t i = 0; i < out.allow.items().size(); ++i)
        for (auto const& denied : out.deny.items())
            if (denied.view() == out.allow.items()[i].view())
                return refuse(place + ".allow[" + std::to_string(i) + "]", "is denied as well");
    return {};
}

std::string words(proto::TypeLists::List const& list)
{
    std::string out;
    for (auto const& each : list.items()) out += (out.empty() ? "" : ", ") + printable(each.view());
    return out;
}

std::string line_of(proto::TypeLists const& lists, std::string_view what)
{
    if (lists.allow.items().empty() && lists.deny.items().empty()) return {};
    auto out = std::format("{}: ", what);
    out += lists.allow.items().empty() ? std::string("every kind") : "only " + words(lists.allow);
    if (!lists.deny.items().empty()) out += (lists.allow.items().empty() ? " but " : ", and of these not ") + words(lists.deny);
    return out + ".\n";
}

}  // namespace

bool take_key_hash(std::string_view text, helper::Caller& out)
{
    constexpr std::string_view kKind = "sha256:";
    constexpr std::size_t kSaltDigits = 32;
    if (!text.starts_with(kKind) || text.size() <= kKind.size() + kSaltDigits) return false;
    auto const salt = crypto::from_hex(text.substr(kKind.size(), kSaltDigits));
    auto const digest = crypto::from_hex(text.substr(kKind.size() + kSaltDigits + 1));
    if (!salt || !digest || salt->size() != out.salt.size() || digest->size() != out.digest.size()) return false;
    std::ranges::copy(*salt, out.salt.begin());
    std::ranges::copy(*digest, out.digest.begin());
    return true;
}

// A key that were a caller's too would do more than it says; a name that were one could not be told apart on record (T-01).
Admission<void> admit_embed_keys(JsonView list, std::vector<helper::Caller> const& callers, std::vector<storage::EmbedKey>& out)
{
    std::set<std::string> names;
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        auto const place = "files.embed.keys[" + std::to_string(i) + "]";
        storage::EmbedKey made;
        made.key.id = CallerId{kEmbedKeyIdsFrom + i};
        made.key.name = std::string(list.at(i)["name"].string().value_or(""));
        if (!names.insert(made.key.name).second) return refuse(place + ".name", "is there twice");
        if (is_of(callers, made.key.name)) return refuse(place + ".name", "is a caller's");
        if (!take_key_hash(list.at(i)["key_hash"].string().value_or(""), made.key))
            return refuse(place + ".key_hash", "is not sha256:SALT:DIGEST");
        auto const same = [&](helper::Caller const& each) { return each.salt == made.key.salt && each.digest == made.key.digest; };
        if (std::ranges::any_of(callers, same)) return refuse(place + ".key_hash", "is a caller's");
        if (std::ranges::any_of(out, same, &storage::EmbedKey::key)) return refuse(place + ".key_hash", "is another key's");
        auto const whom = list.at(i)["callers"];
        if (whom.size() == 0) return refuse(place + ".callers", "names no caller: the key would open nothing");
        for (std::size_t j = 0; j < whom.size(); ++j) {
            std::string name(whom.at(j).string().value_or(""));
            auto const at = place + ".callers[" + std::to_string(j) + "]";
            if (!is_of(callers, name)) return refuse(at, "is no caller of mcp.callers");
            if (std::ranges::contains(made.callers, name)) return refuse(at, "is there twice");
            made.callers.push_back(std::move(name));
        }
        out.push_back(std::move(made));
    }
    return {};
}

Admission<void> admit_types(JsonView types, proto::TypeLists& uploads, proto::TypeLists& outputs)
{
    if (auto verdict = admit_lists(types["uploads"], "files.types.uploads", uploads); !verdict) return verdict;
    return admit_lists(types["outputs"], "files.types.outputs", outputs);
}

std::string explain_files(storage::Config const& config)
{
    std::string out = "Archives are looked into before an upload of one is taken; what could harm whoever unpacks it is refused.\n";
    out += line_of(config.upload_types, "Files that may be uploaded, by what they seem to be");
    out += line_of(config.output_types, "Outputs that are given out, by what they seem to be");
    for (auto const& each : config.files.embed_keys) {
        std::string callers;
        for (auto const& name : each.callers) callers += (callers.empty() ? "" : ", ") + printable(name);
        out += std::format("The application {} has a key with which it lets browsers see and change files of: {}. It opens nothing else.\n",
            printable(each.key.name), callers);
    }
    return out;
}

}  // namespace ocu::manifest
