// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/graves.h"

namespace ocu::audit {

void Graves::bury(helper::Child child)
{
    if (!child) return;
    child.kill();
    auto const number = ++last_;
    auto& grave = graves_[number];
    grave.child = std::move(child);
    grave.death = loop_.on_readable(grave.child.pidfd(), [this, number] {
        auto const found = graves_.find(number);
        if (found == graves_.end() || !found->second.child) return;
        found->second.child.end();
        loop_.post([this, number] { graves_.erase(number); });
    });
}

void Graves::forget()
{
    for (auto& [number, grave] : graves_) grave.child.forget();
    graves_.clear();
}

}  // namespace ocu::audit
