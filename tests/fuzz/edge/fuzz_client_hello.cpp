// SPDX-License-Identifier: GPL-3.0-or-later
// Face: a guest's ClientHello. What is read does not depend on how the bytes were cut: every part of a good hello is a beginning of one,
// and what follows a hello changes nothing.

#include <cstdlib>

#include "edge/client_hello_face.h"
#include "edge/host_name.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu::edge;
    std::span const bytes(data, size);
    auto const hello = read_client_hello(bytes);
    if (!hello.server_name.empty() && !is_host_name(hello.server_name)) std::abort();
    for (auto const& protocol : hello.protocols)
        for (unsigned char const c : protocol)
            if (c <= ' ' || c >= 0x7f) std::abort();
    auto const cut = read_client_hello(bytes.first(size - size / 3));
    if (hello.state == HelloState::need_more && cut.state != HelloState::need_more) std::abort();
    if (cut.state != HelloState::need_more && cut.state != hello.state) std::abort();
    if (hello.state != HelloState::whole) return 0;
    if (hello.bytes == 0 || hello.bytes > size) std::abort();
    auto const alone = read_client_hello(bytes.first(hello.bytes));
    if (alone.state != HelloState::whole || alone.server_name != hello.server_name || alone.bytes != hello.bytes) std::abort();
    if (read_client_hello(bytes.first(hello.bytes - 1)).state != HelloState::need_more) std::abort();
    return 0;
}
