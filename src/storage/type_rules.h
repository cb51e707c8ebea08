// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Which kinds of files may come in and go out (files.types of the manifest), by the type that was sniffed (storage/media_type.h): a guess from first
// bytes and, among texts, the name's end. It keeps out what somebody does not want by mistake; whoever wants to hides one kind in another. Pure.

#include <string_view>

#include "proto/broker_to_storage.h"

namespace ocu::storage {

class TypeRules {
public:
    TypeRules() = default;
    explicit TypeRules(proto::TypeLists lists) : lists_(std::move(lists)) {}
    // What is denied is; else, where any are allowed, those that are.
    bool permits(std::string_view media_type) const;
    bool any() const { return !lists_.allow.items().empty() || !lists_.deny.items().empty(); }

private:
    proto::TypeLists lists_;
};

struct FileTypes {
    TypeRules uploads;
    TypeRules outputs;
};

}  // namespace ocu::storage
