// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what an ICAP server answers. Of an answer that is accepted the head lies where the offset says, and is one of HTTP's or refused; a body
// is read in chunks and no other way (EG-11).

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/http_relay_body.h"
#include "wire/icap.h"

namespace {

using namespace ocu::wire;

void check(bool good)
{
    if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
    auto const method = (data[0] & 1) != 0 ? IcapMethod::respmod : IcapMethod::reqmod;
    auto const end = find_head_end(bytes);
    if (!end || *end == 0) return 0;
    auto const answer = read_icap_head(bytes.substr(0, *end), method);
    if (!answer) return 0;
    check(answer->status >= 100 && answer->status <= 599);
    check((answer->status == 200) == (answer->carries != IcapAnswer::Carries::nothing));
    check(answer->head_bytes <= kRelayHeadBytesMax && (answer->status == 200) == (answer->head_bytes != 0));
    check(method == IcapMethod::reqmod || answer->carries != IcapAnswer::Carries::request);
    bytes.remove_prefix(*end);
    if (answer->status != 200 || bytes.size() < answer->head_bytes) return 0;
    auto const head = bytes.substr(0, answer->head_bytes);
    if (answer->carries == IcapAnswer::Carries::request)
        (void)read_request_head(head);
    else
        (void)read_response_head(head, {});
    BodyReader reader({Framing::chunked, 0}, BodyReader::Extensions::dropped);
    std::string body;
    (void)reader.feed(bytes.substr(answer->head_bytes), 1'000'000, body);
    return 0;
}
