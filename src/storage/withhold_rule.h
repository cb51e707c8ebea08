// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A pattern of paths whose files may not leave (manifest: files.withhold), as "uploads/**/*.key" or "outputs/raw/*". Components apart by '/': `*`
// stands for any bytes of one component, `?` for one byte of it, a component `**` for any number of components, none included. Bytes are
// compared as they are, as the tree does: no case, no normalization. Pure.
//
// A name is the guest's to choose: matching looks back at the last `*` and the last `**` alone, so its work is bounded by the product of the two
// lengths (T-06).

#include <string>
#include <string_view>
#include <vector>

namespace ocu::storage {

class WithholdRule {
public:
    // `pattern` has no fault.
    explicit WithholdRule(std::string_view pattern);

    bool matches(std::string_view path) const;
    std::string const& text() const { return text_; }

    // Empty, or what is wrong with it, for the operator who wrote it.
    static std::string_view fault(std::string_view pattern);

private:
    std::string text_;
    std::vector<std::string> components_;
};

}  // namespace ocu::storage
