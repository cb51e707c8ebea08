// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what a TPM answers, and the sealed key as it rests. The first two bytes are the size of the sealed key that follows; then the
// answers. The kept ones are an emulated TPM's: its storage key is the one of the sealed key beside it, so the fuzzer gets as far as
// a session, whose keys it does not have.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/unique_fd.h"
#include "tpm/sealing.h"

using namespace ocu;

namespace {

constexpr std::size_t kBytesMax = 16u << 10;

// Both directions are there at once; what is asked is dropped with the socket.
template <class Work>
void with_tpm(std::span<std::uint8_t const> answers, Work const& work)
{
    auto pair = make_socket_pair().value();
    if (!answers.empty() && ::write(pair.theirs.get(), answers.data(), answers.size()) != static_cast<ssize_t>(answers.size()))
        std::abort();
    ::shutdown(pair.theirs.get(), SHUT_WR);
    tpm::Channel channel(pair.ours.get(), std::chrono::milliseconds(2'000));
    work(channel);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size < 2 || size > kBytesMax) return 0;
    std::span const bytes(data + 2, size - 2);
    auto const text_size = std::min(bytes.size(), std::size_t{data[0]} << 8 | data[1]);
    std::string_view const text(reinterpret_cast<char const*>(bytes.data()), text_size);
    auto const answers = bytes.subspan(text_size);
    with_tpm(answers, [&](tpm::Channel& channel) {
        // An HMAC over each answer of a session stands between the fuzzer and a key.
        if (auto const opened = tpm::open_key(channel, text)) std::abort();
    });
    with_tpm(answers, [&](tpm::Channel& channel) {
        auto const key = Secret::make(tpm::kKeyBytes);
        if (!key || tpm::seal_key(channel, *key)) std::abort();
    });
    return 0;
}
