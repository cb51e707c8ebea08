// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/rest.h"

#include <utility>

namespace ocu::sandbox {

void Rest::is_up()
{
    up_ = true;
    consider();
}

void Rest::is_idle()
{
    idle_ = true;
    consider();
}

void Rest::consider()
{
    if (!up_ || !idle_ || stopped_) return;
    wait_ = loop_.after(after_, [this] {
        wait_.reset();
        stopped_ = true;
        order_(Order::stop);
    });
}

void Rest::is_wanted()
{
    wait_.reset();
    idle_ = false;
    if (std::exchange(stopped_, false)) order_(Order::go_on);
}

void Rest::say_again()
{
    if (up_) order_(stopped_ ? Order::stop : Order::go_on);
}

}  // namespace ocu::sandbox
